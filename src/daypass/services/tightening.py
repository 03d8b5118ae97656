"""Policy in force, while it changes: grants whose rule no longer lets them be asked for end, with that reason."""

from __future__ import annotations

import structlog

from daypass.domain import grant as grants
from daypass.domain.errors import Refused
from daypass.domain.grant import EndReason, Grant
from daypass.domain.people import SYSTEM
from daypass.domain.policy_set import PolicySet
from daypass.services.admitting import NotKnown, check_policy
from daypass.services.asked import ask_ahead
from daypass.services.endings import Endings
from daypass.services.office import Office
from daypass.services.starting import Starting
from daypass.services.tokens import stands

log = structlog.get_logger()


class Tightening:
    """Puts policies in force, and draws what follows from that."""

    def __init__(self, office: Office, starting: Starting, endings: Endings) -> None:
        self._office = office
        self._starting = starting
        self._endings = endings

    async def put_in_force(self, policies: PolicySet) -> tuple[str, ...]:
        """Have these policies decide from here on. Returns the grants that end because of it."""
        await self._starting.put_in_force(policies)
        return await self.look()

    async def look(self) -> tuple[str, ...]:
        """Ask the policies in force again about every grant that can open something, and begin to end those that they
        no longer allow. Returns these."""
        async with self._office.reading() as tx:
            live = await tx.grants(states=grants.LIVE)
        ended = []
        for grant in live:
            why = await self.why_not(grant)
            if why:
                log.warning("policy no longer allows a grant", grant=grant.id)
                self._endings.end_soon(grant.id, EndReason.POLICY_TIGHTENED, SYSTEM, why)
                ended.append(grant.id)
        return tuple(ended)

    async def why_not(self, grant: Grant) -> str:
        """Why policy would not give this grant now; empty if it would. That somebody outside cannot be asked ends
        nothing here, as it is no change of policy: nothing new opens meanwhile."""
        async with self._office.reading() as tx:
            request = await tx.request(grant.request)
        tickets = [request.ticket] if request is not None else []
        ahead = await ask_ahead(self._office, self._office.targets.get(grant.target), tickets)
        async with self._office.reading() as tx:
            person = await tx.person(grant.person)
            try:
                if person is None or person.disabled:
                    return "its person is disabled"
                if not await stands(tx, person):
                    return "the owner of its person is disabled"
                await check_policy(self._office, tx, person, grant, ahead)
            except NotKnown as problem:
                log.warning("a grant cannot be looked at", grant=grant.id, problem=problem.message)
            except Refused as refusal:
                return refusal.message
        return ""
