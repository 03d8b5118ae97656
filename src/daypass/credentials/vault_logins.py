"""Logins that Vault's (or OpenBao's) database engine lends: one for each grant and node, renewed until the grant's
deadline, revoked at its end, and looked for again.

The ids of leases are kept with the grant (`Issued.before`), a line each, before the session is let in; passwords are in
this process's memory and nowhere else. A login that was lent and not noted, as we died in between, ends with its lease.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from daypass.credentials.interface import Finding, Issued, Lease, Withdrawal
from daypass.credentials.postgres_roles import maintenance
from daypass.credentials.secrets.sources import Secrets
from daypass.credentials.secrets.vault import Lent, Vault
from daypass.domain.errors import NotFound, Unavailable
from daypass.domain.target import Credential, Target

KNOWN_MAX = 10_000
"""Logins held at once: more than grants are open."""
RENEW_PART = 0.5
"""How much of a lease's time passes before it is renewed."""
PAUSE_SECONDS = 1.0
"""The shortest pause between two rounds of renewing, and after a failure."""
LEASES_MAX = 50
"""Leases of one grant: a node that starts again gets a new one; who needs more restarts all the time."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Held:
    lent: Lent
    expires_at: int
    renew_at: float


class VaultLogins:
    """`interface.Credentials` for roles with `login`."""

    def __init__(self, secrets: Secrets, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._secrets = secrets
        self._now_ms = now_ms
        self._held: dict[str, _Held] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def resolve(self, target: Target, role: str) -> Credential:
        """The maintenance login: a lent one is gone when work has to be ended."""
        if role not in target.roles:
            raise NotFound(f"{target.name} has no role {role}", hint=f"it has {', '.join(sorted(target.roles))}")
        return await maintenance(target, self._secrets)

    def lasting(self, target: Target) -> bool:
        """Nobody looks for what it left: the engine's revocation statements say what becomes of it."""
        return False

    async def issue(self, lease: Lease) -> Issued:
        ender = await self.resolve(lease.target, lease.role.name)
        held = self._held.get(lease.grant)
        if held is None:
            if lease.before.count("\n") >= LEASES_MAX:
                raise Unavailable(f"{lease.target.name}: this grant was lent {LEASES_MAX} logins already")
            lent = await self._vault().lend(self._place(lease))
            held = self._held[lease.grant] = self._keep(lent, lease.expires_at)
            self._start()
        held.expires_at = lease.expires_at
        credential = Credential(held.lent.user, held.lent.password, ender=ender)
        return Issued(credential, made=True, before=merged(lease.before, held.lent.lease))

    async def extend(self, lease: Lease) -> None:
        held = self._held.get(lease.grant)
        if held is not None:
            held.expires_at = lease.expires_at
            held.renew_at = 0.0
            self._start()

    async def withdraw(self, lease: Lease) -> Withdrawal:
        """Revoke every lease of the grant, and see that none is left."""
        began = time.monotonic()
        held = self._held.pop(lease.grant, None)
        leases = merged(lease.before, held.lent.lease if held else "").split()
        steps: dict[str, float] = {}
        try:
            vault = self._vault()
            for one in leases:
                await vault.revoke(one)
            steps["revoked"] = _ms(began)
            left = [one for one in leases if await vault.holds(one)]
            steps["read_back"] = _ms(began)
        except Unavailable as problem:
            return Withdrawal(steps, {"leases": len(leases)}, problem=problem.message)
        found = f"{len(left)} leases are still there" if left else ""
        return Withdrawal(steps, {"leases": len(leases), "leases_left": len(left)}, problem=found)

    async def drift(self, target: Target, leases: Sequence[Lease], *, whole: bool) -> Sequence[Finding]:
        """Vault keeps its own logins."""
        return ()

    async def close(self) -> None:
        """Let go of what is renewed; leases that nobody renews end by themselves."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
            self._renewing = None

    def _vault(self) -> Vault:
        if self._secrets.vault is None:
            raise Unavailable("no Vault is configured", hint="secrets.vault in the settings")
        return self._secrets.vault

    def _place(self, lease: Lease) -> str:
        assert lease.role.login is not None
        return lease.role.login.name

    def _keep(self, lent: Lent, expires_at: int) -> _Held:
        while len(self._held) >= KNOWN_MAX:
            self._held.pop(next(iter(self._held)))
        return _Held(lent, expires_at, time.monotonic() + lent.seconds * RENEW_PART)

    # -- renewing ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew_all(), name="leases")

    async def _renew_all(self) -> None:
        """Until nothing is held. A lease never lasts longer than its grant."""
        while self._held:
            now = time.monotonic()
            for grant, held in list(self._held.items()):
                if held.renew_at <= now:
                    await self._renew(grant, held)
            due = min((one.renew_at for one in self._held.values()), default=now)
            await asyncio.sleep(max(PAUSE_SECONDS, due - time.monotonic()))

    async def _renew(self, grant: str, held: _Held) -> None:
        left = (held.expires_at - self._now_ms()) / 1000
        if left <= 0:
            held.renew_at = float("inf")
            return
        try:
            seconds = await self._vault().renew(held.lent.lease, max(1, round(left)))
        except Unavailable as problem:
            log.error("a lent login was not renewed", grant=grant, problem=problem.message)
            held.renew_at = time.monotonic() + PAUSE_SECONDS
            return
        held.renew_at = time.monotonic() + max(PAUSE_SECONDS, min(seconds, left) * RENEW_PART)


def merged(*kept: str) -> str:
    """The ids of leases, each once, a line each."""
    return "\n".join(dict.fromkeys(id for one in kept for id in one.split()))


def _ms(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 3)
