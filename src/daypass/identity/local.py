"""Local people: those whom the settings list. Compares the list with who is known, and changes nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol as Interface

from daypass.domain.people import Person


class Listed(Interface):
    """A person as the settings list them."""

    @property
    def email(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def groups(self) -> frozenset[str]: ...
    @property
    def subject(self) -> str: ...
    @property
    def agent_of(self) -> str:
        """The address (or id) of the person whose agent this is; empty: a person."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be saved so that who is known is who is listed."""

    added: tuple[Person, ...]
    changed: tuple[Person, ...]
    disabled: tuple[Person, ...]


def difference(listed: Sequence[Listed], known: Sequence[Person], new_id: Callable[[], str]) -> Difference:
    """Compare by address, in lower case. Who is gone from the list is disabled, never deleted: their past stays.
    Who is listed again is enabled again under the same id."""
    wanted = {one.email.strip().lower(): one for one in listed}
    by_email = {person.email: person for person in known}
    ids = {email: by_email[email].id if email in by_email else new_id() for email in wanted}
    ids = {**{person.email: person.id for person in known}, **ids}
    added, changed = [], []
    for email, one in wanted.items():
        person = by_email.get(email)
        owner = ids.get(one.agent_of.strip().lower(), one.agent_of)
        # Whom the provider has bound to their subject stays bound, unless the list says otherwise.
        subject = one.subject or (person.subject if person is not None else "")
        fresh = Person(ids[email], email, one.name, frozenset(one.groups), False, subject, owner)
        if person is None:
            added.append(fresh)
        elif fresh != person:
            changed.append(fresh)
    gone = [
        replace(one, disabled=True) for one in known if not one.source and one.email not in wanted and not one.disabled
    ]
    return Difference(tuple(added), tuple(changed), tuple(gone))
