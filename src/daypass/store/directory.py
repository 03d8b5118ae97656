"""What may be asked of a store about a directory's people and groups: a part of `interface.Transaction`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from typing import Protocol as Interface

from daypass.domain.directory import EVERY, Entry, Filter
from daypass.domain.people import Person

Kind = Literal["person", "group"]


@dataclass(frozen=True, slots=True)
class SavedPeople:
    """Who was saved in a transaction: with them, the people of revision `after` (None: there was none) are those of
    `revision`."""

    after: str | None
    revision: str
    people: Mapping[str, Person]


class DirectoryStore(Interface):
    """Entries and memberships, inside one commit. What the directory deleted is found by `directory_entry` alone."""

    async def hold_directory(self) -> None:
        """Let no other call of the directory change anything, on any node, until this commits."""

    async def some_people(self, ids: Collection[str]) -> Mapping[str, Person]:
        """Those of these people that there are, by id."""

    async def people_bound(self, subject: str) -> Sequence[Person]:
        """The accounts of whom the identity provider calls so."""

    async def people_of_settings(self) -> Sequence[Person]:
        """Those whom the settings list, or listed."""

    async def save_people(self, people: Sequence[Person]) -> None:
        """As `save_person`, for many at once."""

    @property
    def saved_people(self) -> SavedPeople | None:
        """Who was saved in this transaction; None: nobody."""

    async def directory_entry(self, kind: Kind, id: str) -> Entry | None: ...
    async def directory_entries(
        self, kind: Kind, which: Filter = EVERY, *, after: str = "", offset: int = 0, limit: int
    ) -> Sequence[Entry]:
        """In the order of their ids, those behind `after` (an id)."""

    async def directory_count(self, kind: Kind, which: Filter = EVERY) -> int: ...
    async def save_directory_entry(self, kind: Kind, entry: Entry) -> None: ...
    async def drop_directory_entry(self, id: str) -> None:
        """Forget it, with every membership of it or in it."""

    async def kept_in_directory(self, ids: Collection[str]) -> frozenset[str]:
        """Those of these ids that are people of the directory."""

    async def members_of(
        self, groups: Collection[str], among: Collection[str] | None = None
    ) -> Mapping[str, Sequence[str]]:
        """The ids of who is in each of these groups, of these people only (None: of all), in their order."""

    async def memberships_of(self, people: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        """The groups that each of these people is in."""

    async def change_members(self, group: str, *, add: Collection[str], remove: Collection[str]) -> None: ...
