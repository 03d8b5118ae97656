"""What somebody did the last time with the same access: one sentence for whoever is asked to give it again."""

from __future__ import annotations

from collections import Counter

from daypass.domain.durations import spoken_duration, spoken_time
from daypass.domain.grant import EndReason, Grant, GrantState
from daypass.domain.obligation import SIGN_OFF, ObligationState
from daypass.services.reviewing import Done, count_session
from daypass.store.interface import Page, Transaction

FORMER_MAX = 100
"""Former grants on this target that are looked through for one with the same role."""
SESSIONS_MAX = 20
ENTRIES_MAX = 2000
"""Of each session: what a sentence says needs no more, and somebody waits for the message."""
NAMED_MAX = 5
"""Tables, or kinds of statements, that are named."""

NEVER = "never had this access before"

_ENDS = {
    EndReason.HANDED_BACK.value: "handed back",
    EndReason.EXPIRED.value: "ran to its end",
    EndReason.REVOKED.value: "was revoked",
}


async def last_time(tx: Transaction, person: str, target: str, role: str, *, before: str = "") -> str:
    """The sentence. `before`: the request that is asked about; its own grant is not former."""
    held = await tx.grants(person=person, target=target, states=(GrantState.ENDED,), page=Page(FORMER_MAX))
    last = next((one for one in held if one.role == role and one.request != before and one.activated_at), None)
    if last is None or last.activated_at is None:
        return NEVER
    done = Done()
    sessions = await tx.sessions(grant=last.id, page=Page(SESSIONS_MAX))
    for session in sessions:
        await count_session(tx, session.id, done, ENTRIES_MAX)
    said = [f"{spoken_time(last.activated_at)}: {_counted(len(sessions), 'session')}", *_did(done), _ended(last)]
    return "; ".join([*said, *await _reviewed(tx, last)])


def _did(done: Done) -> list[str]:
    if not done.statements:
        return ["nothing was done"]
    kinds = _names(done.kinds, counted=True)
    found = [f"{_counted(done.statements, 'statement')}{'' if done.whole else ' or more'} ({kinds})"]
    if done.writes:
        found.append(f"wrote {_names(done.writes)}")
    elif done.reads:
        found.append(f"only read {_names(done.reads)}")
    if done.refused:
        found.append(f"{done.refused} refused")
    return found


def _ended(grant: Grant) -> str:
    used = (grant.ending_at or grant.ended_at or 0) - (grant.activated_at or 0)
    how = _ENDS.get(grant.end_reason, f"ended: {grant.end_reason}")
    return f"{how} after {spoken_duration(used)} of {spoken_duration(grant.duration_ms)}"


async def _reviewed(tx: Transaction, grant: Grant) -> list[str]:
    states = {one.state for one in await tx.obligations(grant=grant.id, kind=SIGN_OFF)}
    if ObligationState.FLAGGED in states:
        return ["FLAGGED when it was reviewed"]
    if states & {ObligationState.DUE, ObligationState.OVERDUE}:
        return ["not signed off yet"]
    return ["signed off"] if states else []


def _names(counts: Counter[str], *, counted: bool = False) -> str:
    common = counts.most_common(NAMED_MAX)
    shown = ", ".join(f"{count} {name}" if counted else name for name, count in common)
    return shown + (", …" if len(counts) > len(common) else "")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
