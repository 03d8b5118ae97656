"""Groups of a directory: makes and changes them, and has everybody's groups say so.

The settings' groups are the settings': a directory fills one of the same name only where the operator lets both
(`shared_groups`). A group whose name no policy can spell is kept, and opens nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from typing import Protocol as Interface

from daypass.domain.deciding import NUL
from daypass.domain.directory import GROUP_NAME, SCIM, TEXT_CHARS_MAX, Entry, Filter, ToldGroup, key_of
from daypass.domain.errors import ConfigError, Invalid
from daypass.domain.events import Event
from daypass.domain.people import Person
from daypass.services.directory_reading import DirectoryReading, KeptGroup, Moved, Rules, Taken, none
from daypass.services.office import Change, acting
from daypass.store.directory import Kind
from daypass.store.interface import Transaction

ENTRIES_MAX = 100_000
"""People or groups of a directory; more is no team that asks for access."""
MEMBERS_CHANGED_MAX = 5000
"""Of one group in one call; each is a row, and the directory changes nothing else meanwhile."""
DOCUMENT_CHARS_MAX = 16 * 1024
NAMED_MAX = 500
"""People that one entry names; a larger change is several entries, as one has 32 KiB."""


class InGroups(Interface):
    """Somebody whom the settings list."""

    @property
    def groups(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class _Filled:
    """What a group was and is: its name, and who is in it."""

    name_was: str
    name: str
    before: frozenset[str]
    after: frozenset[str]

    @property
    def added(self) -> frozenset[str]:
        return self.after - self.before

    @property
    def removed(self) -> frozenset[str]:
        return self.before - self.after

    @property
    def touched(self) -> frozenset[str]:
        """Whose groups are others now."""
        return self.before | self.after if self.name_was != self.name else self.before ^ self.after


class DirectoryGroups(DirectoryReading):
    """The verbs of groups."""

    async def add_group(self, by: Person, told: ToldGroup) -> KeptGroup:
        """Make a group. Raise `Taken` for a name that another one has, or that the settings fill."""
        rules = self.check(by)
        _check_group(told)
        async with self._office.change() as change:
            await change.tx.hold_directory()
            who, now = await change.person(by), self._office.now()
            await self._check_room(change.tx, "group")
            await self._check_name(change.tx, told, "", rules)
            id, key = self._office.new_id(), key_of(told.name)
            entry = Entry(id, key, told.name, told.external_id, told.document, now, now, 1)
            await change.tx.save_directory_entry("group", entry)
            filled = _Filled("", told.name, frozenset(), told.members)
            await self._fill(change, who, entry, filled, "added")
        await self._departing.follow(filled.touched)
        return await self.group(id)

    async def change_group(
        self,
        by: Person,
        id: str,
        told: ToldGroup,
        version: int | None = None,
        *,
        among: frozenset[str] | None = None,
    ) -> KeptGroup:
        """Make a group what the directory says now. `version`: which one it changes (None: any). `among`: it speaks of
        these people only (ids; None: of everybody), and whoever else is in the group stays."""
        rules = self.check(by)
        _check_group(told)
        async with self._office.change() as change:
            await change.tx.hold_directory()
            who = await change.person(by)
            was = await self._own_group(change.tx, id, version)
            await self._check_name(change.tx, told, id, rules)
            before = await self._inside(change.tx, id, among if told.name == was.name else None)
            after = told.members if among is None else told.members | (before - among)
            filled = _Filled(was.name, told.name, before, after)
            changed = replace(was, key=key_of(told.name), name=told.name, external_id=told.external_id)
            changed = replace(changed, document=told.document)
            entry = risen(was, changed, self._office.now(), besides=bool(filled.touched))
            await change.tx.save_directory_entry("group", entry)
            await self._fill(change, who, entry, filled, "changed")
        await self._departing.follow(filled.touched)
        return await self.group(id, among=among)

    async def remove_group(self, by: Person, id: str, version: int | None = None) -> None:
        """Remove a group; nobody is in it any more."""
        self.check(by)
        async with self._office.change() as change:
            await change.tx.hold_directory()
            who = await change.person(by)
            was = await self._own_group(change.tx, id, version)
            filled = _Filled(was.name, was.name, await self._inside(change.tx, id), frozenset())
            await self._fill(change, who, was, filled, "removed")
            await change.tx.drop_directory_entry(id)
        await self._departing.follow(filled.touched)

    async def check_listed(self, people: Iterable[InGroups]) -> None:
        """Raise `ConfigError` where the settings put people into a group that the directory fills, unless both may."""
        shared = self.rules.shared_groups if self.rules is not None else frozenset()
        listed = {key_of(name): name for one in people for name in one.groups if name not in shared}
        for key in sorted(listed):
            if await self.count("group", Filter(key=key)):
                raise ConfigError(
                    f"identity.people: the directory fills the group {listed[key]}; must be another one, or stand "
                    "under identity.scim.shared_groups"
                )

    async def _fill(self, change: Change, who: Person, entry: Entry, filled: _Filled, word: str) -> None:
        """Put people into the group and others out of it, and have each one's groups say so."""
        if len(filled.added) + len(filled.removed) > MEMBERS_CHANGED_MAX:
            raise Invalid(f"at most {MEMBERS_CHANGED_MAX} members are changed at once", hint="send them in parts")
        await self._check_members(change.tx, filled.added)
        await change.tx.change_members(entry.id, add=filled.added, remove=filled.removed)
        people = await change.tx.some_people(filled.touched)
        after = {id: _groups(one, filled) for id, one in people.items() if one.source == SCIM}
        await change.tx.save_people([replace(people[id], groups=groups) for id, groups in sorted(after.items())])
        await self._departing.mark(change, filled.touched)
        await self._record(change, who, entry, filled, word)

    async def _record(self, change: Change, who: Person, entry: Entry, filled: _Filled, word: str) -> None:
        about: list[tuple[Literal["added", "removed"], str]] = [("added", id) for id in sorted(filled.added)]
        about += [("removed", id) for id in sorted(filled.removed)]
        secret = {"name": filled.name}
        if filled.name_was not in ("", filled.name):
            secret["name_was"] = filled.name_was
        for first in range(0, max(1, len(about)), NAMED_MAX):
            part = about[first : first + NAMED_MAX]
            body: dict[str, object] = {"group": entry.id, "change": word, "by": SCIM}
            body |= {what: [id for which, id in part if which == what] for what in ("added", "removed")}
            await change.record(Event("group.changed", self._office.now(), acting(who), body=body, secret=secret))

    async def _inside(self, tx: Transaction, id: str, among: frozenset[str] | None = None) -> frozenset[str]:
        return frozenset((await tx.members_of([id], among)).get(id, ()))

    async def _own_group(self, tx: Transaction, id: str, version: int | None) -> Entry:
        entry = await tx.directory_entry("group", id)
        if entry is None:
            raise none("group", id)
        check_version(entry, version)
        return entry

    async def _check_members(self, tx: Transaction, ids: Collection[str]) -> None:
        kept = await tx.kept_in_directory(ids)
        for id in sorted(ids):
            if id not in kept:
                raise Invalid(f"there is no person {id[:TEXT_CHARS_MAX]} whom a group could hold")

    async def _check_name(self, tx: Transaction, told: ToldGroup, own: str, rules: Rules) -> None:
        key = key_of(told.name)
        found = await tx.directory_entries("group", Filter(key=key), limit=1)
        if found and found[0].id != own:
            raise Taken("there is a group of this name")
        listed = groups_listed(await tx.people_of_settings())
        if key in listed.keys() - {key_of(one) for one in rules.shared_groups}:
            raise Taken(f"the settings fill a group {listed[key]}", hint="identity.scim.shared_groups lets both")

    async def _check_room(self, tx: Transaction, kind: Kind) -> None:
        if await tx.directory_count(kind) >= ENTRIES_MAX:
            raise Invalid(f"a directory has at most {ENTRIES_MAX} entries of a kind here")


def groups_listed(people: Collection[Person]) -> Mapping[str, str]:
    """The groups that people of the settings are in, by their key."""
    return {key_of(name): name for one in people if not one.disabled for name in one.groups}


def risen(was: Entry, entry: Entry, now: int, *, besides: bool = False) -> Entry:
    """The entry as a new version, if it says anything else (or `besides`: something beside it changed)."""
    return replace(entry, changed_at=now, version=was.version + 1) if besides or entry != was else was


def check_version(entry: Entry, version: int | None) -> None:
    """Raise `Moved` for another version."""
    if version is not None and version != entry.version:
        raise Moved("it was changed since it was read")


def check_texts(what: str, *texts: str) -> None:
    """Raise `Invalid` for what no column keeps."""
    if any(len(one) > TEXT_CHARS_MAX for one in texts):
        raise Invalid(f"{what} have at most {TEXT_CHARS_MAX} characters")
    if any(NUL in one for one in texts):
        raise Invalid(f"{what} hold no NUL character (U+0000)")


def check_document(document: str) -> None:
    """Raise `Invalid` for more than anybody says of one person or group."""
    if len(document) > DOCUMENT_CHARS_MAX:
        raise Invalid(f"what is said of one person or group has at most {DOCUMENT_CHARS_MAX} characters")


def _groups(person: Person, filled: _Filled) -> frozenset[str]:
    left = person.groups - {filled.name_was} if person.id in filled.before else person.groups
    spelled = person.id in filled.after and GROUP_NAME.fullmatch(filled.name)
    return left | {filled.name} if spelled else left


def _check_group(told: ToldGroup) -> None:
    if not told.name.strip():
        raise Invalid("displayName is needed")
    check_texts("displayName and externalId", told.name, told.external_id)
    check_document(told.document)
