"""Routes of policies as they are and changed ones tried out, and of who could get what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, RootModel

from daypass.api import answers, mapping, models
from daypass.api.front import ACaller, AFront
from daypass.api.policy_words import WordsView, in_words
from daypass.api.strict import Strict
from daypass.domain.policy_schema import schema
from daypass.services.proposing import TEXT_CHARS_MAX
from daypass.services.trying import DAYS_MAX

router = APIRouter(tags=["policy"])
_Name = Annotated[str, Query(min_length=1, max_length=models.NAME_MAX)]


class PolicyView(BaseModel):
    """A policy in force. Its `id` is its name; `text` is what its file says now."""

    id: str
    state: Literal["IN_FORCE", "CHANGED"] = Field(description="CHANGED while the file says something else.")
    file: str
    digest: str = Field(description="The SHA-256 of the text in force.")
    targets: list[str] = Field(description="The targets that it covers.")
    text: str
    text_digest: str = Field(description="The SHA-256 of `text`: what a proposal `was` made of.")
    says: WordsView = Field(description="What is in force, in words.")


class Try(Strict):
    """A policy file, whole."""

    text: str = Field(min_length=1, max_length=TEXT_CHARS_MAX)


class ExplainFor(answers.Asked):
    """A question to policy, asked of somebody."""

    person: str = Field(min_length=1, max_length=models.NAME_MAX, description="The address of who would ask.")
    text: str = Field(default="", max_length=TEXT_CHARS_MAX, description="A changed policy file to ask; empty: none.")


class Simulate(Try):
    """A policy file, and for how many days back."""

    days: int = Field(default=30, gt=0, le=DAYS_MAX)


class CaseView(BaseModel):
    """One `expect` case: where it stands, and what was said."""

    id: str = Field(description="`file:line: path`.")
    state: Literal["HOLDS", "FAILED"]
    said: str


class TriedView(BaseModel):
    """What came of trying a text. `problem` is the line that loading would say."""

    id: str = Field(description="The policy's name; empty where it cannot be read.")
    state: Literal["LOADS", "FAILS"]
    digest: str
    problem: str
    cases: list[CaseView]
    says: WordsView | None = Field(description="What it says, in words; null where it cannot be read.")


class DiffersView(BaseModel):
    """A former request that would be decided otherwise."""

    id: str
    t: int
    requester: models.Someone
    target: str
    role: str
    was: str
    now: str
    why: str


class SimulatedView(BaseModel):
    """What a changed policy would have decided otherwise."""

    id: str
    state: Literal["WHOLE", "PART"] = Field(description="PART: only the newest requests were asked again.")
    requests: int
    differ: int
    differing: list[DiffersView]


class CanView(models.Someone):
    """Somebody who could get it. `if_`: what would have to hold."""

    state: Literal["CAN"]
    rule: str
    how: str
    if_: str


@router.get("/policies")
async def list_policies(caller: ACaller, front: AFront) -> models.Page[PolicyView]:
    """The policies in force, with what their files say."""
    found = await front.trying.in_force(caller.person)
    digests = {one.name: one.digest for one, _ in found}
    return models.Page(
        items=[
            PolicyView(
                id=one.name,
                state="IN_FORCE" if mapping.digest(text) == digests[one.name] else "CHANGED",
                file=one.file,
                digest=one.digest,
                targets=sorted(name for name, target in front.office.targets.items() if one.covers.includes(target)),
                text=text,
                text_digest=mapping.digest(text),
                says=in_words(one),
            )
            for one, text in found
        ]
    )


@router.post("/policy/try")
async def try_policy(asked: Try, caller: ACaller, front: AFront) -> TriedView:
    """Would this text load in the place of its policy's file, and do its cases hold? Nothing is recorded."""
    tried = await front.trying.tried(caller.person, asked.text)
    cases = [
        CaseView(
            id=one.expectation.place,
            state="FAILED" if one.problem else "HOLDS",
            said=one.problem or (one.verdict.reason if one.verdict is not None else ""),
        )
        for one in tried.cases
    ]
    return TriedView(
        id=tried.policy,
        state="FAILS" if tried.problem else "LOADS",
        digest=tried.digest,
        problem=tried.problem,
        cases=cases,
        says=in_words(tried.read) if tried.read is not None else None,
    )


class PolicySchema(RootModel[dict[str, Any]]):
    """A JSON Schema."""


@router.get("/policy/schema")
async def policy_schema(caller: ACaller) -> PolicySchema:
    """The form of a policy file as a JSON Schema, so that editors complete and check it."""
    return PolicySchema(schema())


@router.post("/policy/explain-for")
async def explain_for(asked: ExplainFor, caller: ACaller, front: AFront) -> answers.Explained:
    """How policy, or a changed text of it, would decide if this person asked now. Nothing is recorded."""
    found = await front.trying.explained(
        caller.person,
        asked.person,
        asked.target,
        asked.role,
        asked.duration_ms,
        reason=asked.reason,
        ticket=asked.ticket,
        glass=asked.break_glass,
        text=asked.text,
    )
    return mapping.explained(found, await front.reading.people())


@router.post("/policy/simulate")
async def simulate_policy(asked: Simulate, caller: ACaller, front: AFront) -> SimulatedView:
    """What this text would have decided otherwise of what was asked lately."""
    found = await front.trying.simulated(caller.person, asked.text, asked.days)
    people = await front.reading.people()
    return SimulatedView(
        id=found.policy,
        state="WHOLE" if found.whole else "PART",
        requests=found.requests,
        differ=found.differ,
        differing=[
            DiffersView(
                id=one.recorded.id,
                t=one.recorded.t,
                requester=mapping.someone(people, one.recorded.person),
                target=one.recorded.target,
                role=one.recorded.role,
                was=one.was,
                now=one.now,
                why=one.why,
            )
            for one in found.differing
        ],
    )


@router.get("/policy/who-can")
async def who_can_get(
    target: _Name,
    role: _Name,
    caller: ACaller,
    front: AFront,
    at: Annotated[int | None, Query(ge=0, le=models.T_MAX, description="At this time; none: now.")] = None,
) -> models.Page[CanView]:
    """Who could get this role, and how."""
    found = await front.trying.who_can(caller.person, target, role, at)
    people = await front.reading.people()
    return models.Page(
        items=[
            CanView(
                **mapping.someone(people, one.person).model_dump(), state="CAN", rule=one.rule, how=one.how, if_=one.if_
            )
            for one in found
        ]
    )
