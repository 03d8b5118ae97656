"""Anybody tries anything at any time, several in the same instant: over a real store, with policies that change.

Random people (one of them twice), groups, policies, wishes, votes, edits, clocks. What is refused changes nothing; what
holds in every run is what design and docs/requests-and-grants.md promise of requests and grants.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daypass.domain import deciding, glass
from daypass.domain.deciding import Changes
from daypass.domain.errors import DaypassError
from daypass.domain.grant import LIVE, Grant
from daypass.domain.people import OPERATOR, Person
from daypass.domain.request import OPEN, TERMINAL, Request, RequestState
from daypass.services.asking import Wish
from daypass.services.requests import Narrowed
from daypass.store.interface import Page
from daypass.store.opening import FILE, SQLITE, open_store
from tests.domain.things import HOUR, person
from tests.services.conftest import NODE, World
from tests.store.conftest import migrated_file

__all__ = ["migrated_file"]

NAMES = ("ann", "ann+2", "bob", "cyd", "dee")
GROUPS = ("red", "blue", "green")
ROLES = ("read", "write")
ALL = Page(200)

group = st.sampled_from(GROUPS)
someone = st.sampled_from(NAMES)
which = st.integers(0, 5)
members = st.sampled_from(["red blue", "red green", "blue green", "red blue green", "red", "blue", "green", ""]).map(
    lambda names: frozenset(names.split())
)


def rule(n: int, who: str, role: str, how: Any) -> str:
    """One rule: by itself, by so many stages, or by breaking the glass."""
    head = f'  - name: rule {n}\n    who: ["group:{who}"]\n    roles: [{role}]\n'
    if how == "automatic":
        return f"{head}    decide: automatic\n"
    if how == "glass":
        owes = f'{{ ratify: {{ by: ["group:{who}", "group:green"], within: 3h, otherwise: block_break_glass }} }}'
        return f'{head}    break_glass: {{ longest: 1h, tell: ["group:blue"] }}\n    owes: {owes}\n'
    deny, stages = how
    told = ", ".join(f'{{ need: {need}, of: ["group:{of}"] }}' for need, of in stages)
    return f"{head}    decide: {{ undecided_after: 2h, deny: {deny}, stages: [{told}] }}\n"


stage = st.tuples(st.sampled_from([1, 1, 1, 2]), group)
stages = st.tuples(st.sampled_from([1, 1, 2]), st.lists(stage, min_size=1, max_size=2))
ways = st.one_of(*[stages] * 8, st.just("glass"), st.just("automatic"))
rules = st.lists(st.tuples(group, st.sampled_from(ROLES), ways), min_size=3, max_size=6)
policies = rules.map(
    lambda found: (
        "policy: p\ncovers: { targets: [orders] }\nlimits: { longest: 4h, extend: { times: 2, by: 30m } }\nrules:\n"
        + "".join(rule(n, *one) for n, one in enumerate(found))
    )
)

votes = st.tuples(
    st.integers(0, 9),
    st.sampled_from(["approve"] * 5 + ["deny"]),
    st.sampled_from([None, None, 1000, HOUR // 2, 2 * HOUR]),
)
asking = st.tuples(st.just("ask"), someone, st.sampled_from(ROLES), st.sampled_from([HOUR, HOUR, 5 * HOUR]))
deciding_at_once = st.tuples(
    st.just("decide"), which, st.lists(votes, min_size=1, max_size=6), st.sampled_from([False, False, False, True])
)
others = st.one_of(
    st.tuples(st.just("edit"), someone, which, st.sampled_from([HOUR, HOUR // 2])),
    st.tuples(st.just("question"), someone, which),
    st.tuples(st.just("answer"), someone, which),
    st.tuples(st.just("withdraw"), someone, which),
    st.tuples(st.just("connect"), someone, st.none() | st.sampled_from(ROLES)),
    st.tuples(st.just("break"), someone, st.sampled_from(ROLES)),
    st.tuples(st.just("ratify"), someone, which, st.booleans()),
    st.tuples(st.just("return"), someone, which),
    st.tuples(st.just("time"), st.sampled_from([1000, HOUR // 4, HOUR, 3 * HOUR])),
    st.tuples(st.just("policy"), policies),
    st.tuples(st.just("person"), someone, members, st.sampled_from([False, False, True])),
)


steps = st.sampled_from([asking, asking, deciding_at_once, deciding_at_once, deciding_at_once, others, others]).flatmap(
    lambda chosen: chosen
)


@dataclass
class Run:
    """One run over a store of its own."""

    world: World
    people: dict[str, Person]
    seen: dict[str, Request] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)

    async def take(self, step: tuple[Any, ...]) -> None:
        try:
            await self._take(*step)
        except DaypassError:
            pass
        await self.check()

    async def _take(self, what: str, *given: Any) -> None:
        world = self.world
        match what, given:
            case "ask", (name, role, length):
                await world.requests.create(await world.who(name), Wish("orders", role, length, "because"))
            case "decide", (n, cast, stale):
                await self._decide(self._nth(n), cast, stale)
            case "edit", (name, n, length):
                await world.requests.edit(await world.who(name), self._nth(n).id, Changes(duration_ms=length))
            case "question", (name, n):
                await world.requests.ask(await world.who(name), self._nth(n).id, "why?")
            case "answer", (name, n):
                await world.requests.answer(await world.who(name), self._nth(n).id, "so")
            case "withdraw", (name, n):
                await world.requests.withdraw(await world.who(name), self._nth(n).id)
            case "connect", (name, role):
                await self._connect(await world.who(name), role)
            case "break", (name, role):
                await world.glass.break_(await world.who(name), Wish("orders", role, HOUR // 2, "down", "INC-1"))
            case "ratify", (name, n, refuse):
                await world.glass.ratify(await world.who(name), self._nth(n).id, "so", refuse=refuse)
            case "return", (name, n):
                grant = self._nth(n).grant
                await world.grants.hand_back(await world.who(name), grant or "none")
            case "time", (length,):
                await world.sweep(length)
            case "policy", (text,):
                world.use(text)
            case "person", (name, groups, disabled):
                self.people[name] = replace(self.people[name], groups=groups, disabled=disabled)
                await world.people.sync([one for one in self.people.values() if not one.disabled])
            case _:
                raise AssertionError(what)

    def _nth(self, n: int) -> Request:
        found = list(self.seen.values())
        if not found:
            raise DaypassError("there is none yet")
        return found[n % len(found)]

    async def _decide(self, request: Request, cast: Sequence[tuple[int, str, int | None]], stale: bool) -> None:
        """Several at once, mostly those who may; `stale`: they looked at it before it was changed."""
        eligible = [id for stage in request.stages for id in stage.eligible]
        emails = {id: one.email for id, one in (await self.world.people.by_id()).items()}
        digest = request.digest if stale else (await self.world.request(request.id)).digest

        async def vote(n: int, verb: str, narrowed: int | None) -> None:
            name = NAMES[n % len(NAMES)]
            if n < 7 and eligible:
                name = emails[eligible[n % len(eligible)]].partition("@")[0]
            try:
                by = await self.world.who(name)
                if verb == "approve":
                    narrow = Narrowed(narrowed)
                    await self.world.requests.approve(by, request.id, digest=digest, narrowed=narrow)
                else:
                    await self.world.requests.deny(by, request.id, digest=digest, note="no")
            except DaypassError:
                pass

        await asyncio.gather(*(vote(*one) for one in cast))

    async def _connect(self, by: Person, role: str | None) -> None:
        world = self.world
        token = (await world.tokens.issue(by.id, OPERATOR)).token.id
        admission = await world.sessions.admit(token, "orders", role, "127.0.0.1:9", NODE)
        await world.sessions.opened(admission.session, {"pid": "1"})
        world.carrying.carried.add(admission.session)
        grant = await world.grant(admission.grant)
        assert (grant.person, grant.state in LIVE) == (by.id, True)
        assert not (await world.who(by.email.partition("@")[0])).disabled
        assert grant.expires_at is not None and world.clock.t < grant.expires_at == admission.expires_at

    # -- what holds -------------------------------------------------------------------------------------------------

    async def check(self) -> None:
        async with self.world.store.reading() as tx:
            requests = {one.id: one for one in await tx.requests(page=ALL)}
            grants = {one.id: one for one in await tx.grants(page=ALL)}
        assert self.seen.keys() <= requests.keys() and self.grants.keys() <= grants.keys()
        for id, request in sorted(requests.items()):
            self._check_request(request, self.seen.get(id, request), grants)
        by_request = [one.request for one in grants.values()]
        assert len(by_request) == len(set(by_request))
        for grant in grants.values():
            request = requests[grant.request]
            assert grant.person == request.requester and grant.duration_ms <= request.duration_ms
            assert request.state is RequestState.APPROVED or request.state in glass.BROKEN
        self.seen = dict(sorted(requests.items()))
        self.grants = grants

    def _check_request(self, now: Request, was: Request, grants: dict[str, Grant]) -> None:
        assert now.votes[: len(was.votes)] == was.votes and now.messages[: len(was.messages)] == was.messages
        if was.state in TERMINAL:
            assert replace(now, grant=was.grant) == was
        alike = self._alike(now.requester)
        assert not {one.person for one in now.votes} & (deciding.involved(now) | alike)
        assert (now.state in OPEN) == (now.decided_at is None and now.state not in glass.BROKEN)
        if now.state is not RequestState.APPROVED:
            assert now.state in glass.BROKEN or now.grant is None
            return
        assert now.grant in grants and now.decided_at is not None
        standing = [one for one in deciding.standing(now) if one.approve]
        if not now.automatic:
            assert len({one.person for one in standing}) >= sum(stage.need for stage in now.stages) > 0
            assert now.decided_at < now.decide_by
        assert all(one.digest == now.digest for one in standing)
        assert grants[now.grant].duration_ms == deciding.granted_ms(now)

    def _alike(self, id: str) -> frozenset[str]:
        """Ann has two accounts."""
        return self.ann if id in self.ann else frozenset({id})

    ann: frozenset[str] = frozenset()


async def run(file: Path, memberships: Sequence[frozenset[str]], policy: str, plan: Sequence[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder) / FILE)
        store = open_store(SQLITE, Path(folder))
        try:
            world = World(store)
            people = {name: person(name, *groups) for name, groups in zip(NAMES, memberships, strict=True)}
            await world.people.sync(list(people.values()))
            await world.tokens.start()
            world.use(policy)
            ann = frozenset([(await world.who(name)).id for name in NAMES[:2]])
            taking = Run(world, people, ann=ann)
            for step in plan:
                await taking.take(step)
            await world.endings.settle()
        finally:
            await store.close()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    memberships=st.lists(members, min_size=len(NAMES), max_size=len(NAMES)),
    policy=policies,
    plan=st.lists(steps, min_size=25, max_size=50),
)
def test_whatever_anybody_tries(
    migrated_file: Path, memberships: list[frozenset[str]], policy: str, plan: list[tuple[Any, ...]]
) -> None:
    asyncio.run(run(migrated_file, memberships, policy, plan))
