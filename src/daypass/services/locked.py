"""Whether something is shut by a lock, asked in the transaction that would open it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from daypass.domain.crowd import Crowd
from daypass.domain.errors import Refused
from daypass.domain.lock import Lock, LockScope, on_access, on_person, spoken
from daypass.domain.people import Person
from daypass.store.interface import Transaction

Everybody = Callable[[Transaction], Awaitable[Crowd]]
"""`Office.everybody`: people are many, and read anew only when somebody changed."""

HINT = "only security lifts it, before it ends by itself"


async def check_person(tx: Transaction, person: Person, now: int, everybody: Everybody) -> None:
    """Raise `Refused`, with why and until when, for somebody who is locked."""
    await _refuse(await _on_person(tx, await tx.locks(live_at=now), person, everybody))


async def check_access(tx: Transaction, person: Person, target: str, now: int, everybody: Everybody) -> None:
    """Raise `Refused` if this person, this target or everything is locked."""
    locks = await tx.locks(live_at=now)
    await _refuse(await _on_person(tx, locks, person, everybody) or on_access(locks, target))


async def _on_person(tx: Transaction, locks: Sequence[Lock], person: Person, everybody: Everybody) -> Lock | None:
    of_people = [one for one in locks if one.scope is LockScope.PERSON]
    return on_person(of_people, person, await everybody(tx)) if of_people else None


async def _refuse(lock: Lock | None) -> None:
    if lock is not None:
        raise Refused(spoken(lock), hint=HINT)
