"""Routes of locks: what security shuts for a while, and opens again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, model_validator

from daypass.api import mapping, models
from daypass.api.asking import Part
from daypass.api.front import ACaller, AFront, APage, Caller, Front
from daypass.api.proving import noted
from daypass.api.strict import Strict
from daypass.domain.grant import GrantState
from daypass.domain.lock import LASTS_MAX_MS, Lock, LockScope, LockState, state_at

router = APIRouter(tags=["locks"])


class NewLock(Strict):
    """What to shut, why, and for how long. `name`: a person's address or a target's name; not for everything."""

    scope: LockScope = Field(strict=False)  # a word, of which JSON has no kind of its own
    name: str = Field(default="", max_length=models.NAME_MAX)
    reason: str = Field(min_length=1, max_length=models.TEXT_MAX)
    duration_ms: int = Field(gt=0, le=LASTS_MAX_MS)

    @model_validator(mode="after")
    def _names(self) -> NewLock:
        if bool(self.name) is (self.scope is LockScope.EVERYTHING):
            raise ValueError("name says which person or target, and is empty for everything")
        return self


class LockView(models.Noted):
    """A lock. LOCKED while it shuts something, LIFTED when it was taken away, OVER when its time has passed."""

    id: str
    state: LockState
    scope: LockScope
    target: str | None
    person: models.Someone | None
    reason: str
    made_by: models.Someone
    made_at: int
    until: int
    lifted_by: models.Someone | None
    lifted_at: int | None
    lifted_reason: str


class Shut(LockView):
    """A new lock, and what came of the running grants that it covers."""

    ended: list[str] = Field(description="The grants that have ended because of it.")
    unconfirmed: list[str] = Field(description="Those whose end is not shown yet: it is tried again until it is.")


@router.post("/locks", status_code=201)
async def set_lock(wanted: NewLock, caller: ACaller, front: AFront) -> Shut:
    """Shut a person, a target or everything: running grants end now, and nothing opens until it is over."""
    done = await front.locks.lock(caller.person, wanted.scope, wanted.name, wanted.reason, wanted.duration_ms)
    ended = [grant.id for grant in done.grants if grant.state is GrantState.ENDED]
    view = _shown(front, done.lock, await front.reading.people())
    return Shut(
        **{**view.model_dump(), **await _noted(front, caller)},
        ended=ended,
        unconfirmed=[grant.id for grant in done.grants if grant.id not in ended],
    )


@router.get("/locks")
async def list_locks(
    caller: ACaller,
    front: AFront,
    page: APage,
    all: Annotated[bool, Query(description="Also those that are over.")] = False,
) -> models.Page[LockView]:
    """Locks, newest first; for security and auditors."""
    found = await front.locks.list(caller.person, page, live=not all)
    people = await front.reading.people()
    items = [_shown(front, one, people) for one in found]
    return models.Page(items=items, next=found[-1].id if len(found) == page.limit else None)


@router.post("/locks/{id}/lift")
async def lift_lock(id: Part, why: models.Because, caller: ACaller, front: AFront) -> LockView:
    """Open it before its time. What has ended stays ended."""
    lock = await front.locks.unlock(caller.person, id, why.reason)
    view = _shown(front, lock, await front.reading.people())
    return view.model_copy(update=await _noted(front, caller))


async def _noted(front: Front, caller: Caller) -> dict[str, str | None]:
    return await noted(front, "lock.set", "lock.lifted", actor=caller.person.id)


def _shown(front: Front, lock: Lock, people: mapping.People) -> LockView:
    return LockView(
        id=lock.id,
        state=state_at(lock, front.office.now()),
        scope=lock.scope,
        target=lock.name if lock.scope is LockScope.TARGET else None,
        person=mapping.someone(people, lock.name) if lock.scope is LockScope.PERSON else None,
        reason=lock.reason,
        made_by=mapping.someone(people, lock.made_by),
        made_at=lock.made_at,
        until=lock.until,
        lifted_by=mapping.someone(people, lock.lifted_by) if lock.lifted_by else None,
        lifted_at=lock.lifted_at,
        lifted_reason=lock.lifted_reason,
    )
