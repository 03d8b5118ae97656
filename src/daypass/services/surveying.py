"""What is there: people, groups, targets and channels, for those who look after them. Changes nothing.

A check of a target signs in there with each role's login, as ending a session would, and signs out again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from daypass.credentials.interface import Credentials
from daypass.domain.crowd import Crowd
from daypass.domain.errors import DaypassError, NotFound, Refused, Unavailable
from daypass.domain.people import Person
from daypass.domain.policy import policy_of
from daypass.domain.roles import STANDING, Role, Verb
from daypass.domain.standing import Outlet
from daypass.domain.target import Target, TargetRole
from daypass.services.interface import Live
from daypass.services.office import Office

CHECK_SECONDS_MAX = 15.0
"""How long one login of a target may take to be let in."""
LOOK_AT = "see the role's user and password under targets, and that the login is there"


@dataclass(frozen=True, slots=True)
class Group:
    """A group, who is in it and who owns it (addresses)."""

    name: str
    members: tuple[Person, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of signing in with one role's login. `problem` is empty where it was let in, `hint` what to do."""

    role: str
    problem: str
    took_ms: int
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A person with what they are here: the roles that the settings give; the addresses of other accounts of the same
    human being, and of their agents."""

    person: Person
    roles: tuple[Role, ...]
    accounts: tuple[str, ...]
    agents: tuple[str, ...]


class Surveying:
    """Reads for administration."""

    def __init__(self, office: Office, credentials: Credentials, live: Live) -> None:
        self._office = office
        self._credentials = credentials
        self._live = live

    async def people(self, by: Person, text: str = "", *, after: str = "", limit: int = 200) -> Sequence[Person]:
        """Everybody, the disabled too, by address from behind `after` on; those whose address, name or group has this
        text."""
        self._check(by)
        async with self._office.reading() as tx:
            everybody = (await self._office.everybody(tx)).people
        wanted = text.strip().lower()
        found = (one for one in everybody if one.email > after and wanted in _words(one))
        return heapq.nsmallest(limit, found, key=lambda one: one.email)

    async def known(self, by: Person, people: Sequence[Person]) -> Sequence[Known]:
        """What these people are here."""
        self._check(by)
        async with self._office.reading() as tx:
            crowd = await self._office.everybody(tx)
        return [self._known(one, crowd) for one in people]

    def _known(self, person: Person, crowd: Crowd) -> Known:
        alike = [crowd.by_id[id] for id in crowd.selves(person.id) if id != person.id and id in crowd.by_id]
        agents = sorted(one.email for one in alike if one.agent_of == person.id)
        accounts = sorted(one.email for one in alike if not one.agent_of and one.id != person.agent_of)
        held = self._office.roles(person)
        return Known(person, tuple(role for role in STANDING if role in held), tuple(accounts), tuple(agents))

    async def groups(self, by: Person) -> Sequence[Group]:
        """Every group that somebody is in or owns, by name."""
        self._check(by)
        async with self._office.reading() as tx:
            everybody = (await self._office.everybody(tx)).people
        owners = self._office.owners
        members: dict[str, list[Person]] = {name: [] for name in owners}
        for one in everybody:
            for name in () if one.disabled else one.groups:
                members.setdefault(name, []).append(one)
        return [
            Group(name, tuple(sorted(found, key=lambda one: one.email)), tuple(sorted(owners.get(name, ()))))
            for name, found in sorted(members.items())
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
        began, problem, hint = monotonic(), "", ""
        try:
            carrier = self._live.carrier
            if carrier is None:
                raise Unavailable("this node carries no sessions")
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                credential = await self._credentials.resolve(target, role.name)
                await carrier.around(target, role, credential, ())
        except TimeoutError:
            problem = f"it did not let us in within {CHECK_SECONDS_MAX:.0f} s"
            hint = f"see whether {target.host}:{target.port} is up and reached from here (firewall, route)"
        except DaypassError as failed:
            problem, hint = failed.message, failed.hint or LOOK_AT
        return Reached(role.name, problem, round((monotonic() - began) * 1000), hint)

    def _check(self, by: Person) -> None:
        if not self._office.may(by, Verb.SURVEY):
            raise Refused("people, groups, targets and channels are for security, auditors and operators to see")


def _words(person: Person) -> str:
    return " ".join((person.email, person.name, *person.groups)).lower()
