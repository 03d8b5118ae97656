"""The timeline of an end as lines of text: every step, and what was seen. What the words mean is in docs/ending.md."""

from __future__ import annotations

from collections.abc import Iterator

from daypass.cli.client import Json
from daypass.cli.showing import clean, short, until

STEPS = {
    "refused_new": "new sessions refused",
    "stopped_forwarding": "nothing more forwarded",
    "work_stopped": "work ended at the target",
    "client_told": "clients told",
    "closed": "both sides closed",
    "work_gone": "read back that the work is gone",
    "cut": "sessions cut",
    "withdrawn": "credential withdrawn",
    "recorded": "last records stored",
    "read_back": "read back that nothing is left",
}
"""What the steps of an end are called."""
SEEN = {
    "terminated": "{} backends terminated",
    "prepared_rolled_back": "{} prepared transactions rolled back",
    "objects_reassigned": "{} objects handed on",
    "databases": "in {} databases",
    "backends_left": "{} backends left",
    "signed_in_afresh": "signed in with afresh",
}
"""What was counted when a credential was withdrawn."""
Line = tuple[int, str]


def ending_lines(grant: Json) -> Iterator[Line]:
    """Every step of a grant's end, what was seen of each session and of the credential, and what is left."""
    ending = grant["ending"] or {}
    began = ending.get("began_at", grant["ending_at"])
    for step, ms in ending.get("steps", {}).items():
        yield began + ms, f"  {ms:>6} ms  {STEPS.get(step, clean(step))}"
    over = began + ending.get("ms", 0) if ending else 0
    for each in ending.get("sessions", ()):
        yield over, f"  session {short(each['session'])} {_session(each)}"
    for line in (*_credential(ending.get("credential") or {}), *_elsewhere(ending.get("elsewhere") or {})):
        yield over, f"  {line}"
    if ending.get("retry_at") and grant["state"] == "END_UNCONFIRMED":
        yield over, f"  NOT CONFIRMED: looked at again {until(ending['retry_at'])}"
    if closed := ending.get("closed_by_hand"):
        yield closed["at"], f"its unconfirmed end was closed by hand ({clean(closed['note'])})"


def in_doubt(session: Json) -> bool:
    """Whether a session's end is an alarm."""
    return bool(session["look_at"]) and (session["ending"] or {}).get("read_back") == "not confirmed"


def session_lines(session: Json) -> Iterator[Line]:
    """Every step of the end of a session that was ended by itself, and what was seen."""
    ending = session["ending"] or {}
    steps = sorted(ending.get("steps_us", {}).items(), key=lambda step: int(step[1]))
    for step, us in steps:
        name = "work_gone" if step == "read_back" else step
        yield ending["began_at"] + us // 1000, f"  {us // 1000:>6} ms  {STEPS.get(name, clean(name))}"
    if "how" in ending:
        over = max([session["ended_at"], *(ending["began_at"] + us // 1000 for _, us in steps)])
        yield over, f"  session {short(session['id'])} {_session(ending)}"
        if in_doubt(session):
            yield over, f"  NOT CONFIRMED: looked at again {until(session['look_at'])}"
    if closed := ending.get("closed_by_hand"):
        yield closed["at"], "its unconfirmed end was closed by hand"


def _session(each: Json) -> str:
    running = f" (statement {each['statement']})" if each.get("statement") else ""
    outcome = f", its changes {clean(each['outcome'])}" if each.get("outcome") else ""
    was = f"was {clean(each['was'])}{running}, " if each.get("was") else ""
    problem = f": {clean(each['problem'])}" if each.get("problem") else ""
    return f"{was}{clean(each['how'])}{outcome}; read back: {clean(each['read_back'])}{problem}"


def _credential(done: Json) -> Iterator[str]:
    seen = [SEEN.get(name, f"{clean(name)}: {{}}").format(n) for name, n in (done.get("seen") or {}).items()]
    if seen:
        yield f"credential: {', '.join(seen)}"
    for left in done.get("left", ()):
        yield f"left behind: {clean(left)}"
    if done.get("problem"):
        yield f"credential: {clean(done['problem'])}"


def _elsewhere(found: Json) -> Iterator[str]:
    if found:
        told = [f"statement {each['statement']} of session {short(each['session'])}" for each in found["statements"]]
        waited = [f"session {short(session)} waited for it" for session in found["waiting"]]
        yield f"worked under another login, which is not ended with it: {', '.join([*told, *waited])}"
        for each in found["still_there"]:
            yield f"still there, perhaps of it: {clean(each)}"
        if found["problem"]:
            yield f"what is still there could not be asked: {clean(found['problem'])}"
