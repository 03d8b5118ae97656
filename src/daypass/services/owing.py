"""How obligations begin and are done: each in the transaction of what it is about. Who may, `duties.py` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from daypass.domain import obligation as obligations
from daypass.domain.events import Event
from daypass.domain.grant import Grant
from daypass.domain.obligation import SIGN_OFF, Obligation, ObligationAction, ObligationState
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.domain.request import Request
from daypass.services.notices import tell, tell_named
from daypass.services.office import Change, Office, acting
from daypass.store.interface import Page

SESSIONS_MAX = 200
"""Sign-offs that one grant can ask for; who opened more sessions is asked about by the newest of them."""


def obligation_event(
    office: Office, type: str, obligation: Obligation, by: Actor, *, note: str = "", target: str = ""
) -> Event:
    """An event about an obligation."""
    body = {"obligation": obligation.id, "kind": obligation.kind, "state": obligation.state.value}
    return Event(
        type,
        office.now(),
        by,
        request=obligation.request,
        grant=obligation.grant,
        session=obligation.session or None,
        target=office.target_ref(target) if target else None,
        body={**body, "due_at": obligation.due_at, "person": obligation.person, "drill": int(obligation.drill)},
        secret={"note": note} if note else {},
    )


async def owe(
    office: Office,
    change: Change,
    kind: str,
    duty: Mapping[str, Any],
    request: Request,
    grant: str,
    *,
    session: str = "",
    drill: bool = False,
) -> Obligation:
    """Put an obligation on record, and tell those who owe it."""
    now = office.now()
    made = Obligation(
        id=office.new_id(),
        state=ObligationState.DUE,
        kind=kind,
        request=request.id,
        grant=grant,
        by=tuple(duty["by"]),
        due_at=now + int(duty["within_ms"]),
        session=session,
        person=request.requester,
        created_at=now,
        otherwise=str(duty.get("otherwise", "")),
        escalate=tuple(duty.get("escalate", ())),
        drill=drill,
    )
    await change.tx.save_obligation(made)
    target = request.items[0].target
    await change.record(obligation_event(office, "obligation.due", made, SYSTEM, target=target))
    await tell_named(office, change, made.by, f"owed.{kind}", {"obligation": made.id, "request": request.id})
    return made


async def owe_after(office: Office, change: Change, grant: Grant) -> None:
    """Have the end of a grant signed off, where its rule wants that. A grant that nobody used has nothing to look at;
    which ones are left out of a sample nobody can tell beforehand."""
    duty = grant.owes.get(SIGN_OFF)
    if not isinstance(duty, Mapping) or await change.tx.obligations(grant=grant.id, kind=SIGN_OFF, page=Page(1)):
        return
    request = await change.tx.request(grant.request)
    sessions = await change.tx.sessions(grant=grant.id, page=Page(SESSIONS_MAX))
    if request is None or request.route.drill or not sessions:
        return
    names = [one.id for one in sessions] if duty.get("of") == "session" else [""]
    for session in names:
        if _sampled(office, int(duty.get("sample", 100))):
            await owe(office, change, SIGN_OFF, duty, request, grant.id, session=session)


def _sampled(office: Office, per_cent: int) -> bool:
    return int.from_bytes(office.entropy(4), "big") % 100 < per_cent


async def done(
    office: Office, change: Change, found: Obligation, person: Person, note: str, *, flag: bool
) -> Obligation:
    """Save an obligation as done or flagged, with the event that tells of it."""
    action = ObligationAction.FLAG if flag else ObligationAction.DO
    after = replace(obligations.step(found, action), done_at=office.now(), done_by=person.id, note=note)
    await change.tx.save_obligation(after)
    type = "obligation.flagged" if flag else "obligation.done"
    await change.record(obligation_event(office, type, after, acting(person), note=note))
    if flag:
        await escalated(office, change, after, "flagged")
    return after


async def escalated(office: Office, change: Change, about: Obligation, word: str) -> None:
    """Tell those who owe it, those it escalates to, whose access it is about, and security."""
    crowd = await office.everybody(change.tx)
    named = crowd.named(about.by + about.escalate)
    guards = [one.id for one in crowd.people if office.is_security(one)]
    ids = [one.id for one in named] + guards + [about.person]
    await tell(office, change, ids, f"{word}.{about.kind}", {"obligation": about.id, "request": about.request})
