"""What policy answers over HTTP: how something would be decided, and by whom. Part of `models`, which says the rest."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from daypass.api.models import NAME_MAX, TEXT_MAX, Someone
from daypass.api.strict import Strict
from daypass.domain.durations import LONGEST_MS


class Asked(Strict):
    """A question to policy: how would this be decided?"""

    target: str = Field(min_length=1, max_length=NAME_MAX)
    role: str = Field(min_length=1, max_length=NAME_MAX)
    duration_ms: int = Field(gt=0, le=LONGEST_MS)
    ticket: str = Field(default="", max_length=NAME_MAX)
    reason: str = Field(default="", max_length=TEXT_MAX)
    break_glass: bool = False


class Decider(Someone):
    """Somebody who may decide on a request."""

    stages: list[int] = Field(description="The stages that they could fill, from 0.")
    voted: bool
    on_duty: bool = Field(description="Whether they are there now, as far as the rule's hours tell.")


class Deciders(BaseModel):
    """Who decides on a request. Its `id` is the request's."""

    id: str
    state: str
    deciders: list[Decider]
    missing: list[int] = Field(description="How many people each stage still needs.")
    usual_wait_ms: int | None = Field(description="The median wait of former requests under the same rule.")
    decided_before: int = Field(description="How many former requests that is taken from.")
    lesser_roles: list[str] = Field(
        description="Roles of its target that can do less: it may be approved as one of them."
    )


class PartView(BaseModel):
    """A part of a condition."""

    source: str
    answer: str = Field(description="`yes`, `no`, or why there is no answer.")


class LookedView(BaseModel):
    """A rule or denial that was looked at."""

    name: str
    line: int
    denial: bool
    why_not: str = Field(description="The first thing in which it does not fit; empty: it does.")
    parts: list[PartView]


class Explained(BaseModel):
    """What policy answers, in one sentence and in its parts. Its `id` is the policy's name."""

    id: str
    state: Literal["AUTOMATIC", "NEEDS_VOTES", "BREAK_GLASS", "REFUSED"]
    rule: str
    reason: str
    sentence: str
    trace: list[LookedView]
    asked: list[list[Someone]] = Field(description="Who would be asked, by stage.")
