"""Locks: security shuts a person, a target or everything for a while, and opens it again.

The lock is committed first, and from there nothing that it covers opens, on any node: whatever opens looks for locks in
its own transaction, and once more before its session works. Then every running grant that it covers ends, by the one
way grants end. Grants that were not begun stay, and open nothing while it lasts. A sweep ends what a crash, or another
node that was just at it, left running.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.domain.deciding import written
from daypass.domain.errors import NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.grant import EndReason, Grant, GrantState
from daypass.domain.lock import Lock, LockScope, check_length, covered_people, lifted
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.domain.roles import Role, Verb, spoken
from daypass.services.endings import SWEEP_MAX, Endings
from daypass.services.notices import tell_guards
from daypass.services.office import Office, acting
from daypass.services.sight import find_id
from daypass.store.interface import Page, Transaction


@dataclass(frozen=True, slots=True)
class Locked:
    """A new lock, and the grants that ended because of it, as they are now."""

    lock: Lock
    grants: tuple[Grant, ...] = ()


class Locks:
    """Shuts and opens."""

    def __init__(self, office: Office, endings: Endings) -> None:
        self._office = office
        self._endings = endings

    async def lock(self, by: Person, scope: LockScope, name: str, reason: str, lasts_ms: int) -> Locked:
        """Shut it, and end what is open of it. `name`: a person's address, a target's name, empty for everything."""
        reason = written(reason, "reason", needed=True)
        check_length(lasts_ms)
        async with self._office.change() as change:
            person = await change.person(by)
            self._check_guard(person)
            now = self._office.now()
            name = await self._named(change.tx, scope, name)
            lock = Lock(self._office.new_id(), scope, name, reason, person.id, now, now + lasts_ms)
            await change.tx.save_lock(lock)
            event = self._event("lock.set", lock, acting(person), reason)
            await change.record(event)
            await tell_guards(self._office, change, event)
        return Locked(lock, await self._end(lock, acting(person)))

    async def unlock(self, by: Person, part: str, reason: str) -> Lock:
        """Open it before its time. What has ended stays ended."""
        reason = written(reason, "reason", needed=True)
        async with self._office.change() as change:
            person = await change.person(by)
            self._check_guard(person)
            found = await change.tx.lock_for_change(await find_id(change.tx, "lock", part))
            if found is None:
                raise NotFound(f"there is no lock {part}", hint="daypass locks")
            after = lifted(found, person.id, reason, self._office.now())
            await change.tx.save_lock(after)
            event = self._event("lock.lifted", after, acting(person), reason)
            await change.record(event)
            await tell_guards(self._office, change, event)
        return after

    async def list(self, by: Person, page: Page, *, live: bool) -> Sequence[Lock]:
        """The newest first. For security and auditors; who is shut out is told when they come to it."""
        if not self._office.may(by, Verb.SEE_LOCKS):
            raise Refused("locks are listed by security, auditors and operators")
        async with self._office.reading() as tx:
            return await tx.locks(live_at=self._office.now() if live else None, page=page)

    async def sweep(self, now: int) -> int:
        """Begin to end what runs although it is locked. Returns how many grants."""
        async with self._office.reading() as tx:
            live = await tx.locks(live_at=now)
            found = {grant.id: one for one in live for grant in await self._running(tx, one)}
        for id, lock in list(found.items())[:SWEEP_MAX]:
            self._endings.end_soon(id, EndReason.LOCKED, SYSTEM, lock.reason)
        return len(found)

    async def _end(self, lock: Lock, by: Actor) -> tuple[Grant, ...]:
        async with self._office.reading() as tx:
            running = await self._running(tx, lock)
        ends = (self._endings.end(one.id, EndReason.LOCKED, by, lock.reason) for one in running)
        await asyncio.gather(*ends, return_exceptions=True)
        async with self._office.reading() as tx:
            return tuple(await tx.grants(ids=[one.id for one in running])) if running else ()

    async def _running(self, tx: Transaction, lock: Lock) -> Sequence[Grant]:
        match lock.scope:
            case LockScope.EVERYTHING:
                return await tx.grants(states=(GrantState.ACTIVE,))
            case LockScope.TARGET:
                return await tx.grants(target=lock.name, states=(GrantState.ACTIVE,))
            case LockScope.PERSON:
                people = covered_people(lock, await self._office.everybody(tx))
                running = [await tx.grants(person=id, states=(GrantState.ACTIVE,)) for id in sorted(people)]
                return [grant for found in running for grant in found]

    async def _named(self, tx: Transaction, scope: LockScope, name: str) -> str:
        match scope:
            case LockScope.EVERYTHING:
                return ""
            case LockScope.TARGET:
                if name not in self._office.targets:
                    raise NotFound(f"there is no target {name}", hint="targets in the settings")
                return name
            case LockScope.PERSON:
                person = await tx.person_by_email(name.strip().lower())
                if person is None:
                    raise NotFound(f"there is nobody with the address {name}")
                return person.id

    def _check_guard(self, person: Person) -> None:
        if not self._office.may(person, Verb.LOCK):
            who = spoken(self._office.standing[Role.SECURITY])
            raise Refused(f"only members of {who} lock and unlock", hint="ask security")

    def _event(self, type: str, lock: Lock, by: Actor, reason: str) -> Event:
        body: dict[str, object] = {"lock": lock.id, "scope": lock.scope.value, "until": lock.until}
        if lock.scope is not LockScope.EVERYTHING:
            body[lock.scope.value] = lock.name
        target = self._office.target_ref(lock.name) if lock.scope is LockScope.TARGET else None
        return Event(type, self._office.now(), by, target=target, body=body, secret={"reason": reason})
