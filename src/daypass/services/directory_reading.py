"""What a directory provisioned, as it is asked back; and who may speak for it. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.domain.directory import EVERY, TEXT_CHARS_MAX, Entry, Filter
from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.services.departing import Departing
from daypass.services.office import Office
from daypass.services.pace import Pace
from daypass.store.directory import Kind
from daypass.store.interface import Transaction

CALLS_MAX = 3000
"""Calls of the directory in a minute: Entra sends up to 25 in a second."""


class Taken(Conflict):
    """The login, address or name belongs to somebody or something else."""


class Moved(Conflict):
    """It was changed since it was read."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings let the directory do (`identity.scim`)."""

    adopt: bool = False
    external_id_is_subject: bool = False
    shared_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """A person of the directory, and the groups that they are in there."""

    person: Person
    entry: Entry
    groups: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """A group of the directory, and the ids of who is in it (None: not asked)."""

    entry: Entry
    members: tuple[str, ...] | None = None


class DirectoryReading:
    """`rules`: None where the settings name no directory."""

    def __init__(self, office: Office, departing: Departing, rules: Rules | None) -> None:
        self._office = office
        self._departing = departing
        self._pace = Pace(CALLS_MAX, "calls")
        self.rules = rules

    def admit(self, by: Person) -> None:
        """One call of the directory. Raise unless this person speaks for it, `TooMany` where it calls too often."""
        self.check(by)
        self._pace.step(by.id, self._office.now())

    def check(self, by: Person) -> Rules:
        """Raise unless this person is the account by which the directory speaks."""
        if self.rules is None:
            raise NotFound("no directory provisions people here", hint="identity.scim in the settings")
        if not self._office.may(by, Verb.PROVISION) or not by.agent_of:
            raise Refused("only the account under identity.scim provisions people", hint="identity.scim.account")
        return self.rules

    async def person(self, id: str) -> Kept:
        async with self._office.reading() as tx:
            found = await tx.directory_entry("person", id)
            if found is None or found.gone_at is not None:
                raise none("person", id)
            return (await self._kept(tx, [found]))[0]

    async def group(self, id: str, *, members: bool = True, among: frozenset[str] | None = None) -> KeptGroup:
        """`among`: of its members only these (None: all)."""
        async with self._office.reading() as tx:
            found = await tx.directory_entry("group", id)
            if found is None:
                raise none("group", id)
            return (await self._kept_groups(tx, [found], members, among))[0]

    async def people(self, which: Filter = EVERY, *, after: str = "", offset: int = 0, limit: int) -> Sequence[Kept]:
        async with self._office.reading() as tx:
            found = await tx.directory_entries("person", which, after=after, offset=offset, limit=limit)
            return await self._kept(tx, found)

    async def groups(
        self, which: Filter = EVERY, *, after: str = "", offset: int = 0, limit: int, members: bool = True
    ) -> Sequence[KeptGroup]:
        async with self._office.reading() as tx:
            found = await tx.directory_entries("group", which, after=after, offset=offset, limit=limit)
            return await self._kept_groups(tx, found, members)

    async def count(self, kind: Kind, which: Filter) -> int:
        async with self._office.reading() as tx:
            return await tx.directory_count(kind, which)

    async def _kept(self, tx: Transaction, entries: Sequence[Entry]) -> list[Kept]:
        ids = [one.id for one in entries]
        people, groups = await tx.some_people(ids), await tx.memberships_of(ids)
        return [Kept(people[one.id], one, tuple(groups.get(one.id, ()))) for one in entries]

    async def _kept_groups(
        self, tx: Transaction, entries: Sequence[Entry], members: bool, among: frozenset[str] | None = None
    ) -> list[KeptGroup]:
        if not members:
            return [KeptGroup(one) for one in entries]
        inside = await tx.members_of([one.id for one in entries], among)
        return [KeptGroup(one, tuple(inside.get(one.id, ()))) for one in entries]


def none(what: str, id: str) -> NotFound:
    return NotFound(f"the directory keeps no {what} {id[:TEXT_CHARS_MAX]}")
