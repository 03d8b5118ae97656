"""Provisioning: a directory says who there is and in which groups (SCIM). Knows nothing of HTTP and of SCIM's forms.

An account has one keeper. The directory makes and changes its own people; those whom the settings list are the
settings', whatever the directory calls somebody. It comes by an account that is there only if the operator lets it
(`adopt`), or by the `sub` that the identity provider gave it; never by an equal address alone. What is deleted there is
disabled here.
"""

from __future__ import annotations

from dataclasses import replace

from daypass.domain.directory import GROUP_NAME, SCIM, Entry, Filter, Told, key_of
from daypass.domain.errors import Conflict, Invalid
from daypass.domain.people import ADDRESS, Person
from daypass.services.directory_groups import DirectoryGroups, check_document, check_texts, check_version, risen
from daypass.services.directory_reading import Kept, Rules, Taken, none
from daypass.services.office import Change, acting
from daypass.services.people import person_event
from daypass.store.interface import Transaction


class Directory(DirectoryGroups):
    """People, and what `DirectoryGroups` offers, as one noun."""

    async def add_person(self, by: Person, told: Told) -> Kept:
        """Make an account, or take up one that is the directory's to take. Raise `Taken` for any other."""
        rules = self.check(by)
        _check_told(told)
        async with self._office.change() as change:
            await change.tx.hold_directory()
            who, now = await change.person(by), self._office.now()
            await self._check_room(change.tx, "person")
            await self._check_login(change.tx, told, "")
            was = await self._to_take_up(change, who, told, rules)
            id = was.id if was is not None else self._office.new_id()
            subject = told.external_id if rules.external_id_is_subject else (was.subject if was is not None else "")
            disabled = told.active is False
            person = Person(id, told.email, told.name, frozenset(), disabled, subject, "", SCIM)
            await self._check_address(change.tx, person)
            await self._save(change, who, was, person, "changed" if was is not None else "added")
            entry = Entry(id, key_of(told.login), told.login, told.external_id, told.document, now, now, 1)
            await change.tx.save_directory_entry("person", entry)
        await self._departing.follow({id})
        return Kept(person, entry)

    async def change_person(self, by: Person, id: str, told: Told, version: int | None = None) -> Kept:
        """Make a person of the directory's what it says now. `version`: which one it changes (None: any)."""
        rules = self.check(by)
        _check_told(told)
        async with self._office.change() as change:
            await change.tx.hold_directory()
            who = await change.person(by)
            entry, was = await self._own(change.tx, id, version)
            await self._check_login(change.tx, told, id)
            groups = tuple((await change.tx.memberships_of([id])).get(id, ()))
            names = frozenset(one.name for one in groups if GROUP_NAME.fullmatch(one.name))
            subject = told.external_id if rules.external_id_is_subject else was.subject
            disabled = was.disabled if told.active is None else not told.active
            person = Person(id, told.email, told.name, names, disabled, subject, "", SCIM)
            await self._check_address(change.tx, person)
            changed = replace(entry, key=key_of(told.login), name=told.login, external_id=told.external_id)
            changed = replace(changed, document=told.document)
            entry = risen(entry, changed, self._office.now(), besides=person != was)
            if person != was:
                await self._save(change, who, was, person, "changed")
            await change.tx.save_directory_entry("person", entry)
        await self._departing.follow({id})
        return Kept(person, entry, groups)

    async def remove_person(self, by: Person, id: str, version: int | None = None) -> None:
        """Disable somebody for good. Their past stays, and so does whose the address was."""
        self.check(by)
        async with self._office.change() as change:
            await change.tx.hold_directory()
            who, now = await change.person(by), self._office.now()
            entry, was = await self._own(change.tx, id, version)
            gone = replace(was, disabled=True, groups=frozenset(), source=SCIM)
            await self._save(change, who, was, gone, "removed")
            await change.tx.drop_directory_entry(id)
            left = replace(entry, key="", name="", document="", changed_at=now, gone_at=now, version=entry.version + 1)
            await change.tx.save_directory_entry("person", left)
        await self._departing.follow({id})

    async def _save(self, change: Change, who: Person, was: Person | None, person: Person, word: str) -> None:
        await change.tx.save_person(person)
        await change.record(person_event(self._office, was, person, word, acting(who), SCIM))
        await self._departing.mark(change, {person.id})
        if person.disabled and was is not None:
            await self._departing.shut_out(change, person, acting(who))

    async def _own(self, tx: Transaction, id: str, version: int | None) -> tuple[Entry, Person]:
        """A person whom the directory keeps. Raise `Conflict` for one whom the settings list meanwhile; whom they list
        no more is the directory's again."""
        entry, person = await tx.directory_entry("person", id), await tx.person(id)
        if entry is None or entry.gone_at is not None or person is None:
            raise none("person", id)
        if person.source != SCIM and not person.disabled:
            raise Conflict(f"the settings keep {person.email}", hint="identity.people in daypass.yaml")
        check_version(entry, version)
        return entry, person

    async def _to_take_up(self, change: Change, who: Person, told: Told, rules: Rules) -> Person | None:
        """The account that this person has already, if the directory may take it up; None: there is none."""
        if rules.external_id_is_subject and told.external_id:
            bound = [one for one in await change.tx.people_bound(told.external_id) if not one.agent_of and one.source]
            if len(bound) == 1:
                return await self._found_again(change.tx, bound[0], told)
        found = await change.tx.person_by_email(told.email)
        if found is None:
            return None
        if found.agent_of or not (found.source or found.disabled):
            raise Taken(f"{told.email} is kept by the settings", hint="identity.people in daypass.yaml")
        if found.source == SCIM:
            return await self._found_again(change.tx, found, told)
        if not rules.adopt:
            raise Taken(f"{told.email} has an account here already", hint="identity.scim.adopt in daypass.yaml")
        await self._departing.shut_out(change, found, acting(who), keys=True)
        return replace(found, subject="") if rules.external_id_is_subject else found

    async def _found_again(self, tx: Transaction, found: Person, told: Told) -> Person:
        """An account that the provider bound, or that the directory had, if it has the directory's own id for it."""
        if found.source != SCIM:
            return found
        entry = await tx.directory_entry("person", found.id)
        again = entry is not None and entry.gone_at is not None and told.external_id == entry.external_id != ""
        if not again:
            raise Taken(f"{told.email} belongs to somebody else here", hint="daypass erase --person frees an address")
        return found

    async def _check_login(self, tx: Transaction, told: Told, own: str) -> None:
        found = await tx.directory_entries("person", Filter(key=key_of(told.login)), limit=1)
        if found and found[0].id != own:
            raise Taken("this userName is taken")

    async def _check_address(self, tx: Transaction, person: Person) -> None:
        other = await tx.person_by_email(person.email)
        if other is not None and other.id != person.id:
            raise Taken(f"{person.email} belongs to somebody else here")


def _check_told(told: Told) -> None:
    if not told.login.strip():
        raise Invalid("userName is needed")
    if not ADDRESS.fullmatch(told.email):
        raise Invalid("an e-mail address is needed: an entry of emails, or userName if it is one")
    check_texts("userName, names and externalId", told.login, told.name, told.external_id)
    check_document(told.document)
