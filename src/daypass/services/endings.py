"""How a grant ends: the one way, whatever the reason.

`ENDING` is committed first, so that from there nothing opens. Then the gateway cuts what is open (ends the work at the
target, tells the client, closes, reads back), what the sessions were opened with is withdrawn, and their last records
are waited for. Only what was seen at the target decides between `ENDED` and `END_UNCONFIRMED`; the latter is tried
again, with back-off, until it is confirmed. Two who end one grant at once share one ending: the first reason stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from daypass.credentials.interface import Credentials
from daypass.domain import grant as grants
from daypass.domain import session as sessions
from daypass.domain.durations import SECOND_MS
from daypass.domain.errors import DaypassError, NotFound
from daypass.domain.grant import UNFINISHED, EndReason, Grant, GrantState
from daypass.domain.people import SYSTEM, Actor
from daypass.domain.session import Session, SessionState
from daypass.domain.wording import ended
from daypass.services.across import Across, tell_of
from daypass.services.closing import close_recovered, since_first
from daypass.services.cutting import Cutting
from daypass.services.doubts import note_ends
from daypass.services.interface import Live, SessionEnd
from daypass.services.lending import Lending
from daypass.services.office import Office
from daypass.services.outliving import elsewhere
from daypass.services.owing import owe_after
from daypass.services.projects import next_day
from daypass.services.sweeping import retry_after_ms, swept
from daypass.services.telling import grant_event
from daypass.services.timeline import Timeline
from daypass.store.interface import Page, Transaction

SHOWN_SECONDS_MAX = 10.0
"""How long after its beginning an end has to be shown. From then on it is an alarm, although it is still at it."""

NOT_YET = f"not shown within {SHOWN_SECONDS_MAX:g} s, and still being looked at"

CLOSE_SECONDS_MAX = 5.0
"""How long a grant's end waits for the last records of its sessions; what is missing then is named in the event."""

CLOSE_POLL_SECONDS = 0.02
"""How often it looks; one small query each time."""

CUT_BEFORE_MAX = 1000
"""Sessions cut for this end before it began that the gateway is asked about: it cuts them at the deadline by itself."""

UNSEEN_MAX = 10_000
"""Sessions of one grant that are over and were not seen to be gone: of those that left by themselves, a second's."""

TAKE_OVER_MS = 20 * SECOND_MS
"""An end that was begun so long ago and is not over has lost its node: an attempt is done earlier. Another one takes it
up. Longer than a lease, so that a node that is cut off has cut what it carries."""

ELSEWHERE_SECONDS_MAX = 15.0
"""How long a caller waits for an end that another node has in hand."""

LOOK_UP_SECONDS = 0.5
"""How long cutting what is carried here has this process for itself: reading a hundred sessions takes it 15 ms."""

SWEEP_MAX = 200
"""Grants that one sweep begins to end; the next one, a second later, takes the rest."""

ANY_TIME = (1 << 63) - 1

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Found:
    """The sessions of a grant that its end is about: open ones, those that were cut for it already, those that earlier
    attempts could not confirm, and others that are over and were not seen to be gone."""

    open: Sequence[Session]
    cut_before: Sequence[Session]
    doubtful: Sequence[Session]
    unseen: Sequence[Session]


class Endings:
    """Ends grants, and keeps track of those that are on their way."""

    def __init__(
        self, office: Office, credentials: Credentials, live: Live, shown_seconds: float = SHOWN_SECONDS_MAX
    ) -> None:
        self._office = office
        self._shown_seconds = shown_seconds
        self._credentials = credentials
        self._lending = Lending(office, credentials)
        self._live = live
        self.across = Across(office, live)
        self.cutting = Cutting(office, credentials, live, self.across)
        self._running: dict[str, asyncio.Task[Grant]] = {}

    async def end(self, grant_id: str, reason: EndReason, by: Actor, note: str = "") -> Grant:
        """End the grant, and return it when it is ENDED or END_UNCONFIRMED. One that is over already is returned as
        it is. A caller who is cancelled does not stop the ending."""
        return await asyncio.shield(self._task(grant_id, reason, by, note))

    def end_soon(self, grant_id: str, reason: EndReason, by: Actor, note: str = "") -> None:
        """Begin to end the grant without waiting for it."""
        self._task(grant_id, reason, by, note)

    def _task(self, grant_id: str, reason: EndReason, by: Actor, note: str) -> asyncio.Task[Grant]:
        task = self._running.get(grant_id)
        if task is None:
            task = asyncio.create_task(self._end(grant_id, reason, by, note), name=f"end grant {grant_id}")
            self._running[grant_id] = task
            task.add_done_callback(lambda done: self._over(grant_id, done))
        return task

    def _over(self, grant_id: str, task: asyncio.Task[Grant]) -> None:
        del self._running[grant_id]
        if not task.cancelled() and (failed := task.exception()) is not None:
            # The grant stays ENDING, or due; the next sweep takes it up again.
            log.error("ending a grant failed", grant=grant_id, problem=str(failed), kind=type(failed).__name__)

    async def settle(self) -> None:
        """Wait for everything that is ending now. Never raises."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _end(self, grant_id: str, reason: EndReason, by: Actor, note: str) -> Grant:
        grant, ours = await self._begin(grant_id, reason, by, note)
        if not ours:
            return await self._elsewhere(grant)
        timeline = Timeline.of(grant, self._office.now())
        finishing = asyncio.create_task(self._finish(grant, timeline), name=f"show the end of {grant_id}")
        if not (await asyncio.wait((finishing,), timeout=self._shown_seconds))[0]:
            await self._close(grant, replace(timeline, problems=[*timeline.problems, NOT_YET]))
        try:
            await finishing
        except DaypassError as problem:
            timeline.problems.append(problem.message)
        return await self._close(grant, timeline)

    async def _begin(self, grant_id: str, reason: EndReason, by: Actor, note: str) -> tuple[Grant, bool]:
        """Commit that nothing opens from here on. Returns the grant, and whether it is this node that ends it."""
        async with self._office.change() as change:
            grant = await change.tx.grant_for_change(grant_id)
            if grant is None:
                raise NotFound(f"there is no grant {grant_id}")
            now = self._office.now()
            if grant.state in grants.TERMINAL or (grant.state not in grants.LIVE and not self._may_take(grant, now)):
                return grant, False
            if grant.state not in grants.LIVE:
                taken = replace(grant, ending=self._taken(grant, now))
                await change.tx.save_grant(taken)
                return taken, True
            ending = grants.begin_end(grant, reason, by.id, note, now)
            ending = replace(ending, ending=self._taken(ending, now))
            await change.tx.save_grant(ending)
            await self._want_cut(change.tx, ending, reason)
            body = {"reason": reason.value, "was": grant.state.value}
            await change.record(grant_event(self._office, "grant.ending", ending, by, body=body, secret={"note": note}))
        return ending, True

    async def _want_cut(self, tx: Transaction, ending: Grant, reason: EndReason) -> None:
        """Have the other nodes cut what they carry of it, and tell of what they have just cut by themselves."""
        live = await tx.sessions(grant=ending.id, states=sessions.LIVE)
        cut = await tx.sessions(grant=ending.id, states=(SessionState.CUT,), page=Page(limit=CUT_BEFORE_MAX))
        just = [one for one in cut if one.end_reason == reason.value]
        await self.across.want(tx, [*live, *just], *ended(ending, reason))
        await tell_of(tx, ending)

    def _taken(self, grant: Grant, now: int) -> dict[str, object]:
        """Its timeline, with whose it is, and when others may take it."""
        return {**(grant.ending or {}), "node": self._live.node, "retry_at": now + TAKE_OVER_MS}

    def _may_take(self, grant: Grant, now: int) -> bool:
        ending: Mapping[str, Any] = grant.ending or {}
        return ending.get("node", "") == self._live.node or int(ending.get("retry_at") or 0) <= now

    async def _elsewhere(self, grant: Grant) -> Grant:
        """Wait for an end that another node has in hand."""
        until = asyncio.get_running_loop().time() + ELSEWHERE_SECONDS_MAX
        present: Grant | None = grant
        while present is not None and present.state is GrantState.ENDING:
            if asyncio.get_running_loop().time() >= until:
                break
            await asyncio.sleep(CLOSE_POLL_SECONDS)
            async with self._office.reading() as tx:
                present = await tx.grant(grant.id)
        return present or grant

    async def _finish(self, grant: Grant, timeline: Timeline) -> None:
        """Take every step, and note on the timeline what was seen."""
        timeline.took("refused_new", self._office.now())
        # What is carried here is cut at once, and looking up who else there is takes nothing from that. Other
        # nodes were told when ENDING was committed.
        carrier = self._live.carrier
        carried = list(carrier.carrying().get(grant.id, ())) if carrier is not None else []
        cutting = asyncio.create_task(self._cut_here(grant, carried))
        await asyncio.wait((cutting,), timeout=LOOK_UP_SECONDS if carried else 0)
        found = await self._found(grant, timeline)
        cut = [one for one in (*found.open, *found.cut_before) if one.id not in carried]
        ends = [*await cutting, *await self._cut(grant, cut)]
        timeline.took("cut", self._office.now())
        # Work that nobody left word of goes on: it is ended before anything is waited for.
        heard = {end.session for end in ends}
        unheard = [one for one in cut if one.state is SessionState.OPEN]
        ends += await self._sweep([one for one in (*unheard, *found.unseen) if one.id not in heard])
        # Where something of theirs may outlive the sessions, the record that names it comes first.
        lasting = self._lending.lasting(grant)
        left = await self._closed(grant, timeline) if lasting else []
        timeline.withdrawal = await self._lending.withdraw(grant)
        if timeline.withdrawal is not None and not timeline.withdrawal.problem:
            timeline.took("withdrawn", self._office.now())
        if not lasting:
            left = await self._closed(grant, timeline)
        known = {end.session for end in ends}
        lost = [*left, *found.doubtful]
        again = [one for one in lost if one.id not in known and one.state is not SessionState.OPENING]
        ends += await self._sweep(again)
        read_back_at = self._office.now()
        gone = {end.session: end for end in ends if end.confirmed}
        await self._close_lost([one for one in lost if one.id in gone], gone)
        unseen = {one.id for one in (*found.unseen, *found.doubtful)}
        await note_ends(self._office, [end for end in ends if end.session in unseen])
        unshipped = [one.id for one in left if one.id not in gone]
        if not unshipped:
            timeline.took("recorded", self._office.now())
        before = {one.id: one for one in (*found.unseen, *found.doubtful) if one.end_reason == grant.end_reason}
        timeline.add([since_first(before.get(end.session), end) for end in ends], unshipped)
        if timeline.confirmed:
            timeline.took("read_back", read_back_at)
        timeline.elsewhere = await elsewhere(self._office, self._credentials, self._live, grant, ends)

    async def _found(self, grant: Grant, timeline: Timeline) -> Found:
        """The sessions that this end is about."""
        async with self._office.reading() as tx:
            open_now = await tx.sessions(grant=grant.id, states=sessions.LIVE)
            cut = await tx.sessions(grant=grant.id, states=(SessionState.CUT,), page=Page(limit=CUT_BEFORE_MAX))
            doubtful = [one for id in timeline.doubtful if (one := await tx.session(id)) is not None]
            unseen = await tx.sessions(grant=grant.id, look_until=ANY_TIME, page=Page(limit=UNSEEN_MAX))
        tried = {one.id for one in (*doubtful, *unseen)}
        cut_before = [one for one in cut if one.end_reason == grant.end_reason and one.id not in tried]
        return Found(open_now, cut_before, doubtful, unseen)

    async def _cut_here(self, grant: Grant, ids: Sequence[str]) -> Sequence[SessionEnd]:
        return await self.cutting.here(ids, *ended(grant, EndReason(grant.end_reason)))

    async def _cut(self, grant: Grant, live: Sequence[Session]) -> list[SessionEnd]:
        if self._live.carrier is None:
            return []
        return await self.cutting.carried(live, *ended(grant, EndReason(grant.end_reason)))

    async def _closed(self, grant: Grant, timeline: Timeline) -> list[Session]:
        """Wait until the last records of the grant's sessions are stored. Returns those still open after that."""
        loop = asyncio.get_running_loop()
        until = loop.time() + (CLOSE_SECONDS_MAX if self._live.carrier else 0)
        while True:
            async with self._office.reading() as tx:
                left = list(await tx.sessions(grant=grant.id, states=sessions.LIVE))
            if not left:
                timeline.took("recorded", self._office.now())
            if not left or loop.time() >= until:
                return left
            await asyncio.sleep(CLOSE_POLL_SECONDS)

    async def _sweep(self, left: Sequence[Session]) -> Sequence[SessionEnd]:
        """End at the target, by their marks, sessions that nobody carries."""
        return await swept(self._office, self._credentials, self._live, left)

    async def _close_lost(self, lost: Sequence[Session], gone: Mapping[str, SessionEnd]) -> None:
        """Close the sessions that were ended at the target without a gateway to say so."""
        for one in lost:
            if one.state not in sessions.LIVE:
                continue
            node = None if self.across.here(one) else one.node
            async with self._office.change() as change:
                await close_recovered(self._office, change, one.id, end=gone[one.id], node_gone=node)

    async def _close(self, grant: Grant, timeline: Timeline) -> Grant:
        """Commit what was seen: the grant is ENDED, or stays an alarm."""
        now = self._office.now()
        async with self._office.change() as change:
            present = await change.tx.grant_for_change(grant.id)
            if present is None or present.state in grants.TERMINAL:
                return grant
            again_at = now + retry_after_ms(timeline.attempts + 1)
            plain = timeline.plain(now, retry_at=None if timeline.confirmed else again_at)
            plain["node"] = self._live.node
            over = grants.close(present, plain, timeline.confirmed, now)
            await change.tx.save_grant(over)
            type = "grant.ended" if timeline.confirmed else "grant.end_unconfirmed"
            if not timeline.confirmed:
                log.error("a grant's end is not confirmed: access may still exist", grant=grant.id)
            body = {"reason": over.end_reason, **timeline.body(now)}
            await change.record(grant_event(self._office, type, over, SYSTEM, body=body, secret=timeline.secret()))
            if timeline.confirmed:
                await owe_after(self._office, change, over)
                await next_day(self._office, change, over)
        return over

    def _is_due(self, grant: Grant, now: int) -> bool:
        """Whether an unfinished end is to be taken up here and now."""
        lost = grant.state is GrantState.ENDING and (grant.ending or {}).get("node", "") == self._live.node
        return lost or Timeline.of(grant, now).retry_at <= now

    async def end_due(self, now: int) -> int:
        """Begin to end what has expired, and take up again what is ENDING or unconfirmed. Returns how many."""
        async with self._office.reading() as tx:
            expired = await tx.grants(states=(GrantState.ACTIVE,), due_until=now)
            unfinished = await tx.grants(states=UNFINISHED)
        begun = 0
        for grant in (*expired, *(one for one in unfinished if self._is_due(one, now)))[:SWEEP_MAX]:
            if grant.id not in self._running:
                self.end_soon(grant.id, EndReason.EXPIRED, SYSTEM)
                begun += 1
        return begun
