"""Sessions, as the gateway tells of them: who signs in and is let in, what opened, how it ended; and killing one."""

from __future__ import annotations

from collections.abc import Mapping

from daypass.domain import session as sessions
from daypass.domain.deciding import written
from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import SYSTEM, Actor, Person, SignIn
from daypass.domain.roles import Verb
from daypass.domain.session import Over, Session
from daypass.services.admitting import Admission, Admitting
from daypass.services.closing import ended_body, seen_end, session_event
from daypass.services.codes import Codes, is_code
from daypass.services.doubts import raise_alarm
from daypass.services.endings import Endings
from daypass.services.interface import SessionEnd
from daypass.services.locked import check_access
from daypass.services.office import Office, acting
from daypass.services.refusals import Refusal, Refusals
from daypass.services.sight import may_end, see_session
from daypass.services.tokens import Tokens

HINT = "your grant stays; connect again"
"""What the client of a killed session is told to do."""

EARLY_MS = 2000
"""A gateway's timer may run this far ahead of the clock; one that rings earlier has missed an extension."""


class Sessions:
    """The verbs that the gateway calls (its `Desk`), and `kill`."""

    def __init__(
        self,
        office: Office,
        tokens: Tokens,
        admitting: Admitting,
        endings: Endings,
        refusals: Refusals,
        codes: Codes | None = None,
    ) -> None:
        self._office = office
        self._tokens = tokens
        self._admitting = admitting
        self._endings = endings
        self._refusals = refusals
        self._codes = codes

    async def look_up(self, name: str) -> SignIn:
        """How this name signs in; it looks the same for a name that nobody has."""
        return await self._tokens.sign_in(name)

    async def admit(self, token_id: str, target: str, role: str | None, client: str, node: str) -> Admission:
        """Register a session for the holder of this token, activating the grant on its first use."""
        if self._codes is not None and is_code(token_id):
            await self._codes.open(token_id, target, role, client)
        return await self._admitting.admit(token_id, target, role, client, node)

    async def opened(self, session: str, mark: Mapping[str, str]) -> None:
        """The target let the session in. Raise `Refused` if its grant has ended meanwhile: then it must not go on."""
        async with self._office.change() as change:
            known = await change.tx.session(session)
            # The grant is locked first, as an ending locks it: one of the two comes first, never both half.
            grant = await change.tx.grant_for_change(known.grant) if known else None
            found = await change.tx.session_for_change(session)
            now = self._office.now()
            if grant is None or found is None:
                raise NotFound(f"there is no session {session}")
            if grant.state is not GrantState.ACTIVE or grant.expires_at is None or now >= grant.expires_at:
                raise Refused(f"access to {grant.target} ended while the session was being opened")
            holder, token = await change.tx.person(found.person), await change.tx.token(found.token)
            if holder is None or holder.disabled:
                raise Refused("this person is disabled")
            if token is not None and token.revoked_at is not None:
                raise Refused("the token of this session was revoked while it was being opened")
            await check_access(change.tx, holder, grant.target, now, self._office.everybody)
            is_open = sessions.opened(found, mark, now)
            await change.tx.save_session(is_open)
            body = {"mark": dict(mark), "role": found.role, "node": found.node}
            await change.record(
                session_event(self._office, "session.opened", is_open, Actor(found.person, "person"), body=body)
            )

    async def ended(self, told: Over, end: SessionEnd | None = None) -> None:
        """A session is over, and everything up to its last record is in the store. `end`: how the gateway ended it;
        None: it left by itself. One that is closed already (recovered, meanwhile) stays as it is."""
        async with self._office.change() as change:
            found = await change.tx.session_for_change(told.session)
            if found is None:
                raise NotFound(f"there is no session {told.session}")
            if found.state not in sessions.LIVE:
                return
            now = self._office.now()
            over = sessions.ended(found, told, now)
            over = seen_end(over, end, now)
            await change.tx.save_session(over)
            by = Actor(over.person, "person") if told.reason is EndReason.CLIENT_LEFT else SYSTEM
            body = {**ended_body(over, end), "journal": told.last_number, "was": found.state.value}
            secret = {"note": told.note, "problem": end.problem if end is not None else ""}
            await change.record(session_event(self._office, "session.ended", over, by, body=body, secret=secret))
            if end is not None and not end.confirmed:
                await raise_alarm(self._office, change, over, end)

    async def refused(self, name: str, target: str, client: str, why: str) -> None:
        """A connection was refused before it was a session; rate-limited here."""
        await self._refusals.note(Refusal(name, target, client, why))

    async def grant_due(self, grant: str) -> None:
        """The deadline of this grant has passed; its sessions here are already cut. A deadline that has moved
        meanwhile is no deadline."""
        async with self._office.reading() as tx:
            found = await tx.grant(grant)
        if found is None:
            raise NotFound(f"there is no grant {grant}")
        if found.expires_at is not None and self._office.now() + EARLY_MS < found.expires_at:
            return
        await self._endings.end(grant, EndReason.EXPIRED, SYSTEM)

    async def kill(self, by: Person, part: str, reason: str) -> tuple[Session, SessionEnd]:
        """End one session and leave its grant: by its own person, a decider of its request, or a guard."""
        reason = written(reason, "reason", needed=True)
        async with self._office.change() as change:
            person = await change.person(by)
            session, request = await see_session(self._office, change.tx, person, part)
            if not may_end(self._office, person, request, Verb.KILL):
                raise Refused("you may see this session and not end it")
            if session.state not in sessions.LIVE:
                raise Conflict(f"session {session.id} is {session.state} already")
            secret = {"reason": reason}
            await change.record(session_event(self._office, "session.killed", session, acting(person), secret=secret))
            message = f"this session was ended by {by.email} (session {session.id})"
            await self._endings.across.want(change.tx, [session], EndReason.KILLED, message, HINT)
        (end,) = await self._endings.cutting.all([session], EndReason.KILLED, message, HINT)
        async with self._office.reading() as tx:
            return await tx.session(session.id) or session, end
