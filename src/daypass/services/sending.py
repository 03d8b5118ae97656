"""Sending what is in the outbox: claimed with a lease, made into a message, handed to its channel, noted as sent.

At least once: a node that dies between sending and noting loses its lease, and the notice is sent again with the same
id. A failure is tried again with growing pauses for a day; then it is given up, on record and visible. Nothing waits
for any of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from daypass.domain.durations import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from daypass.domain.events import Event
from daypass.domain.people import SYSTEM
from daypass.domain.standing import Notice
from daypass.domain.telling import CHOICES, QUIET
from daypass.notify.interface import SEND_SECONDS_MAX, Channel, Message, NotSent, Receipt
from daypass.services.composing import compose
from daypass.services.notices import guards, tell
from daypass.services.office import Office

AT_ONCE = 8
"""Messages on their way over one channel: a receiver that is slow for each of them delays nobody by more."""
LEASE_MS = round(3 * SEND_SECONDS_MAX * SECOND_MS)
"""How long a claimed notice is nobody else's: whoever sends it has given up long before."""
IDLE_SECONDS = 2.0
"""How often it is looked for what other nodes filed, and for what is to be tried again."""
BACK_OFF_MS = (5 * SECOND_MS, 15 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS)
"""Between attempts, one after the other; the last is kept."""
GIVE_UP_MS = DAY_MS
"""After this a message is given up: who is told a day late was not told."""

log = structlog.get_logger()


@dataclass(slots=True)
class Told:
    """How one channel is doing. `problem`: why its last message did not go (empty: it went)."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    problem: str = ""


class Sending:
    """Sends over these channels, by name."""

    def __init__(self, office: Office, channels: Mapping[str, Channel], public_url: str = "") -> None:
        """`public_url`: what links in messages begin with; empty: messages have none."""
        self._office = office
        self._public_url = public_url
        self._channels = channels
        self.told = {name: Told() for name in channels}

    async def start(self) -> None:
        """A node that is alone with its store has just come up: what it was sending is sent again at once."""
        if not self._office.store.shared:
            async with self._office.store.begin() as tx:
                await tx.release_notices(self._office.now())

    async def step(self, name: str) -> float:
        """Send some of what is due over this channel. Returns how many seconds to wait before the next look."""
        now = self._office.now()
        async with self._office.store.begin() as tx:
            claimed = await tx.claim_notices(name, now=now, until=now + LEASE_MS, limit=AT_ONCE)
        pauses = await asyncio.gather(*(self._one(name, notice) for notice in claimed))
        if any(pauses):
            return max(pauses)
        return 0.0 if len(claimed) == AT_ONCE else IDLE_SECONDS

    async def _one(self, name: str, notice: Notice) -> float:
        """Send one and note what came of it. Returns for how long the channel is to be left alone."""
        told = self.told[name]
        try:
            receipt = await self._sent(name, notice)
        except NotSent as problem:
            await self._not_sent(name, notice, problem)
            return problem.after_seconds or 0.0
        now = self._office.now()
        if receipt is None:
            after = replace(notice, next_at=0)
        else:
            if told.problem:
                log.info("the channel goes on", channel=name)
            told.sent, told.problem = told.sent + 1, ""
            after = replace(notice, next_at=0, sent_at=now, problem="", receipt=receipt)
        async with self._office.store.begin() as tx:
            await tx.settle_notice(notice, after)
        return 0.0

    async def _sent(self, name: str, notice: Notice) -> Receipt | None:
        """The receipt; None if nobody needs the message any more. Raises NotSent."""
        message, former = await self.written(name, notice)
        if message is None:
            return None
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                return await self._channels[name].send(message, former)
        except NotSent:
            raise
        except TimeoutError:
            raise NotSent(f"it took longer than {SEND_SECONDS_MAX:.0f} s") from None
        except Exception as problem:  # noqa: BLE001  a fault of ours in one channel: told, tried again, given up
            log.error("a channel is at fault", channel=name, kind=notice.kind, problem=type(problem).__name__)
            raise NotSent(f"a fault: {type(problem).__name__}") from None

    async def written(self, name: str, notice: Notice) -> tuple[Message | None, Receipt]:
        """The message, and what its channel called the one before it in its thread."""
        kinds = tuple(CHOICES | QUIET) if notice.kind in CHOICES | QUIET else ()
        async with self._office.reading() as tx:
            former = await tx.sent_notice(name, notice.person, notice.thread, kinds) if notice.thread else None
            message = await compose(self._office, tx, notice, found=former is not None)
        if message is not None:
            link = f"{self._public_url}{message.link}" if self._public_url and message.link else ""
            message = replace(message, link=link)
        return message, former.receipt if former else {}

    async def _not_sent(self, name: str, notice: Notice, problem: NotSent) -> None:
        now, told = self._office.now(), self.told[name]
        if not told.problem:
            log.error("a channel does not take a message", channel=name, kind=notice.kind, problem=problem.why)
        told.failed, told.problem = told.failed + 1, problem.why
        pause = BACK_OFF_MS[min(notice.attempts, len(BACK_OFF_MS)) - 1]
        if problem.after_seconds is not None:
            pause = max(pause, round(problem.after_seconds * SECOND_MS))
        if not problem.final and now + pause < notice.made_at + GIVE_UP_MS:
            async with self._office.store.begin() as tx:
                await tx.settle_notice(notice, replace(notice, next_at=now + pause, problem=problem.why))
            return
        told.given_up += 1
        await self._give_up(notice, problem.why, now)

    async def _give_up(self, notice: Notice, why: str, now: int) -> None:
        """Put on record that somebody was not told, and tell security where it needs no channel."""
        async with self._office.change() as change:
            if not await change.tx.settle_notice(notice, replace(notice, next_at=0, problem=why)):
                return
            body = {"notice": notice.id, "channel": notice.channel, "kind": notice.kind, "attempts": notice.attempts}
            if notice.person:
                body["person"] = notice.person
            request = notice.thread or None
            event = Event("notice.failed", now, SYSTEM, request=request, body=body, secret={"problem": why})
            await change.record(event)
            people = await guards(self._office, change)
            await tell(self._office, change, people, "notice.failed", {"body": body}, outside=False)
        log.error("somebody could not be told", channel=notice.channel, kind=notice.kind, notice=notice.id)
