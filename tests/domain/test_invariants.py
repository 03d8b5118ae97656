"""The invariants of deciding, over random people, groups, votes, edits and clocks."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from daypass.domain import deciding
from daypass.domain.deciding import Changes
from daypass.domain.errors import DaypassError
from daypass.domain.people import Person
from daypass.domain.request import OPEN, TERMINAL, Request, RequestState, Route, Stage
from tests.domain.things import HOUR, NOW, request, vote

NAMES = ("ann", "bob", "cyd", "dee", "eli")
GROUPS = ("red", "blue", "green")
groups = st.frozensets(st.sampled_from(GROUPS), max_size=3)
someone = st.sampled_from(NAMES)


class Deciding(RuleBasedStateMachine):
    """Everybody tries everything at any time; what is refused changes nothing."""

    people: dict[str, Person]
    asked: Request
    now: int

    @initialize(
        memberships=st.lists(groups, min_size=5, max_size=5),
        needs=st.lists(
            st.tuples(st.integers(1, 2), st.frozensets(st.sampled_from(GROUPS), min_size=1)), min_size=1, max_size=3
        ),
        requester=someone,
        owner=st.none() | someone,
        quorum=st.integers(1, 3),
        escalate=st.none() | st.tuples(st.integers(1, 5 * HOUR), st.sampled_from(GROUPS)),
        second=st.none() | someone,
    )
    def start(
        self,
        memberships: list[frozenset[str]],
        needs: list[tuple[int, frozenset[str]]],
        requester: str,
        owner: str | None,
        quorum: int,
        escalate: tuple[int, str] | None,
        second: str | None,
    ) -> None:
        self.people = {
            name: Person(name, f"{name}@acme.test", name, member)
            for name, member in zip(NAMES, memberships, strict=True)
        }
        stages = [
            Stage(
                need,
                tuple(f"group:{name}" for name in sorted(of)),
                tuple(n for n in NAMES if self.people[n].groups & of),
            )
            for need, of in needs
        ]
        self.now = NOW
        # `second` is another account of the requester's.
        route = Route(
            deny=quorum,
            escalate_at=NOW + escalate[0] if escalate else None,
            escalate_to=(f"group:{escalate[1]}",) if escalate else (),
            excluded=tuple({requester, owner or requester, second or requester}),
        )
        self.asked = request(*stages, by=self.people[requester], on_behalf_of=owner, route=route)
        self.before = self.asked

    def attempt(self, after: object) -> None:
        assert isinstance(after, Request)
        self.asked = after

    @rule(name=someone, narrowed=st.none() | st.integers(0, 2 * HOUR), stale=st.booleans())
    def approve(self, name: str, narrowed: int | None, stale: bool) -> None:
        by = self.people[name]
        cast = vote(self.asked, by, at=self.now, narrowed_ms=narrowed)
        if stale:
            cast = replace(cast, digest=self.before.digest)
        try:
            self.attempt(deciding.approve(self.asked, cast, by, self.people))
        except DaypassError:
            return
        assert cast.digest == self.asked.digest
        assert name not in (self.asked.requester, self.asked.on_behalf_of)

    @rule(name=someone)
    def deny(self, name: str) -> None:
        by = self.people[name]
        try:
            self.attempt(deciding.deny(self.asked, vote(self.asked, by, False, at=self.now), by, self.people))
        except DaypassError:
            return
        assert name not in deciding.involved(self.asked)

    @rule()
    def escalate(self) -> None:
        was = self.asked
        try:
            self.attempt(deciding.escalate(was, list(self.people.values()), self.now))
        except DaypassError:
            return
        assert was.state in OPEN and self.asked.digest == was.digest
        new = {id for one in self.asked.stages for id in one.eligible} - {
            id for one in was.stages for id in one.eligible
        }
        assert not new & deciding.involved(was)

    @rule(name=someone, reason=st.sampled_from(["because", "another"]), duration=st.sampled_from([HOUR, HOUR // 2]))
    def edit(self, name: str, reason: str, duration: int) -> None:
        was = self.asked
        try:
            self.attempt(deciding.edit(was, self.people[name], Changes(reason=reason, duration_ms=duration), self.now))
        except DaypassError:
            return
        assert name == was.requester and was.state in OPEN
        self.before = was

    @rule(name=someone)
    def ask(self, name: str) -> None:
        try:
            self.attempt(deciding.ask(self.asked, self.people[name], "why?", self.now))
        except DaypassError:
            return

    @rule(name=someone, reason=st.none() | st.just("another"))
    def answer(self, name: str, reason: str | None) -> None:
        try:
            self.attempt(deciding.answer(self.asked, self.people[name], "so", Changes(reason=reason), self.now))
        except DaypassError:
            return
        assert name == self.asked.requester

    @rule(name=someone)
    def withdraw(self, name: str) -> None:
        try:
            self.attempt(deciding.withdraw(self.asked, self.people[name], self.now))
        except DaypassError:
            return
        assert name == self.asked.requester

    @rule(step=st.integers(1, 3 * HOUR))
    def time_passes(self, step: int) -> None:
        self.now += step

    @rule()
    def sweep(self) -> None:
        try:
            self.attempt(deciding.expire(self.asked, self.now))
        except DaypassError:
            return
        assert self.asked.state is RequestState.EXPIRED

    @rule(name=someone, disabled=st.booleans(), member=groups)
    def change_person(self, name: str, disabled: bool, member: frozenset[str]) -> None:
        self.people[name] = replace(self.people[name], disabled=disabled, groups=member)

    @invariant()
    def approved_only_by_enough_distinct_others(self) -> None:
        if not hasattr(self, "asked") or self.asked.state is not RequestState.APPROVED:
            return
        votes = [one for one in deciding.standing(self.asked) if one.approve]
        approvers = {one.person for one in votes}
        assert len(approvers) == len(votes) >= sum(stage.need for stage in self.asked.stages) > 0
        assert not approvers & deciding.involved(self.asked)
        assert all(one.digest == self.asked.digest for one in votes)
        assert self.asked.decided_at is not None and self.asked.decided_at < self.asked.decide_by
        assert 0 < deciding.granted_ms(self.asked) <= self.asked.duration_ms

    @invariant()
    def denied_only_by_people_who_may(self) -> None:
        if not hasattr(self, "asked") or self.asked.state is not RequestState.DENIED:
            return
        deniers = {one.person for one in deciding.standing(self.asked) if not one.approve}
        assert deniers and not deniers & deciding.involved(self.asked)

    @invariant()
    def terminal_is_terminal_and_nothing_is_lost(self) -> None:
        if not hasattr(self, "asked"):
            return
        last = getattr(self, "_last", self.asked)
        if last.state in TERMINAL:
            assert self.asked == last
        assert self.asked.votes[: len(last.votes)] == last.votes
        assert self.asked.messages[: len(last.messages)] == last.messages
        assert (self.asked.state in TERMINAL) == (self.asked.decided_at is not None)
        self._last = self.asked


Deciding.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestDeciding = Deciding.TestCase
