"""Routes of how it goes, of everybody's tokens, and of testing a channel."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from daypass.api import models
from daypass.api.front import ACaller, AFront, APage, Front
from daypass.api.tokens import TokenView, shown
from daypass.services.nodes import LEASE_MS
from daypass.services.overseeing import Overview

router = APIRouter(tags=["administration"])


class NodeView(BaseModel):
    """A node of this store, by the store's own clock."""

    id: str
    state: Literal["LIVE", "SILENT"]
    here: bool = Field(description="Whether it is the one that answers.")
    silent_ms: int = Field(description="How long ago it last said that it lives.")


class JournalView(BaseModel):
    """What this node has recorded and not yet put into the store."""

    behind: int = Field(description="Facts that wait.")
    lag_ms: int = Field(
        description="How old the oldest of them is, or that of the last batch was when it was stored, if that is more."
    )


class LogView(BaseModel):
    """The log: numbered in the store, and published."""

    entries: int
    published: int
    elsewhere: str = Field(description="Who publishes it, if this node does not.")
    quorum: int = Field(description="So many witnesses have to cosign.")


class WitnessView(BaseModel):
    """A witness of the log. Its `id` is its name."""

    id: str
    state: Literal["COSIGNS", "MISSING"]
    problem: str


class DriftView(BaseModel):
    """A login at a target that was not as our grants say. Its `id` is its entry's place in the log."""

    id: str
    state: Literal["FOUND", "PUT_RIGHT"]
    t: int
    target: str
    kind: str
    user: str


class RemarkView(BaseModel):
    """Something that is wrong, and what to do."""

    says: str
    hint: str


class OverviewView(BaseModel):
    """How it goes. Its `id` is the node's name."""

    id: str
    state: Literal["HEALTHY", "CUT_OFF", "DRAINING", "READ_ONLY", "FAILED"]
    problem: str
    remarks: list[RemarkView]
    nodes: list[NodeView]
    journal: JournalView
    log: LogView
    witnesses: list[WitnessView]
    drift: list[DriftView] = Field(description="The newest first, at most 50.")


class TestedView(BaseModel):
    """What came of a test message."""

    id: str
    state: Literal["SENT", "FAILED"]
    channel: str
    to: str = Field(description="The address that it went to; empty: a room.")
    problem: str
    hint: str


@router.get("/overview")
async def show_overview(caller: ACaller, front: AFront) -> OverviewView:
    """How it goes: nodes, journal, log, witnesses, drift of logins."""
    return _view(front, await front.overseeing.overview(caller.person))


@router.get("/tokens/all")
async def list_all_tokens(caller: ACaller, front: AFront, page: APage) -> models.Page[TokenView]:
    """Everybody's live tokens, newest first."""
    found = await front.overseeing.live_tokens(caller.person, page)
    people = await front.reading.people()
    items = [shown(front, caller, one, people) for one in found]
    return models.Page(items=items, next=found[-1].id if len(found) == page.limit else None)


@router.post("/channels/{name}/test")
async def test_channel(
    name: Annotated[str, Path(max_length=models.NAME_MAX)], caller: ACaller, front: AFront
) -> TestedView:
    """Send a test message over a channel, to me or into its room."""
    done = await front.overseeing.test(caller.person, name)
    return TestedView(
        id=done.id,
        state="FAILED" if done.problem else "SENT",
        channel=done.channel,
        to=done.to,
        problem=done.problem,
        hint="see its settings under notify, then  daypass check --config FILE" if done.problem else "",
    )


def _view(front: Front, found: Overview) -> OverviewView:
    health, works = front.health(), found.works
    # A store of one node keeps no list of nodes.
    seen = {health.id: 0} | {one.name: one.silent_ms for one in found.nodes}
    return OverviewView(
        id=health.id,
        state=health.state,
        problem=health.problem,
        remarks=[RemarkView(says=says, hint=hint) for says, hint in found.remarks],
        nodes=[
            NodeView(
                id=name,
                state="SILENT" if silent_ms > LEASE_MS else "LIVE",
                here=name == health.id,
                silent_ms=silent_ms,
            )
            for name, silent_ms in sorted(seen.items())
        ],
        journal=JournalView(behind=works.behind, lag_ms=works.lag_ms),
        log=LogView(entries=found.entries, published=works.published, elsewhere=works.elsewhere, quorum=works.quorum),
        witnesses=[
            WitnessView(id=name, state="MISSING" if problem else "COSIGNS", problem=problem)
            for name, problem in works.witnesses.items()
        ],
        drift=[
            DriftView(
                id=str(one.index),
                state="PUT_RIGHT" if one.type == "credential.changed" else "FOUND",
                t=one.t,
                target=one.target,
                kind=one.kind,
                user=one.user,
            )
            for one in found.drift
        ],
    )
