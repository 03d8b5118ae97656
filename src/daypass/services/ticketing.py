"""A closed ticket ends what was given for it, where the rule says so (`ends_with_ticket`).

The ticket's own system is what is believed: it is asked every minute, and at once when its webhook tells of the ticket.
One that cannot be asked ends nothing, as it says nothing; it is asked again, and that is told. So is a ticket that is
not to be found any more.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from daypass.domain.durations import MINUTE_MS
from daypass.domain.errors import DaypassError, NotFound
from daypass.domain.grant import LIVE, EndReason, Grant
from daypass.domain.people import SYSTEM
from daypass.services.endings import Endings
from daypass.services.office import Office
from daypass.store.interface import Page

POLL_MS = MINUTE_MS
"""How often each ticket is asked about."""

PAGE = 200
"""Grants looked at in one transaction."""

log = structlog.get_logger()


class Ticketing:
    """Looks at tickets, and ends."""

    def __init__(self, office: Office, endings: Endings) -> None:
        self._office = office
        self._endings = endings
        self._looked_at = 0

    async def sweep(self, now: int) -> tuple[str, ...]:
        """Ask about every ticket that a grant hangs on, if a minute has passed. Returns the grants that end."""
        if self._office.tickets is None or now - self._looked_at < POLL_MS:
            return ()
        self._looked_at = now
        ended: list[str] = []
        for ticket, held in (await self._hanging()).items():
            ended += await self._look(ticket, held)
        return tuple(ended)

    async def told(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        """A webhook of the ticket system of this name says that something happened. Returns the grants that end."""
        if self._office.tickets is None:
            raise NotFound(f"there is no ticket system {name}")
        about = self._office.tickets.told(name, headers, body)
        if about is None:
            return ()
        ended: list[str] = []
        for ticket, held in (await self._hanging()).items():
            if self._office.tickets.same(ticket, about):
                ended += await self._look(ticket, held)
        return tuple(ended)

    async def _hanging(self) -> Mapping[str, list[Grant]]:
        """The grants that hang on a ticket, by what was written for it."""
        found: dict[str, list[Grant]] = {}
        before: str | None = None
        while True:
            async with self._office.reading() as tx:
                page = await tx.grants(states=LIVE, page=Page(PAGE, before))
                for grant in page:
                    request = await tx.request(grant.request)
                    if request is not None and request.ticket and request.route.ends_with_ticket:
                        found.setdefault(request.ticket, []).append(grant)
            if len(page) < PAGE:
                return found
            before = page[-1].id

    async def _look(self, ticket: str, held: list[Grant]) -> list[str]:
        assert self._office.tickets is not None
        try:
            facts = await self._office.tickets.facts(ticket, fresh=True)
        except DaypassError as problem:
            log.warning("a ticket cannot be looked at", grants=[one.id for one in held], problem=problem.message)
            return []
        if facts["open"] is not False:
            return []
        for grant in held:
            note = f"{facts['key']} is {facts['status']}"
            self._endings.end_soon(grant.id, EndReason.TICKET_CLOSED, SYSTEM, note)
        return [one.id for one in held]
