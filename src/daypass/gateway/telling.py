"""Telling the desk what became of a connection, apart from the connection, which is gone by then."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from daypass.domain.session import Over
from daypass.gateway.works import Works
from daypass.services.interface import SessionEnd

log = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS = 0.2
RETRY_SECONDS_MAX = 5.0

CALM_SECONDS_MAX = 0.5
"""How long telling waits for ends that are under way; one that hangs holds nothing up for longer."""


async def calm(works: Works) -> None:
    """Wait until no sessions are being ended, but not for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CALM_SECONDS_MAX):
            await works.calm.wait()


def tell_ended(works: Works, over: Over, shown: asyncio.Future[SessionEnd] | None = None) -> None:
    """Once the session's last record is in the store, and it is known whether its end could be shown (`shown`; None: it
    left by itself). If the journal breaks before that, start-up will tell."""

    async def tell() -> None:
        # A hundred ends are told in a hundred transactions: that they are over comes first.
        await calm(works)
        end = await asyncio.shield(shown) if shown is not None else None
        pause, until = FIRST_RETRY_SECONDS, works.loop.time() + works.bounds.told_seconds
        while True:
            try:
                await works.desk.ended(over, end)
                return
            except Exception as problem:  # noqa: BLE001  told again; what stays untold is closed at start-up
                log.warning("end of a session not told", session=over.session, why=str(problem))
            if works.loop.time() + pause > until:
                log.error("end of a session left to start-up", session=over.session)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    works.untold += 1

    def shipped() -> None:
        works.untold -= 1
        works.background(tell())

    works.journal.when_shipped(over.last_number, shipped)


def tell_refused(works: Works, name: str, target: str, client: str, why: str) -> None:
    """At once; beyond `refusals_max` that wait, a refusal is only counted."""
    works.tally.refused += 1
    if works.refusals >= works.bounds.refusals_max:
        return
    works.refusals += 1

    async def tell() -> None:
        try:
            async with asyncio.timeout(works.bounds.question_seconds):
                await works.desk.refused(name, target, client, why)
        except Exception as problem:  # noqa: BLE001  nothing was opened, so nothing hangs on it; it is logged
            log.warning("refusal not told", why=str(problem))
        finally:
            works.refusals -= 1

    works.background(tell())
