"""A directory's people and groups, and who is in which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, delete, func, or_, select

from daypass.domain.directory import EVERY, Entry, Filter
from daypass.domain.people import Person
from daypass.store import codec
from daypass.store.directory import Kind
from daypass.store.directory_tables import directory, members
from daypass.store.schema import people
from daypass.store.sql.people import People

IDS_AT_ONCE = 500
"""Ids in one statement: SQLite takes 32,766 values, older ones 999."""


class Directory(People):
    async def hold_directory(self) -> None:
        # Every change of the directory writes this row first: whoever has written it is alone.
        await self.save_setting("directory", "held")

    async def some_people(self, ids: Collection[str]) -> Mapping[str, Person]:
        found: list[Mapping[str, Any]] = []
        for some in _parts(ids):
            found += await self._all(select(people).where(people.c.id.in_(some)))
        return {row["id"]: codec.person_of(row) for row in found}

    async def people_bound(self, subject: str) -> Sequence[Person]:
        return [codec.person_of(row) for row in await self._all(select(people).where(people.c.subject == subject))]

    async def people_of_settings(self) -> Sequence[Person]:
        return [codec.person_of(row) for row in await self._all(select(people).where(people.c.source == ""))]

    async def save_people(self, changed: Sequence[Person]) -> None:
        if not changed:
            return
        await self._revise(changed)
        statement = self._insert(people)
        rest = {column.name: statement.excluded[column.name] for column in people.columns if column.name != "id"}
        upsert = statement.on_conflict_do_update(index_elements=["id"], set_=rest)
        await self._connection.execute(upsert, [dict(codec.person_row(one)) for one in changed])

    async def directory_entry(self, kind: Kind, id: str) -> Entry | None:
        row = await self._one(select(directory).where(directory.c.id == id, directory.c.kind == kind))
        return None if row is None else _entry(row)

    async def directory_entries(
        self, kind: Kind, which: Filter = EVERY, *, after: str = "", offset: int = 0, limit: int
    ) -> Sequence[Entry]:
        query = _live(select(directory), kind, which).where(directory.c.id > after)
        rows = await self._all(query.order_by(directory.c.id).offset(offset).limit(limit))
        return [_entry(row) for row in rows]

    async def directory_count(self, kind: Kind, which: Filter = EVERY) -> int:
        query = _live(select(func.count()).select_from(directory), kind, which)
        return int((await self._connection.execute(query)).scalar_one())

    async def save_directory_entry(self, kind: Kind, entry: Entry) -> None:
        row = {name: getattr(entry, name) for name in _NAMES}
        await self._save(directory, {**row, "kind": kind, "key": entry.key or None})

    async def drop_directory_entry(self, id: str) -> None:
        await self._connection.execute(delete(members).where(or_(members.c.group == id, members.c.person == id)))
        await self._connection.execute(delete(directory).where(directory.c.id == id))

    async def kept_in_directory(self, ids: Collection[str]) -> frozenset[str]:
        found: set[str] = set()
        for some in _parts(ids):
            rows = await self._all(_live(select(directory.c.id), "person", EVERY).where(directory.c.id.in_(some)))
            found |= {row["id"] for row in rows}
        return frozenset(found)

    async def members_of(
        self, groups: Collection[str], among: Collection[str] | None = None
    ) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for some in _parts(groups):
            inside = select(members).where(members.c.group.in_(some)).order_by(members.c.person)
            parts = [inside] if among is None else [inside.where(members.c.person.in_(who)) for who in _parts(among)]
            for query in parts:
                for row in await self._all(query):
                    found[row["group"]].append(row["person"])
        return found

    async def memberships_of(self, people: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for some in _parts(people):
            query = select(members.c.person, directory).join(directory, directory.c.id == members.c.group)
            for row in await self._all(query.where(members.c.person.in_(some)).order_by(directory.c.id)):
                found[row["person"]].append(_entry(row))
        return found

    async def change_members(self, group: str, *, add: Collection[str], remove: Collection[str]) -> None:
        for some in _parts(remove):
            gone = delete(members).where(members.c.group == group, members.c.person.in_(some))
            await self._connection.execute(gone)
        if add:
            statement = self._insert(members).on_conflict_do_nothing()
            await self._connection.execute(statement, [{"group": group, "person": one} for one in sorted(add)])


_NAMES = ("id", "name", "external_id", "document", "created_at", "changed_at", "version", "gone_at")


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(key=row["key"] or "", **{name: row[name] for name in _NAMES})


def _live(query: Select[Any], kind: Kind, which: Filter) -> Select[Any]:
    query = query.where(directory.c.kind == kind, directory.c.gone_at.is_(None))
    if which.key is not None:
        query = query.where(directory.c.key == which.key)
    if which.external_id is not None:
        query = query.where(directory.c.external_id == which.external_id)
    return query


def _parts(ids: Collection[str]) -> Iterator[list[str]]:
    whole = sorted(ids)
    for first in range(0, len(whole), IDS_AT_ONCE):
        yield whole[first : first + IDS_AT_ONCE]
