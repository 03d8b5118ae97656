"""Everybody there is, as deciding needs them: whom a list of names means, and which accounts are one human being.

Nobody decides on their own request by any path: not with a second account (the same address behind a `+tag`, the same
subject at the identity provider), not through an agent of theirs or for one, and not through a group that they own,
as who owns a group says who is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from daypass.domain.people import GROUP, Person, canonical_email, selected

CACHED_MAX = 20_000
"""Lists of names whose people are remembered: two for each rule of the longest policy."""


class Crowd:
    """`owners`: for each group that somebody owns, the addresses of those who do."""

    def __init__(self, people: Sequence[Person], owners: Mapping[str, frozenset[str]] | None = None) -> None:
        self.people = tuple(people)
        self.owners = owners or {}
        self.by_id: Mapping[str, Person] = {person.id: person for person in people}
        self._named: dict[tuple[str, ...], tuple[Person, ...]] = {}
        self._alike: dict[str, tuple[str, ...]] | None = None

    def changed(self, some: Mapping[str, Person]) -> Crowd:
        """The same with these people as they are now, or in addition."""
        people = [some.get(one.id, one) for one in self.people]
        people += [one for id, one in some.items() if id not in self.by_id]
        crowd = Crowd(sorted(people, key=lambda one: one.email), self.owners)
        if self._alike is not None:
            crowd._alike = dict(self._alike)
            for id, one in some.items():
                if (was := self.by_id.get(id)) is not None:
                    _leave(crowd._alike, was)
                _join(crowd._alike, one)
        return crowd

    def named(self, of: tuple[str, ...]) -> tuple[Person, ...]:
        """Whom these names (`group:NAME` or addresses) mean, in the order of their ids. The disabled are nobody."""
        found = self._named.get(of)
        if found is None:
            found = tuple(sorted((one for one in self.people if selected(one, of)), key=lambda one: one.id))
            if len(self._named) < CACHED_MAX:
                self._named[of] = found
        return found

    def selves(self, *ids: str) -> frozenset[str]:
        """These people, every account that is the same human being, their agents, and whom they are agents of."""
        alike = self._index()
        found, new = set(ids), list(ids)
        while new:
            person = self.by_id.get(new.pop())
            for key in _keys(person) if person is not None else ():
                for other in alike.get(key, ()):
                    if other not in found:
                        found.add(other)
                        new.append(other)
        return frozenset(found)

    def owned(self, ids: Iterable[str]) -> frozenset[str]:
        """The groups that any of these people owns, as `group:NAME`."""
        emails = {self.by_id[id].email for id in ids if id in self.by_id}
        return frozenset(f"{GROUP}{name}" for name, owners in self.owners.items() if owners & emails)

    def eligible(self, of: tuple[str, ...], requester: str, on_behalf_of: str | None = None) -> tuple[str, ...]:
        """Who of those named may decide on what this person asks for, by id, in their order."""
        selves = self.selves(requester, on_behalf_of or requester)
        owned = self.owned(selves) if self.owners else frozenset()
        names = tuple(name for name in of if name not in owned) if owned else of
        return tuple(one.id for one in self.named(names) if one.id not in selves)

    def _index(self) -> dict[str, tuple[str, ...]]:
        if self._alike is None:
            self._alike = {}
            for person in self.people:
                _join(self._alike, person)
        return self._alike


def as_crowd(people: Sequence[Person] | Crowd) -> Crowd:
    """A crowd of these people, if it is none yet."""
    return people if isinstance(people, Crowd) else Crowd(people)


def _join(alike: dict[str, tuple[str, ...]], person: Person) -> None:
    for key in _keys(person):
        alike[key] = (*alike.get(key, ()), person.id)


def _leave(alike: dict[str, tuple[str, ...]], person: Person) -> None:
    for key in _keys(person):
        alike[key] = tuple(id for id in alike[key] if id != person.id)


def _keys(person: Person) -> tuple[str, ...]:
    """What makes two accounts one human being: whoever shares one of these is the same."""
    keys = [f"email {canonical_email(person.email)}", f"human {person.agent_of or person.id}"]
    if person.subject:
        keys.append(f"subject {person.subject}")
    return tuple(keys)
