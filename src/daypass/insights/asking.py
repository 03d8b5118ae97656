"""Asking one of the questions, as one person may: auditors and security of everybody, others of their own access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.domain.errors import Invalid, NotFound
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.insights.cases import Case, Group, Number, Point, Row, chart_of, groups_of, how_many, inside, number_of
from daypass.insights.facts import Facts, read_facts
from daypass.insights.period import Period
from daypass.insights.questions import QUESTIONS, Question
from daypass.insights.recurring import recurring_cases
from daypass.services.office import Office
from daypass.store.interface import Transaction


@dataclass(frozen=True, slots=True)
class Answer:
    """`number` is of the period, `former` of as long a time right before; `count` and `former_count` say of how many
    things. `everybody`: whether it is about all there is, or only about the caller's own. `rows` are the newest first.
    `only`: the one group that number, chart and rows are of (None: all); `groups` are all of them whatever it says.
    """

    question: Question
    period: Period
    by: str
    only: str | None
    everybody: bool
    number: Number
    former: Number
    count: int
    former_count: int
    groups: Sequence[Group]
    chart: Sequence[Point]
    rows: Sequence[Row]


class Insights:
    """Over one office. Changes nothing."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(
        self,
        who: Person,
        name: str,
        *,
        since: int | None = None,
        until: int | None = None,
        by: str | None = None,
        only: str | None = None,
    ) -> Answer:
        """Ask the question of this name, of what is in the group `only` (None: of everything). Raise `NotFound` for
        another name, `Invalid` for a time or a kind of group it hasn't."""
        question = QUESTIONS.get(name)
        if question is None:
            raise NotFound(f"there is no question {name}", hint=f"there are {', '.join(QUESTIONS)}")
        group = by or question.by[0]
        if group not in question.by:
            raise Invalid(f"{name} is not asked by {group}", hint=f"by {', '.join(question.by)}")
        now = self._office.now()
        period = Period.of(since, until, now)
        everybody = self._office.may(who, Verb.READ_LOG)
        async with self._office.reading() as tx:
            facts = await self._facts(tx, period, now, None if everybody else who)
            present, past = await self._cases(tx, question, facts, None if everybody else who)
        measure = question.measure
        groups = groups_of(measure, group, present, past)
        if only is not None:
            present, past = inside(group, only, present), inside(group, only, past)
        return Answer(
            question,
            period,
            group,
            only,
            everybody,
            number_of(measure, present),
            number_of(measure, past),
            how_many(present),
            how_many(past),
            groups,
            chart_of(measure, period, present),
            [case.row for case in sorted(present, key=lambda case: -case.t) if case.row is not None],
        )

    async def _facts(self, tx: Transaction, period: Period, now: int, limit: Person | None) -> Facts:
        people = (await self._office.everybody(tx)).by_id
        own = None
        if limit is not None:
            own = frozenset({limit.id, *(one.id for one in people.values() if one.agent_of == limit.id)})
        return Facts(period, now, people, self._office.targets, own)

    async def _cases(
        self, tx: Transaction, question: Question, facts: Facts, limit: Person | None
    ) -> tuple[list[Case], list[Case]]:
        """Those of the period, and those of the former one."""
        period = facts.period
        if question.cases is None:
            actor = limit.id if limit is not None else None
            return await recurring_cases(tx, period, actor), await recurring_cases(tx, period.former, actor)
        facts = await read_facts(tx, facts)
        return question.cases(facts, period), question.cases(facts, period.former)
