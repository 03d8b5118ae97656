"""What AuthZEN's endpoints take and give, as pydantic models (docs/authzen.md)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from daypass.api import models
from daypass.api.strict import without_nul
from daypass.services.tasks import PARTS_MAX, STATE_CHARS_MAX

EVALUATIONS_MAX = 100
"""Evaluations of one call: what a page of somebody else's shows."""


class Open(BaseModel):
    """What other systems send: members that are not known are passed over, as AuthZEN wants it."""

    model_config = ConfigDict(extra="ignore")

    _no_nul = field_validator("*")(without_nul)


class Thing(Open):
    """A subject or a resource."""

    type: str = Field(max_length=models.NAME_MAX)
    id: str = Field(min_length=1, max_length=models.NAME_MAX)


class Action(Open):
    """What is to be done: a role of the target."""

    name: str = Field(min_length=1, max_length=models.NAME_MAX)


class Approval(Open):
    """An approval that a task told of."""

    id: str = Field(max_length=models.NAME_MAX)


class Context(Open):
    """What is said beside it."""

    approval: Approval | None = None
    business_justification: str = Field(default="", max_length=models.TEXT_MAX)
    ticket: str = Field(default="", max_length=models.NAME_MAX)


class Evaluation(Open):
    """May this subject do this to this resource?"""

    subject: Thing
    resource: Thing
    action: Action
    context: Context = Context()


class OneOf(Open):
    """One of several evaluations; what it does not say is as the call says."""

    subject: Thing | None = None
    resource: Thing | None = None
    action: Action | None = None
    context: Context | None = None


class Options(Open):
    """How several are evaluated."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = "execute_all"


class Evaluations(OneOf):
    """Several questions at once; without `evaluations` it is one."""

    evaluations: list[OneOf] = Field(default=[], max_length=EVALUATIONS_MAX)
    options: Options = Options()


class Denial(Open):
    """The denial that an access request is about: one of both binds it."""

    binding_token: str = Field(default="", max_length=models.TEXT_MAX)
    evaluation_id: str = Field(default="", max_length=models.NAME_MAX)


class Wanted(Open):
    """What is asked for beside the thing itself."""

    requested_until: str = Field(default="", max_length=models.NAME_MAX)


class Item(Open):
    """One of several things asked for in one access request."""

    resource: Thing
    action: Action
    denial: Denial | None = None
    requested_access: Wanted | None = None


class CallbackAsked(Open):
    """Where to say that the task is over."""

    endpoint: str = Field(min_length=1, max_length=models.TEXT_MAX)
    state: str = Field(default="", max_length=STATE_CHARS_MAX)
    events: list[str] = Field(default=[], max_length=10)


class Submission(Open):
    """A request for what was denied: `resource` and `action`, or several `items`."""

    subject: Thing
    resource: Thing | None = None
    action: Action | None = None
    items: list[Item] | None = Field(default=None, min_length=1, max_length=PARTS_MAX)
    context: Context = Context()
    denial: Denial = Denial()
    requested_access: Wanted = Wanted()
    callback: CallbackAsked | None = None


class Decision(BaseModel):
    """Yes or no; a no says whether it could be asked for."""

    decision: bool
    context: dict[str, Any]


class Decisions(BaseModel):
    """Several, in the order in which they were asked."""

    evaluations: list[Decision]


class Task(BaseModel):
    """An access request, and what came of it."""

    task: dict[str, Any]
    result: dict[str, Any] | None = None


class Configuration(BaseModel):
    """Where this decision point answers."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    access_request_endpoint: str
    capabilities: list[str]
