"""The nodes of one store: this one says that it lives, and ends what nodes that fell silent left behind.

Silence is judged by the store's own clock, and only after a node that is merely cut off has cut what it carried.
"""

from __future__ import annotations

import structlog

from daypass.credentials.interface import Credentials
from daypass.domain import session as sessions
from daypass.domain.durations import SECOND_MS
from daypass.domain.errors import DaypassError
from daypass.domain.grant import GrantState
from daypass.services.lending import Lending
from daypass.services.office import Office
from daypass.services.recovery import Recovery

LEASE_MS = 15 * SECOND_MS
"""How long after the last word of it a node of the same name elsewhere is refused."""

SILENT_MS = 18 * SECOND_MS
"""A node that said nothing for so long is taken for dead: its lease ran out 3 s ago."""

log = structlog.get_logger()


class Nodes:
    """This node among the others."""

    def __init__(self, office: Office, credentials: Credentials, recovery: Recovery) -> None:
        self._office = office
        self._lending = Lending(office, credentials)
        self._recovery = recovery

    async def renew(self, node: str, home: str) -> None:
        """Say that this node lives. Raises `Conflict` if another one has its name."""
        await self._office.store.renew(node, home, LEASE_MS)

    async def bury(self, own: str) -> tuple[str, ...]:
        """End and close the sessions that silent nodes left open, and take away the logins that nobody uses any more.
        Returns the sessions that are closed."""
        closed: list[str] = []
        for node in await self._office.store.silent(SILENT_MS):
            if node == own:
                continue
            log.error("a node is silent: its sessions are ended", silent=node)
            found = await self._recovery.take_over(node)
            closed += found.closed
            for grant in found.grants:
                await self._take_back(grant)
        return tuple(closed)

    async def _take_back(self, id: str) -> None:
        """Withdraw what a grant's sessions were opened with, if none of them is left; the next one gets it anew."""
        async with self._office.reading() as tx:
            grant = await tx.grant(id)
            left = await tx.sessions(grant=id, states=sessions.LIVE)
        target = self._office.targets.get(grant.target) if grant is not None else None
        role = target.roles.get(grant.role) if target is not None and grant is not None else None
        if grant is None or left or grant.state is not GrantState.ACTIVE or role is None or not role.lent:
            return
        try:
            await self._lending.withdraw(grant)
        except DaypassError as problem:
            log.error("the login of a silent node's grant was not withdrawn", grant=id, problem=problem.message)
