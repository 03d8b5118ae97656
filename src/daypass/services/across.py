"""Ending sessions that another node of the same store carries.

What is to be cut is committed together with the reason for it, so that it is true whether or not anybody hears of it.
The node that carries the session is told at once, looks by itself every second and whenever it may have missed
something, cuts, and leaves what it saw. Who waits for that and hears nothing ends the work at the target by its mark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import structlog

from daypass.domain import session as sessions
from daypass.domain.errors import DaypassError
from daypass.domain.grant import EndReason, Grant, GrantState
from daypass.domain.session import Session
from daypass.domain.wording import ended
from daypass.services.admitting import extend_ms_of
from daypass.services.interface import Live, SessionEnd
from daypass.services.office import Office
from daypass.store.interface import Cut, Transaction

CUT = "cut"
GRANT = "grant"
"""What nodes tell each other: that something is to be cut, that a grant has changed. Which, they read."""

SEEN_SECONDS_MAX = 3.0
"""How long the node that carries a session is waited for, before its work is ended at the target without it."""

POLL_SECONDS = 0.02

log = structlog.get_logger()


class Across:
    """The way from one node to the sessions of the others."""

    def __init__(self, office: Office, live: Live) -> None:
        self._office = office
        self._live = live
        self._cutting: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def here(self, session: Session) -> bool:
        """Whether this node carries the session, if any does."""
        return not self._office.store.shared or session.node == self._live.node

    async def want(
        self, tx: Transaction, found: Sequence[Session], reason: EndReason, message: str, hint: str
    ) -> list[str]:
        """Have those of these sessions cut that others carry, once this transaction is committed. Returns them."""
        others = [one for one in found if not self.here(one)]
        for one in others:
            await tx.save_cut(Cut(one.id, one.node, reason.value, message, hint, self._office.now()))
        if others:
            await tx.tell(CUT)
        return [one.id for one in others]

    async def seen(self, ids: Sequence[str]) -> list[SessionEnd]:
        """What the others saw of these ends. Those that they left no word of in time are not in the answer."""
        if not ids:
            return []
        loop = asyncio.get_running_loop()
        until = loop.time() + SEEN_SECONDS_MAX
        while True:
            async with self._office.reading() as tx:
                wanted = await tx.cuts(sessions=ids)
            told = [cut for cut in wanted if cut.seen is not None]
            if len(told) == len(wanted) or loop.time() >= until:
                return [_end(cut) for cut in told]
            await asyncio.sleep(POLL_SECONDS)

    # -- for the others ---------------------------------------------------------------------------------------------

    async def attend(self) -> None:
        """Cut here what others want cut, and what has ended without our hearing of it; move deadlines that moved."""
        carrier = self._live.carrier
        if carrier is None or not self._office.store.shared:
            return
        carried = carrier.carrying()
        async with self._office.reading() as tx:
            wanted = await tx.cuts(node=self._live.node, unseen=True)
            known = {grant.id: grant for grant in await tx.grants(ids=list(carried))} if carried else {}
        for cut in wanted:
            self._begin([cut.session], EndReason(cut.reason), cut.message, cut.hint)
        for id, ours in carried.items():
            grant = known.get(id)
            if grant is None:
                continue
            if grant.state is GrantState.ACTIVE and grant.expires_at is not None:
                most = extend_ms_of(self._office, grant.target, len(grant.extensions))
                carrier.reschedule(id, grant.expires_at, most)
            elif grant.state is not GrantState.ACTIVE and grant.end_reason:
                self._begin(ours, *ended(grant, EndReason(grant.end_reason)))

    def _begin(self, ids: Sequence[str], reason: EndReason, message: str, hint: str) -> None:
        fresh = [id for id in ids if id not in self._cutting]
        if fresh:
            self._cutting.update(fresh)
            task = asyncio.create_task(self._cut(fresh, reason, message, hint), name="cut for another node")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _cut(self, ids: Sequence[str], reason: EndReason, message: str, hint: str) -> None:
        carrier = self._live.carrier
        assert carrier is not None
        try:
            ends = {end.session: end for end in await carrier.cut(ids, reason, message, hint)}
            async with self._office.store.begin() as tx:
                for cut in await tx.cuts(sessions=ids, unseen=True):
                    end = ends.get(cut.session) or await _gone(tx, cut.session)
                    if end is not None:
                        await tx.save_cut(_with(cut, end))
        except DaypassError as problem:
            log.error("what was cut for another node could not be told", problem=problem.message)
        finally:
            self._cutting.difference_update(ids)


async def tell_of(tx: Transaction, grant: Grant) -> None:
    """Have the other nodes look at this grant again, once this transaction is committed."""
    await tx.tell(f"{GRANT} {grant.id}")


async def _gone(tx: Transaction, id: str) -> SessionEnd | None:
    """The end of a session that is not carried here, if it is known to be over."""
    session = await tx.session(id)
    if session is None or session.state in sessions.LIVE:
        return None
    return SessionEnd(id, how=session.end_reason)


def _with(cut: Cut, end: SessionEnd) -> Cut:
    told = {name: value for name, value in asdict(end).items() if name != "session"}
    return Cut(cut.session, cut.node, cut.reason, cut.message, cut.hint, cut.wanted_at, told)


def _end(cut: Cut) -> SessionEnd:
    told: dict[str, Any] = dict(cut.seen or {})
    return SessionEnd(cut.session, **told)
