"""People: keeps who is known in step with the settings. Deletes nobody; it knows nothing of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from daypass.domain.errors import NotFound
from daypass.domain.events import Event
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.identity.local import Difference, Listed, difference
from daypass.services.notices import guards, tell
from daypass.services.office import Change, Office

ISSUER = "oidc_issuer"
"""The setting that keeps which provider people signed in at last."""
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
            everybody = (await self._office.everybody(change.tx)).people
            found = difference(listed, everybody, self._office.new_id)
            for word, people in (("added", found.added), ("changed", found.changed), ("disabled", found.disabled)):
                for person in people:
                    await save_person(self._office, change, person, word, SYSTEM, "settings")
            await self._tell(change, found)
        return found

    async def trust(self, issuer: str) -> int:
        """Have this be the provider that people sign in at (empty: none). If it was another one, whom that one bound
        to a subject is bound no more: two providers may call two people the same. Returns how many."""
        async with self._office.change() as change:
            was = await change.tx.setting(ISSUER) or ""
            if was == issuer:
                return 0
            await change.tx.save_setting(ISSUER, issuer)
            everybody = (await self._office.everybody(change.tx)).people
            bound = [one for one in everybody if was and one.subject and not one.agent_of]
            for person in bound:
                unbound = replace(person, subject="")
                await save_person(self._office, change, unbound, "unbound", SYSTEM, "settings")
        return len(bound)

    async def _tell(self, change: Change, found: Difference) -> None:
        """Tell security who is known anew, otherwise or no more: people and groups are what policy decides by."""
        changed = {"added": found.added, "changed": found.changed, "disabled": found.disabled}
        about = {name: [one.id for one in people][:NAMED_MAX] for name, people in changed.items() if people}
        if about:
            await tell(self._office, change, await guards(self._office, change), "person.changed", about)

    async def all(self) -> Sequence[Person]:
        """Everybody, the disabled too."""
        async with self._office.reading() as tx:
            return (await self._office.everybody(tx)).people

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


async def save_person(office: Office, change: Change, person: Person, word: str, by: Actor, keeper: str) -> None:
    """Save a person, with the event that says from what to what, and whose word it was (`keeper`)."""
    was = await change.tx.person(person.id)
    await change.tx.save_person(person)
    await change.record(person_event(office, was, person, word, by, keeper))


def person_event(office: Office, was: Person | None, person: Person, word: str, by: Actor, keeper: str) -> Event:
    """What changed of a person. Addresses and names never stand in the entry itself."""
    body: dict[str, object] = {"person": person.id, "change": word, "groups": sorted(person.groups)[:GROUPS_MAX]}
    body |= {"by": keeper, "state": _state(person), **({"agent_of": person.agent_of} if person.agent_of else {})}
    secret = {"email": person.email, "name": person.name}
    if was is not None:
        body |= {"groups_were": sorted(was.groups)[:GROUPS_MAX], "state_was": _state(was)}
        if was.agent_of != person.agent_of:
            body["agent_of_was"] = was.agent_of
        before = {"email_was": (was.email, person.email), "name_was": (was.name, person.name)}
        secret |= {name: old for name, (old, new) in before.items() if old != new}
        if was.subject != person.subject:
            secret |= {"subject": person.subject, "subject_was": was.subject}
    return Event("person.changed", office.now(), by, body=body, secret=secret)


def _state(person: Person) -> str:
    return "DISABLED" if person.disabled else "ACTIVE"
