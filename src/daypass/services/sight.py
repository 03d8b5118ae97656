"""Who may see what. What a person may not see does not exist for them: `NotFound`, whatever they type.

What somebody may do to a thing hangs on what they are to it: `roles_over` finds that out, `domain.roles` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from daypass.domain.errors import Invalid, NotFound
from daypass.domain.grant import Grant
from daypass.domain.people import Person, selected
from daypass.domain.request import Request
from daypass.domain.roles import Role, Verb, permits
from daypass.domain.session import Session
from daypass.services.office import Office
from daypass.store.interface import Transaction

Kind = Literal["request", "grant", "session", "obligation", "lock", "token", "visit"]

PART_CHARS_MIN = 4
"""A shorter part of an id is a guess."""


def roles_over(office: Office, person: Person, request: Request) -> frozenset[Role]:
    """What this person is to a request and to all that came of it. A disabled person is nothing to anybody."""
    if person.disabled:
        return frozenset()
    held = set(office.roles(person))
    if person.id in (request.requester, request.on_behalf_of, request.asked_by):
        held.add(Role.REQUESTER)
    if person.id in request.route.bypassed or any(person.id in stage.eligible for stage in request.stages):
        held.add(Role.APPROVER)
    if request.grant is not None and selected(person, _reviewers(request)):
        held.add(Role.APPROVER)
    if _owns(office, person, request):
        held.add(Role.OWNER)
    return frozenset(held)


def sees_request(office: Office, person: Person, request: Request) -> bool:
    """Whether this person may know of the request and what came of it."""
    return permits(Verb.SEE, roles_over(office, person, request))


def reads_of(office: Office, person: Person, request: Request) -> bool:
    """Whether this person may read what was said and done there."""
    return permits(Verb.READ, roles_over(office, person, request))


def may_end(office: Office, person: Person, request: Request, verb: Verb = Verb.END) -> bool:
    """Whether this person may end the access that the request gave, or one session of it (`KILL`). That a
    glass was broken without them, or that they sign off afterwards, gives people no say in that."""
    held = roles_over(office, person, request)
    if not any(person.id in stage.eligible for stage in request.stages):
        held -= {Role.APPROVER}
    return permits(verb, held)


def _reviewers(request: Request) -> list[str]:
    """Whom the rule names for what is owed afterwards: from when there is something to look at, they see it."""
    duties = [duty for duty in request.owes.values() if isinstance(duty, Mapping)]
    return [str(name) for duty in duties for name in (*duty.get("by", ()), *duty.get("escalate", ()))]


def _owns(office: Office, person: Person, request: Request) -> bool:
    targets = (office.targets.get(item.target) for item in request.items)
    return any(target is not None and selected(person, target.owners) for target in targets)


async def find_id(tx: Transaction, kind: Kind, part: str) -> str:
    """The whole id that `part` begins, ends or is. Raise `NotFound` for none, `Invalid` for several."""
    part = part.strip().lower()
    found = await tx.resolve(kind, part) if len(part) >= PART_CHARS_MIN else ()
    if part in found:
        return part
    if not found:
        raise unknown(kind, part)
    if len(found) > 1:
        raise Invalid(f"{part} could be several {kind}s", hint="type more of it")
    return found[0]


def unknown(kind: Kind, part: str) -> NotFound:
    """The error for what is not there, or not for this person."""
    return NotFound(f"there is no {kind} {part}", hint=f"daypass {kind}s lists those you may see")


async def see_request(office: Office, tx: Transaction, person: Person, part: str, *, change: bool = False) -> Request:
    """The request that `part` names, locked if it is to be changed."""
    id = await find_id(tx, "request", part)
    request = await (tx.request_for_change(id) if change else tx.request(id))
    if request is None or not sees_request(office, person, request):
        raise unknown("request", part)
    return request


async def see_grant(office: Office, tx: Transaction, person: Person, part: str) -> tuple[Grant, Request]:
    """The grant that `part` names, with its request."""
    grant = await tx.grant(await find_id(tx, "grant", part))
    request = await tx.request(grant.request) if grant else None
    if grant is None or request is None or not sees_request(office, person, request):
        raise unknown("grant", part)
    return grant, request


async def see_session(office: Office, tx: Transaction, person: Person, part: str) -> tuple[Session, Request]:
    """The session that `part` names, with the request that it came from."""
    session = await tx.session(await find_id(tx, "session", part))
    request = await tx.request(session.request) if session else None
    if session is None or request is None or not sees_request(office, person, request):
        raise unknown("session", part)
    return session, request
