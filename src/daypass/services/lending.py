"""The logins of grants: had when a session opens, taken away when the grant is over, each with its event.

`credentials` knows how; here is when, and the record of it. A login is made after its session is registered and before
its target is dialled, outside of any transaction, as a target may be slow. So a grant may end in between: then what was
just made is taken away at once.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import replace

from daypass.credentials.interface import KEY_BYTES, Credentials, Issued, Lease, Withdrawal
from daypass.credentials.vault_logins import merged
from daypass.domain.errors import Refused
from daypass.domain.grant import Grant, GrantState
from daypass.domain.people import SYSTEM
from daypass.domain.session import Session, SessionState
from daypass.domain.target import Credential, Target
from daypass.services.office import Office, reachable
from daypass.services.outliving import prepared_by
from daypass.services.telling import grant_event
from daypass.store.interface import Transaction

SECRET = "credential_secret"
"""The setting from which every lease's key is made."""

LEFT_SHOWN_MAX = 50
"""Things that stayed behind, told of one by one."""


class Lending:
    """Issues and withdraws what grants stand for."""

    def __init__(self, office: Office, credentials: Credentials) -> None:
        self._office = office
        self._credentials = credentials

    async def lend(self, grant: Grant) -> Credential:
        """The login for a session of this active grant, which is registered. Raises `Unavailable` if it cannot be
        had, `Refused` if the grant ended meanwhile."""
        async with self._office.store.begin() as tx:
            lease = await self._lease(tx, grant, reachable(self._office.targets.get(grant.target), grant.target), ())
            noted = await _noted(tx, grant.id)
        issued = await self._credentials.issue(replace(lease, before=noted.get("before", "")))
        if issued.changed:
            await self.record_changed(grant, issued.credential.user, "; ".join(issued.changed))
        if not lease.role.lent:
            if issued.before and not noted:
                async with self._office.store.begin() as tx:
                    await _note(tx, grant.id, state="static", before=issued.before)
        elif noted.get("state") != "issued":
            await self._record_issued(grant, lease, issued)
        elif lease.role.login is not None and issued.before != noted.get("before", ""):
            async with self._office.store.begin() as tx:
                both = merged(str((await _noted(tx, grant.id)).get("before", "")), issued.before)
                await _note(tx, grant.id, state="issued", before=both)
        return issued.credential

    def lasting(self, grant: Grant) -> bool:
        """Whether the grant's sessions may have left work that outlives them, and that only the record names."""
        target = self._office.targets.get(grant.target)
        return target is not None and self._credentials.lasting(target)

    async def extend(self, grant: Grant) -> None:
        """The grant's deadline moved. Raises `Unavailable`; the next session has it moved anyhow."""
        target = reachable(self._office.targets.get(grant.target), grant.target)
        if target.roles[grant.role].lent:
            await self._credentials.extend(await self.lease(grant, target))

    async def withdraw(self, grant: Grant) -> Withdrawal | None:
        """Take away what the grant's sessions were opened with, or show that it is what we know. None: there were
        none. What went wrong is in the withdrawal."""
        async with self._office.reading() as tx:
            known = await tx.sessions(grant=grant.id)
            noted = await _noted(tx, grant.id)
        target = self._office.targets.get(grant.target)
        role = target.roles.get(grant.role) if target else None
        made = noted.get("state") == "issued"
        if target is None or role is None or (made and not role.lent):
            problem = f"the settings no longer say how {grant.target}:{grant.role} lends its logins"
            return Withdrawal(problem=problem) if made else None
        if not known:
            return None
        prepared = await prepared_by(self._office, grant) if self._credentials.lasting(target) else ()
        before = str(noted.get("before", ""))
        lease = replace(await self.lease(grant, target, known), before=before, prepared=prepared)
        done = await self._credentials.withdraw(lease)
        if made and not done.problem:
            await self._record_withdrawn(grant, done)
        return done if done.steps or done.problem else None

    async def lease(self, grant: Grant, target: Target, sessions: Sequence[Session] = ()) -> Lease:
        """What a grant has a claim to, with these of its sessions."""
        async with self._office.store.begin() as tx:
            return await self._lease(tx, grant, target, sessions)

    async def _lease(self, tx: Transaction, grant: Grant, target: Target, sessions: Sequence[Session]) -> Lease:
        # Read each time, so that nodes that first made it at the same moment agree from then on.
        secret = await tx.setting(SECRET)
        if secret is None:
            secret = self._office.entropy(KEY_BYTES).hex()
            await tx.save_setting(SECRET, secret)
        return Lease(
            grant=grant.id,
            target=target,
            role=target.roles[grant.role],
            expires_at=grant.expires_at or 0,
            key=hmac.digest(bytes.fromhex(secret), grant.id.encode(), "sha256"),
            marks=tuple(session.mark for session in sessions if session.mark),
            opening=any(session.state is SessionState.OPENING for session in sessions),
        )

    # -- on record --------------------------------------------------------------------------------------------------

    async def _record_issued(self, grant: Grant, lease: Lease, issued: Issued) -> None:
        async with self._office.change() as change:
            present = await change.tx.grant_for_change(grant.id)
            live = present is not None and present.state is GrantState.ACTIVE
            if live:
                await _note(change.tx, grant.id, state="issued", before=issued.before)
                body = {
                    "user": issued.credential.user,
                    "member_of": list(lease.role.member_of),
                    "expires_at": lease.expires_at,
                }
                await change.record(grant_event(self._office, "credential.issued", grant, SYSTEM, body=body))
        if not live:
            await self._credentials.withdraw(replace(lease, before=issued.before))
            raise Refused(f"access to {grant.target} ended while the session was being opened")

    async def _record_withdrawn(self, grant: Grant, done: Withdrawal) -> None:
        async with self._office.change() as change:
            await _note(change.tx, grant.id, state="withdrawn")
            body = withdrawal_body(done)
            secret = {"left": "\n".join(done.left[:LEFT_SHOWN_MAX])}
            event = grant_event(self._office, "credential.withdrawn", grant, SYSTEM, body=body, secret=secret)
            await change.record(event)

    async def record_changed(self, grant: Grant, user: str, what: str) -> None:
        """Somebody else changed a grant's login."""
        async with self._office.change() as change:
            body, secret = {"user": user}, {"what": what}
            event = grant_event(self._office, "credential.changed", grant, SYSTEM, body=body, secret=secret)
            await change.record(event)


def withdrawal_body(done: Withdrawal) -> dict[str, object]:
    """A withdrawal as an event tells of it: integers only, times in microseconds."""
    steps = {name: round(ms * 1000) for name, ms in done.steps.items()}
    return {"steps_us": steps, "seen": dict(done.evidence), "left": len(done.left)}


async def _noted(tx: Transaction, grant: str) -> dict[str, str]:
    """What is noted of a grant's login: its `state`, and what was there `before` it."""
    found = await tx.setting(f"credential:{grant}")
    noted: dict[str, str] = json.loads(found) if found else {}
    return noted


async def _note(tx: Transaction, grant: str, **noted: str) -> None:
    await tx.save_setting(f"credential:{grant}", json.dumps(noted))
