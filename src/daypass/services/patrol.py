"""Looking now and then whether the logins at the targets are those that our grants stand for, and only used by us.

Every ten seconds: connections under such logins that no gateway opened (they are terminated), logins that somebody
else changed (they are put right). At the start and every ten minutes also whether their passwords still are ours. A
login that no grant is for is taken away if its grant was ours and is over, and reported if it never was.
"""

from __future__ import annotations

import asyncio

import structlog

from daypass.credentials.interface import Credentials, Finding, Lease
from daypass.domain import session as sessions
from daypass.domain.durations import MINUTE_MS, SECOND_MS
from daypass.domain.errors import DaypassError
from daypass.domain.events import Event
from daypass.domain.grant import TERMINAL, Grant, GrantState
from daypass.domain.people import SYSTEM
from daypass.domain.target import Target
from daypass.services.lending import Lending
from daypass.services.office import Office
from daypass.store.interface import Page

LOOK_MS = 10 * SECOND_MS
WHOLE_MS = 10 * MINUTE_MS
"""How often a look is a whole one: it signs in with every login, which costs its target a connection each."""

SESSIONS_MAX = 10_000
"""Live sessions of one grant that are known as ours: far more than one login may have."""

REPORTED_MAX = 10_000
"""Findings that are remembered, so that each is told of once."""

log = structlog.get_logger()


class Patrol:
    """Looks at every target with logins that are made for grants."""

    def __init__(self, office: Office, credentials: Credentials) -> None:
        self._office = office
        self._credentials = credentials
        self._lending = Lending(office, credentials)
        self._next_at = 0
        self._whole_at = 0
        self._task: asyncio.Task[None] | None = None
        self._reported: dict[tuple[str, str, str], None] = {}

    def sweep(self, now: int) -> None:
        """Begin a look if one is due and none is under way. Targets may be slow: nobody waits for it."""
        if now < self._next_at or (self._task is not None and not self._task.done()):
            return
        whole = now >= self._whole_at
        self._next_at = now + LOOK_MS
        if whole:
            self._whole_at = now + WHOLE_MS
        self._task = asyncio.create_task(self._look(whole), name="patrol")

    async def settle(self) -> None:
        """Wait for the look that is under way. Never raises."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self, whole: bool) -> None:
        lending = [one for one in self._office.targets.values() if any(role.member_of for role in one.roles.values())]
        for target in lending:
            try:
                await self._target(target, whole)
            except DaypassError as problem:
                log.error("looking at a target's logins failed", target=target.name, problem=problem.message)

    async def _target(self, target: Target, whole: bool) -> None:
        leases = await self._leases(target)
        for found in await self._credentials.drift(target, list(leases.values()), whole=whole):
            async with self._office.reading() as tx:
                grant = await tx.grant(found.grant) if found.grant is not None else None
            if found.kind == "orphan":
                await self._orphan(target, found, grant)
            elif found.kind == "changed" and grant is not None and grant.state is GrantState.ACTIVE:
                await self._changed(target, found, grant, leases[grant.id])
            else:
                await self._report(target, found, once=found.kind == "missing")

    async def _leases(self, target: Target) -> dict[str, Lease]:
        """The leases of the target's active grants, by grant."""
        async with self._office.reading() as tx:
            active = await tx.grants(target=target.name, states=(GrantState.ACTIVE,))
            lent = [one for one in active if one.role in target.roles and target.roles[one.role].member_of]
            live = {
                one.id: await tx.sessions(grant=one.id, states=sessions.LIVE, page=Page(SESSIONS_MAX)) for one in lent
            }
        return {one.id: await self._lending.lease(one, target, live[one.id]) for one in lent}

    async def _orphan(self, target: Target, found: Finding, grant: Grant | None) -> None:
        """A login whose grant is ending is its ending's business."""
        if grant is None:
            await self._report(target, found, once=True)
        elif grant.state in TERMINAL:
            await self._report(target, found)
            done = await self._lending.withdraw(grant)
            if done is not None and done.problem:
                log.error("a login is left of a grant that is over", grant=grant.id, problem=done.problem)

    async def _changed(self, target: Target, found: Finding, grant: Grant, lease: Lease) -> None:
        key = (target.name, found.what, found.user)
        if key not in self._reported:
            self._remember(key)
            await self._lending.record_changed(grant, found.user, found.what)
            log.warning("a login was changed by somebody else", target=target.name, user=found.user)
        try:
            await self._credentials.extend(lease)
        except DaypassError as problem:  # no new session gets it either, as it is made right for each
            log.error("a changed login cannot be put right", target=target.name, problem=problem.message)
        else:
            self._reported.pop(key, None)

    def _remember(self, key: tuple[str, str, str]) -> None:
        self._reported[key] = None
        while len(self._reported) > REPORTED_MAX:
            del self._reported[next(iter(self._reported))]

    async def _report(self, target: Target, found: Finding, *, once: bool = False) -> None:
        key = (target.name, found.kind, found.user)
        if once and key in self._reported:
            return
        self._remember(key)
        log.warning("drift of logins", target=target.name, kind=found.kind, user=found.user)
        async with self._office.change() as change:
            event = Event(
                "credential.drift",
                self._office.now(),
                SYSTEM,
                grant=found.grant,
                target=self._office.target_ref(target.name),
                body={"kind": found.kind, "user": found.user},
                secret={"what": found.what},
            )
            await change.record(event)
