"""Routes of administration that only look: people, groups, targets, channels; and whether a target lets us in."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from daypass.api import models
from daypass.api.front import ACaller, AFront
from daypass.domain.roles import Role
from daypass.services.surveying import Known

router = APIRouter(tags=["administration"])
PEOPLE_MAX = 200
MEMBERS_MAX = 20
"""Members of one group that are named; a group may be everybody, and there may be hundreds of groups."""


class PersonView(models.Someone):
    """A person, or an agent (`agent_of`: whose)."""

    state: Literal["ACTIVE", "DISABLED"]
    groups: list[str]
    roles: list[Role] = Field(description="What the settings make them.")
    accounts: list[str] = Field(description="Other accounts of the same human being.")
    agents: list[str] = Field(description="The addresses of their agents.")
    agent_of: str | None
    source: str = Field(description="Who keeps the account: `oidc`, `scim`; empty: the settings.")


class GroupOfPeople(BaseModel):
    """A group. Its `id` is its name."""

    id: str
    state: Literal["ACTIVE", "EMPTY"]
    count: int = Field(description="How many are in it.")
    members: list[models.Someone] = Field(
        description=f"By address, at most {MEMBERS_MAX}; `GET /people?q=` finds the others."
    )
    owners: list[str]


class LoginView(BaseModel):
    """A role of a target: its login, or the roles that a login is made with."""

    name: str
    effect: str
    user: str
    member_of: list[str]
    dangerous: bool


class TargetSettings(BaseModel):
    """A target as the settings have it. No secret is in it."""

    id: str
    state: Literal["COVERED", "UNCOVERED"] = Field(description="UNCOVERED: no policy, so that nobody can ask for it.")
    policy: str
    protocol: str
    address: str
    database: str
    labels: dict[str, str]
    tls: str
    record: str
    owners: list[str]
    roles: list[LoginView]


class ReachedView(BaseModel):
    """What came of signing in with one role's login."""

    id: str = Field(description="The role.")
    state: Literal["REACHED", "FAILED"]
    problem: str
    hint: str = Field(description="What to do; empty where it was let in.")
    took_ms: int


class ChannelView(BaseModel):
    """Something that people are told over. Its `id` is its name."""

    id: str
    state: Literal["ROOM", "PERSONAL"]
    only: list[str] = Field(description="The kinds of messages that it takes; none: all.")
    callbacks: bool


@router.get("/people")
async def list_people(
    caller: ACaller,
    front: AFront,
    q: Annotated[str, Query(max_length=models.NAME_MAX, description="In address, name or group.")] = "",
    limit: Annotated[int, Query(gt=0, le=PEOPLE_MAX)] = PEOPLE_MAX,
    after: Annotated[str, Query(max_length=models.NAME_MAX, description="The address of the last one seen.")] = "",
) -> models.Page[PersonView]:
    """Everybody, by address. `next` is the `after` of the following part."""
    found = await front.surveying.people(caller.person, q, after=after, limit=limit + 1)
    items = [_person(one) for one in await front.surveying.known(caller.person, found[:limit])]
    return models.Page(items=items, next=items[-1].email if len(found) > limit else None)


def _person(known: Known) -> PersonView:
    one = known.person
    return PersonView(
        id=one.id,
        email=one.email,
        name=one.name,
        state="DISABLED" if one.disabled else "ACTIVE",
        groups=sorted(one.groups),
        roles=list(known.roles),
        accounts=list(known.accounts),
        agents=list(known.agents),
        agent_of=one.agent_of or None,
        source=one.source,
    )


@router.get("/groups")
async def list_groups(caller: ACaller, front: AFront) -> models.Page[GroupOfPeople]:
    """Every group, who is in it and who owns it."""
    return models.Page(
        items=[
            GroupOfPeople(
                id=one.name,
                state="ACTIVE" if one.members else "EMPTY",
                count=len(one.members),
                members=[
                    models.Someone(id=each.id, email=each.email, name=each.name) for each in one.members[:MEMBERS_MAX]
                ],
                owners=list(one.owners),
            )
            for one in await front.surveying.groups(caller.person)
        ]
    )


@router.get("/targets/all")
async def list_all_targets(caller: ACaller, front: AFront) -> models.Page[TargetSettings]:
    """Every target, as the settings have it."""
    return models.Page(
        items=[
            TargetSettings(
                id=one.name,
                state="COVERED" if policy else "UNCOVERED",
                policy=policy,
                protocol=one.protocol,
                address=f"{one.host}:{one.port}",
                database=one.database,
                labels=dict(one.labels),
                tls=one.tls,
                record=one.record,
                owners=list(one.owners),
                roles=[
                    LoginView(
                        name=role.name,
                        effect=role.effect.value,
                        user=role.user,
                        member_of=list(role.member_of),
                        dangerous=role.dangerous,
                    )
                    for role in one.roles.values()
                ],
            )
            for one, policy in await front.surveying.targets(caller.person)
        ]
    )


@router.post("/targets/{name}/check")
async def check_target(
    name: Annotated[str, Path(max_length=models.NAME_MAX)], caller: ACaller, front: AFront
) -> models.Page[ReachedView]:
    """Sign in to a target with each role's login, and out again."""
    return models.Page(
        items=[
            ReachedView(
                id=one.role,
                state="FAILED" if one.problem else "REACHED",
                problem=one.problem,
                hint=one.hint,
                took_ms=one.took_ms,
            )
            for one in await front.surveying.check(caller.person, name)
        ]
    )


@router.get("/channels")
async def list_channels(caller: ACaller, front: AFront) -> models.Page[ChannelView]:
    """Over what people are told."""
    return models.Page(
        items=[
            ChannelView(
                id=one.name,
                state="ROOM" if one.shared else "PERSONAL",
                only=list(one.only),
                callbacks=bool(one.callback),
            )
            for one in await front.surveying.channels(caller.person)
        ]
    )
