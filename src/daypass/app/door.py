"""The gateway's desk with this node's own limit before it: so many sessions at once, as `limits.sessions` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from daypass.domain.errors import Unavailable
from daypass.domain.people import SignIn
from daypass.domain.session import Over
from daypass.gateway.interface import Admission
from daypass.services.interface import SessionEnd
from daypass.services.sessions import Sessions


class Door:
    """A `gateway.interface.Desk`. `carried` tells how many sessions there are now."""

    def __init__(self, desk: Sessions, sessions_max: int, carried: Callable[[], int]) -> None:
        self._desk = desk
        self._sessions_max = sessions_max
        self._carried = carried

    async def look_up(self, name: str) -> SignIn:
        return await self._desk.look_up(name)

    async def admit(self, token_id: str, target: str, role: str | None, client: str, node: str) -> Admission:
        """As services admit, unless this node is full. Raises `Unavailable` then."""
        if self._carried() >= self._sessions_max:
            raise Unavailable(
                f"this gateway carries {self._sessions_max} sessions already", hint="try again when others have left"
            )
        return await self._desk.admit(token_id, target, role, client, node)

    async def opened(self, session: str, mark: Mapping[str, str]) -> None:
        await self._desk.opened(session, mark)

    async def ended(self, told: Over, end: SessionEnd | None = None) -> None:
        await self._desk.ended(told, end)

    async def refused(self, name: str, target: str, client: str, why: str) -> None:
        await self._desk.refused(name, target, client, why)

    async def grant_due(self, grant: str) -> None:
        await self._desk.grant_due(grant)
