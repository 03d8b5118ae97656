"""What is there: people, groups, targets and channels, for those who look after them. Changes nothing.

A check of a target signs in there with each role's login, as ending a session would, and signs out again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from daypass.credentials.interface import Credentials
from daypass.domain.errors import DaypassError, NotFound, Refused, Unavailable
from daypass.domain.people import Person
from daypass.domain.policy import policy_of
from daypass.domain.roles import Verb
from daypass.domain.standing import Outlet
from daypass.domain.target import Target, TargetRole
from daypass.services.interface import Live
from daypass.services.office import Office

CHECK_SECONDS_MAX = 15.0
"""How long one login of a target may take to be let in."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group, who is in it and who owns it (addresses)."""

    name: str
    members: tuple[Person, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of signing in with one role's login. `problem` is empty where it was let in."""

    role: str
    problem: str
    took_ms: int


class Surveying:
    """Reads for administration."""

    def __init__(self, office: Office, credentials: Credentials, live: Live) -> None:
        self._office = office
        self._credentials = credentials
        self._live = live

    async def people(self, by: Person, text: str = "") -> Sequence[Person]:
        """Everybody, the disabled too, by address; those whose address, name or group has this text."""
        self._check(by)
        async with self._office.reading() as tx:
            found = await tx.people()
        wanted = text.strip().lower()
        return sorted((one for one in found if wanted in _words(one)), key=lambda one: one.email)

    async def groups(self, by: Person) -> Sequence[Group]:
        """Every group that somebody is in or owns, by name."""
        self._check(by)
        async with self._office.reading() as tx:
            people = [one for one in await tx.people() if not one.disabled]
        owners = self._office.owners
        names = sorted({name for one in people for name in one.groups} | owners.keys())
        return [
            Group(
                name,
                tuple(sorted((one for one in people if name in one.groups), key=lambda one: one.email)),
                tuple(sorted(owners.get(name, ()))),
            )
            for name in names
        ]

    async def targets(self, by: Person) -> Sequence[tuple[Target, str]]:
        """Every target with the policy that covers it (empty: none, so that nobody can ask)."""
        self._check(by)
        found = []
        for name in sorted(self._office.targets):
            policy = policy_of(self._office.policies.current.policies, self._office.targets[name])
            found.append((self._office.targets[name], policy.name if policy is not None else ""))
        return found

    async def channels(self, by: Person) -> Sequence[Outlet]:
        """Over what people are told."""
        self._check(by)
        return self._office.channels

    async def check(self, by: Person, name: str) -> Sequence[Reached]:
        """Sign in to a target with each role's login."""
        self._check(by)
        target = self._office.targets.get(name)
        if target is None:
            raise NotFound(f"there is no target {name}", hint="daypass targets")
        return [await self._reached(target, target.roles[role]) for role in sorted(target.roles)]

    async def _reached(self, target: Target, role: TargetRole) -> Reached:
        began, problem = monotonic(), ""
        try:
            carrier = self._live.carrier
            if carrier is None:
                raise Unavailable("this node carries no sessions")
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                credential = await self._credentials.resolve(target, role.name)
                await carrier.around(target, role, credential, ())
        except TimeoutError:
            problem = f"it did not let us in within {CHECK_SECONDS_MAX:.0f} s"
        except DaypassError as failed:
            problem = failed.message
        return Reached(role.name, problem, round((monotonic() - began) * 1000))

    def _check(self, by: Person) -> None:
        if not self._office.may(by, Verb.SURVEY):
            raise Refused("people, groups, targets and channels are for security, auditors and operators to see")


def _words(person: Person) -> str:
    return " ".join((person.email, person.name, *person.groups)).lower()
