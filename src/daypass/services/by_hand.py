"""Closing by hand an end that could not be seen, a grant's or a session's: a person looked, and answers for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from daypass.domain.errors import Conflict, Refused
from daypass.domain.grant import Grant
from daypass.domain.people import Person
from daypass.domain.request import Request
from daypass.domain.session import Session
from daypass.services.office import Office
from daypass.services.sight import Kind, may_end
from daypass.store.interface import Transaction

T = TypeVar("T", Grant, Session)
See = Callable[[Office, Transaction, Person, str], Awaitable[tuple[T, Request]]]
Lock = Callable[[str], Awaitable[T | None]]


async def find_in_doubt(
    office: Office, tx: Transaction, person: Person, kind: Kind, part: str, see: See[T], lock: Lock[T]
) -> T:
    """The grant or session that `part` names, locked. Raise `Refused` unless this person may end it: a decider of its
    request, or a guard; `Conflict` unless its end is in doubt."""
    seen, request = await see(office, tx, person, part)
    if not may_end(office, person, request):
        raise Refused(f"you may see this {kind} and not close its end")
    found = await lock(seen.id) or seen
    if not found.in_doubt:
        raise Conflict(f"{kind} {found.id} is {found.state}: nothing is unconfirmed")
    return found


def answered_for(ending: Mapping[str, object] | None, by: Person, now: int, **more: str) -> Mapping[str, object]:
    """What is kept of an end, and who answers for it."""
    return {**(ending or {}), "closed_by_hand": {"by": by.id, "at": now, **more}}
