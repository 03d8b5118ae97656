"""People: keeps who is known in step with the settings. Deletes nobody; it knows nothing of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daypass.domain.errors import NotFound
from daypass.domain.events import Event
from daypass.domain.people import SYSTEM, Person
from daypass.identity.local import Difference, Listed, difference
from daypass.services.notices import tell
from daypass.services.office import Change, Office

GROUPS_MAX = 300
"""Groups that an event names; a person in more of them is a mistake of the directory, and an entry has 32 KiB."""


NAMED_MAX = 200
"""People that a notice names of each kind of change; the ledger has them all."""


class People:
    """Who there is."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def sync(self, listed: Sequence[Listed]) -> Difference:
        """Make who is known be who is listed: new people get an opaque id, those gone are disabled."""
        async with self._office.change() as change:
            found = difference(listed, await change.tx.people(), self._office.new_id)
            for word, people in (("added", found.added), ("changed", found.changed), ("disabled", found.disabled)):
                for person in people:
                    await self._save(change, person, word)
            await self._tell(change, found)
        return found

    async def _tell(self, change: Change, found: Difference) -> None:
        """Tell security who is known anew, otherwise or no more: people and groups are what policy decides by."""
        changed = {"added": found.added, "changed": found.changed, "disabled": found.disabled}
        about = {name: [one.id for one in people][:NAMED_MAX] for name, people in changed.items() if people}
        if about:
            guards = [one.id for one in await change.tx.people() if self._office.is_security(one)]
            await tell(self._office, change, guards, "person.changed", about)

    async def _save(self, change: Change, person: Person, word: str) -> None:
        was = await change.tx.person(person.id)
        await change.tx.save_person(person)
        body = {"person": person.id, "change": word, "groups": sorted(person.groups)[:GROUPS_MAX]}
        if was is not None:
            body["groups_were"] = sorted(was.groups)[:GROUPS_MAX]
        secret = {"email": person.email, "name": person.name}
        await change.record(Event("person.changed", self._office.now(), SYSTEM, body=body, secret=secret))

    async def all(self) -> Sequence[Person]:
        """Everybody, the disabled too."""
        async with self._office.reading() as tx:
            return await tx.people()

    async def by_id(self) -> Mapping[str, Person]:
        """Everybody by id: to put names to what is stored."""
        return {person.id: person for person in await self.all()}

    async def by_email(self, email: str) -> Person:
        """The person with this address, enabled. Raise `NotFound`."""
        async with self._office.reading() as tx:
            person = await tx.person_by_email(email.strip().lower())
        if person is None or person.disabled:
            raise NotFound(f"there is nobody with the address {email}", hint="add them under identity.people")
        return person
