"""Policies as they are, and changed ones tried out: would a text load, do its cases hold, what would it have decided
otherwise, who could get what. Records nothing and puts nothing into force.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from daypass.domain.crowd import Crowd
from daypass.domain.durations import DAY_MS
from daypass.domain.errors import ConfigError, Invalid, NotFound, Refused
from daypass.domain.explaining import Can, Explained, explain, who_can
from daypass.domain.people import Person
from daypass.domain.policy_file import read_policy
from daypass.domain.policy_set import Checked, PolicySet, check_policy, load_policies
from daypass.domain.roles import Verb
from daypass.domain.rules import Policy
from daypass.domain.simulating import Differs, Recorded, replay
from daypass.domain.target import Target
from daypass.services.asked import look_outside, question
from daypass.services.interface import PolicyFiles
from daypass.services.office import Office
from daypass.services.proposing import TEXT_CHARS_MAX
from daypass.services.recorded import recorded_since

CHANGED = "the changed file"
"""How complaints name a text that stands in no file."""

DAYS_MAX = 366
REQUESTS_MAX = 20_000
"""Former requests that one simulation asks again; `daypass policy simulate` beside the gateway takes all of them."""
DIFFERING_MAX = 500
"""Differences told of one by one."""
SLICE = 20
"""Requests asked again before others get a turn: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a text. `problem` is the line that loading would say; empty: it would load. `read`: the
    policy that it is; None where it is none."""

    policy: str
    digest: str
    problem: str
    cases: tuple[Checked, ...]
    read: Policy | None


@dataclass(frozen=True, slots=True)
class Simulated:
    """`whole`: whether all requests of that time were asked again; `differing`: at most so many of `differ`."""

    policy: str
    requests: int
    differ: int
    differing: tuple[Differs, ...]
    whole: bool


class Trying:
    """Questions about policies, for those who change or audit them."""

    def __init__(self, office: Office, files: PolicyFiles) -> None:
        self._office = office
        self._files = files

    async def in_force(self, by: Person) -> Sequence[tuple[Policy, str]]:
        """The policies in force with what their files say now; a text is empty where its file has another policy."""
        self._check(by)
        texts = {_name(text): text for _, text in await self._files.texts()}
        return [(one, texts.get(one.name, "")) for one in self._office.policies.current.policies]

    async def tried(self, by: Person, text: str) -> Tried:
        """Try a text in the place of the file that has its policy."""
        self._check(by)
        _check_length(text)
        try:
            policy = read_policy(text, CHANGED)
        except ConfigError as problem:
            return Tried("", "", problem.message, (), None)
        now, crowd = self._office.now(), self._files.crowd()
        cases = check_policy(policy, self._office.targets, crowd, now)
        try:
            await self._loaded(policy.name, text, crowd)
        except ConfigError as problem:
            return Tried(policy.name, policy.digest, problem.message, cases, policy)
        return Tried(policy.name, policy.digest, "", cases, policy)

    async def simulated(self, by: Person, text: str, days: int) -> Simulated:
        """Ask again what was asked in the last `days`, with this text in the place of its policy's file. Raise
        `Invalid` with the line that loading would say."""
        self._check(by)
        _check_length(text)
        if not 0 < days <= DAYS_MAX:
            raise Invalid(f"a simulation is of 1 to {DAYS_MAX} days")
        async with self._office.reading() as tx:
            crowd = await self._office.everybody(tx)
        try:
            name = read_policy(text, CHANGED).name
            policies = await self._loaded(name, text, self._files.crowd())
        except ConfigError as problem:
            raise Invalid(problem.message, hint=problem.hint) from None
        recorded, whole = await self._recorded(self._office.now() - days * DAY_MS)
        differing = []
        for done, differs in enumerate(replay(recorded, policies.policies, self._office.targets, crowd), 1):
            if differs is not None:
                differing.append(differs)
            if done % SLICE == 0:
                await asyncio.sleep(0)
        return Simulated(name, len(recorded), len(differing), tuple(differing[:DIFFERING_MAX]), whole)

    async def _recorded(self, since: int) -> tuple[list[Recorded], bool]:
        found: list[Recorded] = []
        async for one in recorded_since(self._office.store, since):
            if len(found) >= REQUESTS_MAX:
                return found, False
            found.append(one)
        return found, True

    async def who_can(self, by: Person, target: str, role: str, at: int | None) -> Sequence[Can]:
        """Who could get this role at this time (now), and how."""
        self._check(by)
        found = self._target(target, role)
        async with self._office.reading() as tx:
            crowd = await self._office.everybody(tx)
        return who_can(self._office.policies.current.policies, found, role, crowd, at or self._office.now())

    async def explained(
        self,
        by: Person,
        email: str,
        target: str,
        role: str,
        duration_ms: int,
        *,
        reason: str = "",
        ticket: str = "",
        glass: bool = False,
        text: str = "",
    ) -> Explained:
        """How this would be decided if the person with this address asked for it now, and why; by the policies in
        force, or with `text` in the place of its policy's file. Raise `NotFound` for whom or what there is not,
        `Invalid` with the line that loading the text would say."""
        self._check(by)
        _check_length(text)
        found = self._target(target, role)
        policies = self._office.policies.current
        if text:
            try:
                policies = await self._loaded(read_policy(text, CHANGED).name, text, self._files.crowd())
            except ConfigError as problem:
                raise Invalid(problem.message, hint=problem.hint) from None
        known = await look_outside(self._office, found, ticket, policies.policies)
        async with self._office.reading() as tx:
            person = await tx.person_by_email(email.strip().lower())
            if person is None:
                raise NotFound(f"there is nobody with the address {email}", hint="GET /api/v1/people lists everybody")
            asked = await question(
                self._office, tx, person, found, role, duration_ms, reason=reason, ticket=ticket, known=known,
                policies=policies.policies,
            )  # fmt: skip
            crowd = await self._office.everybody(tx)
        return explain(policies.policies, asked, crowd, glass=glass)

    def _target(self, name: str, role: str) -> Target:
        found = self._office.targets.get(name)
        if found is None or role not in found.roles:
            raise NotFound(f"there is no {name}:{role}", hint="daypass targets")
        return found

    async def _loaded(self, policy: str, text: str, crowd: Crowd) -> PolicySet:
        """The policies of all files, with this text in the place of its policy's. Raises ConfigError."""
        others = [(file, old) for file, old in await self._files.texts() if _name(old) != policy]
        now = self._office.now()
        return await asyncio.to_thread(load_policies, [*others, (CHANGED, text)], self._office.targets, crowd, now)

    def _check(self, by: Person) -> None:
        if not self._office.may(by, Verb.SEE_PROPOSALS):
            raise Refused("policies are read and tried by those who change policy, and auditors")


def _check_length(text: str) -> None:
    if len(text) > TEXT_CHARS_MAX:
        raise Invalid(f"a policy file has at most {TEXT_CHARS_MAX} characters here")


def _name(text: str) -> str:
    """The policy in a text; empty where there is none that can be read."""
    try:
        return read_policy(text, CHANGED).name
    except ConfigError:
        return ""
