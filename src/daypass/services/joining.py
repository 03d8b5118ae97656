"""People who come from the identity provider: who they are here, and what changed of them.

Somebody is bound to what the provider calls them (`subject`) when they first come, and is that person from then on,
under whatever address. An address leads to an account only if the provider has verified it and nobody else is bound
to it. Whom the settings or SCIM keep keep their groups; the provider's are for its own people.
"""

from __future__ import annotations

import re
from dataclasses import replace

import structlog

from daypass.domain.errors import Unauthenticated
from daypass.domain.people import ADDRESS, SYSTEM, Person
from daypass.identity.oidc import Arrived
from daypass.services.office import Change, Office
from daypass.services.people import GROUPS_MAX, save_person

SOURCE = "oidc"
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
NAME_CHARS_MAX = 200

log = structlog.get_logger()


class Joining:
    """Finds or makes the account of who signs in."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def arrive(self, change: Change, told: Arrived) -> Person:
        """The account. Raise `Unauthenticated` for somebody who has none and gets none."""
        found = await self._found(change, told)
        if found is None:
            made = Person(self._office.new_id(), told.email, "", frozenset(), subject=told.subject, source=SOURCE)
            return await self._save(change, self._told(made, told), "added")
        if found.disabled or found.agent_of:
            raise _no("its account here is disabled, or an agent's")
        after = self._told(replace(found, subject=told.subject), told)
        other = await change.tx.person_by_email(after.email)
        if other is not None and other.id != found.id:
            raise _no("its address belongs to somebody else here")
        return await self._save(change, after, "changed") if after != found else found

    async def _found(self, change: Change, told: Arrived) -> Person | None:
        everybody = (await self._office.everybody(change.tx)).people
        bound = [one for one in everybody if one.subject == told.subject and not one.agent_of]
        if bound:
            here = [one for one in bound if one.email == told.email] or [one for one in bound if one.source == SOURCE]
            if len(bound) > 1 and len(here) != 1:
                raise _no("several accounts are bound to this subject")
            return here[0] if len(bound) > 1 else bound[0]
        if not told.email_verified or not ADDRESS.fullmatch(told.email):
            raise _no("the provider has not verified its address")
        by_email = await change.tx.person_by_email(told.email)
        if by_email is not None and by_email.subject:
            raise _no("its address is bound to another subject here")
        return by_email

    def _told(self, person: Person, told: Arrived) -> Person:
        """The account as the provider tells of it now, if it is the provider's."""
        if person.source != SOURCE:
            return person
        email = told.email if told.email_verified and ADDRESS.fullmatch(told.email) else person.email
        # Some providers leave the claim out for who is in no group any more: what is not said is not so.
        named = sorted(one for one in told.groups or () if _GROUP.fullmatch(one))
        groups = frozenset(named[:GROUPS_MAX])
        name = told.name.strip()[:NAME_CHARS_MAX] or person.name or email
        return replace(person, email=email, name=name, groups=groups)

    async def _save(self, change: Change, person: Person, word: str) -> Person:
        await save_person(self._office, change, person, word, SYSTEM, SOURCE)
        return person


def _no(why: str) -> Unauthenticated:
    log.warning("somebody whom the identity provider knows was not let in", why=why)
    return Unauthenticated("the identity provider's word does not hold", hint="ask who runs this Daypass")
