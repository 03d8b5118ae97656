"""Cutting sessions wherever they are carried, and at their target where nobody carries them.

Whoever carries a session cuts it and tells what it saw. Nobody carries one whose client has just left, while its last
records are on their way to the store, or one whose node is gone: its work is ended at the target by its mark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from daypass.credentials.interface import Credentials
from daypass.domain import session as sessions
from daypass.domain.grant import EndReason
from daypass.domain.session import Session, SessionState
from daypass.services.across import Across
from daypass.services.interface import Live, SessionEnd
from daypass.services.office import Office
from daypass.services.sweeping import swept

OPENING_SECONDS_MAX = 2.0
"""How long it is waited for what becomes of a session that is just being opened, or given up, and is not carried."""
OPENING_POLL_SECONDS = 0.02


class Cutting:
    """Ends sessions, and leaves their grants to others."""

    def __init__(self, office: Office, credentials: Credentials, live: Live, across: Across) -> None:
        self._office = office
        self._credentials = credentials
        self._live = live
        self._across = across

    async def here(self, ids: Sequence[str], reason: EndReason, message: str, hint: str) -> Sequence[SessionEnd]:
        """Cut what this node carries of these; others are not in the answer."""
        if not ids or self._live.carrier is None:
            return ()
        return await self._live.carrier.cut(ids, reason, message, hint)

    async def carried(self, found: Sequence[Session], reason: EndReason, message: str, hint: str) -> list[SessionEnd]:
        """Cut these wherever they are carried; other nodes were told with `Across.want`. Those that nobody tells of are
        not in the answer."""
        ids = [one.id for one in found if self._across.here(one)]
        others = [one.id for one in found if not self._across.here(one)]
        ours, theirs = await asyncio.gather(self.here(ids, reason, message, hint), self._across.seen(others))
        return [*ours, *theirs]

    async def all(self, found: Sequence[Session], reason: EndReason, message: str, hint: str) -> list[SessionEnd]:
        """The same, with an end for each: what nobody tells of is ended at its target."""
        ends = await self.carried(found, reason, message, hint)
        told = {end.session for end in ends}
        left = [one for one in found if one.id not in told]
        ends += await swept(self._office, self._credentials, self._live, [one for one in left if one.mark])
        waiting = (self._unopened(one, reason, message, hint) for one in left if not one.mark)
        return [*ends, *await asyncio.gather(*waiting)]

    async def _unopened(self, session: Session, reason: EndReason, message: str, hint: str) -> SessionEnd:
        """The end of a session that was still being opened: it is given up, or it is open by now."""
        loop = asyncio.get_running_loop()
        until = loop.time() + OPENING_SECONDS_MAX
        while True:
            async with self._office.reading() as tx:
                after = await tx.session(session.id) or session
            if after.state not in sessions.LIVE:
                return SessionEnd(session.id)
            if after.state is SessionState.OPEN and after.mark:
                return (await self.all([after], reason, message, hint))[0]
            if loop.time() >= until:
                return SessionEnd(session.id, confirmed=False, problem="it is being opened, and no gateway carries it")
            await asyncio.sleep(OPENING_POLL_SECONDS)
