"""Grants: activate, hand back, revoke; and what time does to them. Every end goes through `Endings`."""

from __future__ import annotations

from daypass.domain import grant as grants
from daypass.domain import session as sessions
from daypass.domain.deciding import written
from daypass.domain.errors import Conflict, Refused
from daypass.domain.grant import UNUSED, EndReason, Grant, GrantState
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.domain.request import Request
from daypass.services.admitting import activated, check_policy
from daypass.services.asked import ask_ahead
from daypass.services.by_hand import answered_for, find_in_doubt
from daypass.services.closing import close_recovered
from daypass.services.doubts import close_by_hand
from daypass.services.endings import ANY_TIME, SWEEP_MAX, Endings
from daypass.services.extending import Extending
from daypass.services.office import Office, acting
from daypass.services.owing import owe_after
from daypass.services.projects import next_day
from daypass.services.sight import may_end, see_grant
from daypass.services.telling import grant_event
from daypass.services.timeline import SESSIONS_MAX


class Grants:
    """The authority that requests gave."""

    def __init__(self, office: Office, endings: Endings) -> None:
        self._office = office
        self._endings = endings
        self._extending = Extending(office)

    async def activate(self, by: Person, part: str) -> Grant:
        """Start the grant's clock before its first use. Its holder's verb; policy is asked again."""
        async with self._office.reading() as tx:
            seen, request = await see_grant(self._office, tx, by, part)
        ahead = await ask_ahead(self._office, self._office.targets.get(seen.target), [request.ticket])
        async with self._office.change() as change:
            person = await change.person(by)
            seen, _ = await see_grant(self._office, change.tx, person, part)
            grant = await change.tx.grant_for_change(seen.id) or seen
            if grant.person != person.id:
                raise Refused("only the person who holds a grant activates it")
            if grant.state is GrantState.ACTIVE:
                raise Conflict(f"grant {grant.id} is active already", hint=f"daypass connect {grant.target}")
            if grant.state is GrantState.SCHEDULED and grants.started(grant, self._office.now()) is grant:
                raise Conflict(f"grant {grant.id} has not started yet", hint=f"daypass show {grant.id}")
            await check_policy(self._office, change.tx, person, grant, ahead)
            return await activated(self._office, change, grant, person)

    async def hand_back(self, by: Person, part: str) -> Grant:
        """Give the access back: the grant and all of its sessions end. Its holder's verb."""
        async with self._office.reading() as tx:
            grant, request = await see_grant(self._office, tx, by, part)
        if grant.person != by.id or by.disabled:
            hint = f'daypass revoke {grant.id} --reason "…"' if may_end(self._office, by, request) else ""
            raise Refused("only the person who holds a grant hands it back", hint=hint)
        self._check_live(grant)
        return await self._endings.end(grant.id, EndReason.HANDED_BACK, acting(by))

    async def revoke(self, by: Person, part: str, reason: str) -> Grant:
        """Take the access away: a decider of its request or a guard."""
        reason = written(reason, "reason", needed=True)
        async with self._office.reading() as tx:
            grant, request = await see_grant(self._office, tx, by, part)
        if not may_end(self._office, by, request):
            hint = f"daypass return {grant.id}" if grant.person == by.id else ""
            raise Refused("you may see this grant and not revoke it", hint=hint)
        self._check_live(grant)
        return await self._endings.end(grant.id, EndReason.REVOKED, acting(by), reason)

    async def extend(self, by: Person, part: str, by_ms: int, reason: str) -> Grant | Request:
        """See `Extending.extend`."""
        return await self._extending.extend(by, part, by_ms, reason)

    async def close_unconfirmed(self, by: Person, part: str, note: str) -> Grant:
        """Close an end that could not be confirmed: a decider of its request or a guard, who answers for it. What was
        not seen to be gone stays on record as that."""
        note = written(note, "note", needed=True)
        async with self._office.change() as change:
            person, tx, now = await change.person(by), change.tx, self._office.now()
            grant = await find_in_doubt(self._office, tx, person, "grant", part, see_grant, tx.grant_for_change)
            over = grants.dismiss(grant, answered_for(grant.ending, person, now, note=note), now)
            await tx.save_grant(over)
            for session in await tx.sessions(grant=grant.id, states=sessions.LIVE):
                await close_recovered(self._office, change, session.id)
            for session in await tx.sessions(grant=grant.id, look_until=ANY_TIME):
                await close_by_hand(self._office, change, session, person, note)
            doubtful = list((grant.ending or {}).get("doubtful", ()))  # type: ignore[call-overload]
            body = {"reason": over.end_reason, "closed_by_hand": person.id, "unconfirmed": doubtful[:SESSIONS_MAX]}
            event = grant_event(self._office, "grant.ended", over, acting(person), body=body, secret={"note": note})
            await change.record(event)
            await owe_after(self._office, change, over)
        return over

    async def end(self, grant_id: str, reason: EndReason, by: Actor, note: str = "") -> Grant:
        """The one way a grant ends (see `Endings.end`)."""
        return await self._endings.end(grant_id, reason, by, note)

    def _check_live(self, grant: Grant) -> None:
        if grant.state not in grants.LIVE:
            raise Conflict(f"grant {grant.id} is {grant.state} already", hint=f"daypass show {grant.id}")

    async def lapse_due(self, now: int) -> int:
        """Lapse what was not used in time, and open what is scheduled for now. Returns how many changed."""
        async with self._office.reading() as tx:
            unused = await tx.grants(states=UNUSED, due_until=now)
            scheduled = await tx.grants(states=(GrantState.SCHEDULED,))
        starting = [grant for grant in scheduled if grant.start_at is not None and grant.start_at <= now]
        changed = 0
        for id in list(dict.fromkeys(grant.id for grant in (*unused, *starting)))[:SWEEP_MAX]:
            changed += await self._move(id, now)
        return changed

    async def _move(self, id: str, now: int) -> int:
        async with self._office.change() as change:
            grant = await change.tx.grant_for_change(id)
            if grant is None or grant.state not in UNUSED:
                return 0
            if now >= grant.activate_by:
                lapsed = grants.lapse(grant, now)
                await change.tx.save_grant(lapsed)
                await change.record(grant_event(self._office, "grant.lapsed", lapsed, SYSTEM))
                await next_day(self._office, change, lapsed)
                return 1
            opened = grants.started(grant, now)
            if opened is grant:
                return 0
            await change.tx.save_grant(opened)
            await change.record(grant_event(self._office, "grant.started", opened, SYSTEM))
        return 1
