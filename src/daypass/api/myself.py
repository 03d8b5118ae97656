"""Routes of what concerns the caller: who I am, what I may ask for, where to connect, how policy would decide."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from daypass.api import answers, mapping, models
from daypass.api.front import ACaller, AFront
from daypass.domain import grant as grants
from daypass.domain import policy
from daypass.domain.errors import NotFound, Refused
from daypass.services.admitting import no_access
from daypass.services.reading import PAGE_MAX
from daypass.store.interface import Page

router = APIRouter(tags=["me"])


@router.get("/whoami")
async def who_am_i(caller: ACaller) -> models.Me:
    """Who is calling: whose token it is, or who is signed in."""
    return mapping.me(caller.person, caller.token, caller.visit)


@router.get("/targets")
async def list_targets(caller: ACaller, front: AFront) -> models.Page[models.TargetView]:
    """What I may ask for, and what asking would take."""
    office = front.office
    held = await front.reading.grants(caller.person, Page(PAGE_MAX), mine=True, live=True)
    granted = {grant.target for grant in held if grants.opens(grant, office.now())}
    found = [
        (target, policy.ways(office.policies.current.policies, caller.person, target))
        for target in office.targets.values()
    ]
    return models.Page(items=[mapping.target(target, ways, target.name in granted) for target, ways in found if ways])


@router.get("/connect")
async def how_to_connect(
    caller: ACaller,
    front: AFront,
    target: Annotated[str, Query(max_length=models.NAME_MAX)],
    role: Annotated[str | None, Query(max_length=models.NAME_MAX)] = None,
) -> models.ConnectView:
    """Where my own client connects for a target, and as whom. The password is my token."""
    held = await front.reading.grants(caller.person, Page(PAGE_MAX), mine=True, live=True)
    now = front.office.now()
    here = [each for each in held if each.target == target]
    usable = [each for each in here if role in (None, each.role) and grants.opens(each, now)]
    found = front.office.targets.get(target)
    ways = policy.ways(front.office.policies.current.policies, caller.person, found) if found else ()
    if found is None or not (here or ways):
        raise NotFound(f"there is no target {target} for you", hint="daypass targets")
    if not usable:
        raise no_access(front.office, caller.person, target, role, here)
    roles = sorted({each.role for each in usable})
    if len(roles) > 1:
        raise Refused(
            f"you hold grants for {' and '.join(roles)}: name one", hint=f"daypass connect {target}:{roles[0]}"
        )
    address = front.listen[found.protocol]
    return models.ConnectView(
        id=target,
        state="GRANTED",
        protocol=found.protocol,
        host=address.host if address.host not in ("0.0.0.0", "::") else "",
        port=address.port,
        person=caller.person.email,
        target=target,
        role=role,
        ca=front.authority,
    )


@router.post("/policy/explain")
async def explain_policy(asked: answers.Asked, caller: ACaller, front: AFront) -> answers.Explained:
    """How policy would decide if I asked for this now. Nothing is asked and nothing is recorded."""
    target = front.office.targets.get(asked.target)
    ways = policy.ways(front.office.policies.current.policies, caller.person, target) if target else ()
    if target is None or not ways or asked.role not in target.roles:
        raise NotFound(f"there is no {asked.target}:{asked.role} for you", hint="daypass targets")
    found = await front.deliberation.explain(
        caller.person,
        target,
        asked.role,
        asked.duration_ms,
        reason=asked.reason,
        ticket=asked.ticket,
        glass=asked.break_glass,
    )
    return mapping.explained(found, await front.reading.people())
