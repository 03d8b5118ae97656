"""Extending: a grant that is to last longer. By a rule's own word, or as a request that is voted on like any other.

The new deadline counts from the present one. Nothing waits for a vote: a request for more time that is undecided when
the deadline comes has expired with it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from daypass.credentials.interface import Credentials
from daypass.domain import grant as grants
from daypass.domain import policy
from daypass.domain.deciding import DURATION_MS_MIN, granted_ms, written
from daypass.domain.durations import duration_text
from daypass.domain.errors import Conflict, DaypassError, Invalid, NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.grant import Extension, Grant
from daypass.domain.people import Actor, Person
from daypass.domain.request import OPEN, Item, Request, RequestState, sealed
from daypass.domain.target import Target
from daypass.services.across import tell_of
from daypass.services.admitting import extend_ms_of
from daypass.services.asked import Outside, look_outside, question
from daypass.services.interface import Live
from daypass.services.lending import Lending
from daypass.services.office import Change, Office, acting
from daypass.services.sight import see_grant
from daypass.services.telling import asked_body, asked_secret, grant_event, request_event
from daypass.store.interface import Page

EXTENDED = "grant.extended"

SALT_BYTES = 32
"""What a content digest begins with, so that it cannot be guessed."""

PENDING_LOOKED_AT_MAX = 200
"""Open requests of one person that are looked at for one for the same grant: four times as many as there may be."""

log = structlog.get_logger()


class Extending:
    """The holder's verb."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def extend(self, by: Person, part: str, by_ms: int, reason: str) -> Grant | Request:
        """Have a grant last longer: the grant with its new deadline, or the request that is to be decided for it.
        Raises `Refused` where policy says no, `Conflict` where nothing is left to extend."""
        reason = written(reason, "reason", needed=True)
        async with self._office.reading() as tx:
            seen, earlier = await see_grant(self._office, tx, by, part)
        known = await look_outside(self._office, self._target(seen), earlier.ticket)
        async with self._office.change() as change:
            person = await change.person(by)
            seen, earlier = await see_grant(self._office, change.tx, person, part)
            grant = await change.tx.grant_for_change(seen.id) or seen
            if grant.person != person.id:
                raise Refused("only the person who holds a grant has it extended")
            limit = await self._limit(change, person, grant, earlier)
            self._check(grant, by_ms, limit)
            verdict = await self._verdict(change, person, grant, earlier, reason, known)
            if limit.automatic or isinstance(verdict, policy.Automatic):
                extension = Extension(by_ms, self._office.now(), person.id, reason)
                return await apply(self._office, change, grant, extension, limit.times, acting(person))
            await self._refuse_second(change, person, grant)
            return await self._ask(change, person, grant, verdict, by_ms, reason)

    async def _limit(self, change: Change, person: Person, grant: Grant, earlier: Request) -> policy.ExtendLimit:
        """How often, and by how much, the policy in force lets this grant be extended."""
        found = policy.policy_of(self._office.policies.current.policies, self._target(grant))
        if found is None or found.limits.extend is None:
            raise Refused(f"the policy of {grant.target} lets nothing be extended", hint="ask again: daypass request")
        return found.limits.extend

    def _check(self, grant: Grant, by_ms: int, limit: policy.ExtendLimit) -> None:
        if by_ms < DURATION_MS_MIN:
            raise Invalid("an extension lasts at least a second", hint="--by 30m")
        if by_ms > limit.by_ms:
            most = duration_text(limit.by_ms)
            raise Refused(f"one extension is at most {most}, not {duration_text(by_ms)}", hint=f"--by {most}")
        # Said here already, so that nobody votes on what cannot be.
        grants.extended(grant, Extension(by_ms, 0, "", ""), limit.times, self._office.now())

    async def _verdict(
        self, change: Change, person: Person, grant: Grant, earlier: Request, reason: str, known: Outside
    ) -> policy.Automatic | policy.NeedsVotes:
        asked = await question(
            self._office,
            change.tx,
            person,
            self._target(grant),
            grant.role,
            grant.duration_ms,
            reason=reason,
            ticket=earlier.ticket,
            on_behalf_of=earlier.on_behalf_of,
            known=known,
            scope=grant.scope,
        )
        crowd = await self._office.everybody(change.tx)
        verdict = policy.evaluate(self._office.policies.current.policies, asked, crowd)
        if isinstance(verdict, policy.Refused):
            raise Refused(verdict.reason, hint=verdict.hint)
        return verdict

    def _target(self, grant: Grant) -> Target:
        found = self._office.targets.get(grant.target)
        if found is None:
            raise NotFound(f"the target {grant.target} is no longer there", hint="daypass targets")
        return found

    async def _refuse_second(self, change: Change, person: Person, grant: Grant) -> None:
        waiting = await change.tx.requests(requester=person.id, states=OPEN, page=Page(PENDING_LOOKED_AT_MAX))
        for one in waiting:
            if one.extends == grant.id:
                raise Conflict(f"request {one.id} for more time waits already", hint=f"daypass show {one.id}")

    async def _ask(
        self,
        change: Change,
        person: Person,
        grant: Grant,
        verdict: policy.Automatic | policy.NeedsVotes,
        by_ms: int,
        reason: str,
    ) -> Request:
        assert isinstance(verdict, policy.NeedsVotes)
        request = sealed(self._drafted(person, grant, verdict, by_ms, reason))
        await change.tx.save_request(request)
        body = {**asked_body(request), "extends": grant.id}
        event = request_event(
            self._office, "request.created", request, acting(person), body=body, secret=asked_secret(request)
        )
        await change.record(event)
        return request

    def _drafted(self, person: Person, grant: Grant, verdict: policy.NeedsVotes, by_ms: int, reason: str) -> Request:
        """The request as it is asked, not yet sealed."""
        now = self._office.now()
        return Request(
            id=self._office.new_id(),
            state=RequestState.PENDING,
            requester=person.id,
            on_behalf_of=None,
            items=(Item(grant.target, grant.role, grant.scope),),
            reason=reason,
            ticket="",
            duration_ms=by_ms,
            start_at=None,
            digest="",
            digest_salt=self._office.entropy(SALT_BYTES).hex(),
            policy=verdict.policy.name,
            policy_digest=verdict.policy.digest,
            rule=verdict.rule.name,
            stages=verdict.stages,
            automatic=False,
            owes={},
            created_at=now,
            # Never past the deadline: more of what has ended is another access, and asked for anew.
            decide_by=min(now + verdict.undecided_after_ms, grant.expires_at or now),
            extends=grant.id,
        )


async def apply(office: Office, change: Change, grant: Grant, extension: Extension, times: int, by: Actor) -> Grant:
    """Move the deadline of a grant, which is locked."""
    longer = grants.extended(grant, extension, times, office.now())
    await change.tx.save_grant(longer)
    await tell_of(change.tx, longer)
    body = {"by_ms": extension.by_ms, "expires_at": longer.expires_at, "times": len(longer.extensions)}
    await change.record(grant_event(office, EXTENDED, longer, by, body=body, secret={"reason": extension.reason}))
    return longer


async def extended_by_vote(office: Office, change: Change, approved: Request, by: Actor) -> Request:
    """Save an approved request for more time, and move the deadline. Raises `Conflict` if the grant ended meanwhile."""
    grant = await change.tx.grant_for_change(approved.extends or "")
    if grant is None:
        raise NotFound(f"there is no grant {approved.extends}")
    target = office.targets.get(grant.target)
    found = policy.policy_of(office.policies.current.policies, target) if target else None
    if found is None or found.limits.extend is None:
        raise Refused(f"the policy of {grant.target} lets nothing be extended any more")
    by_ms = min(granted_ms(approved), found.limits.extend.by_ms)
    decided = replace(approved, grant=grant.id)
    await change.tx.save_request(decided)
    body = {"digest": approved.digest, "duration_ms": by_ms, "extends": grant.id, "how": "votes"}
    await change.record(request_event(office, "request.approved", decided, by, body=body, decision="approved"))
    extension = Extension(by_ms, office.now(), approved.requester, approved.reason)
    await apply(office, change, grant, extension, found.limits.extend.times, by)
    return decided


class Moving:
    """Moves what hangs on a deadline once that is committed: open sessions' timers, and the grant's own login."""

    def __init__(self, office: Office, credentials: Credentials, live: Live) -> None:
        self._office = office
        self._lending = Lending(office, credentials)
        self._live = live
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, event: Event) -> None:
        """Told of every event after its commit."""
        if event.type != EXTENDED or event.grant is None:
            return
        if self._live.carrier is not None:
            target = event.target.name if event.target is not None else ""
            most = extend_ms_of(self._office, target, int(event.body["times"]))
            self._live.carrier.reschedule(event.grant, int(event.body["expires_at"]), most)
        task = asyncio.create_task(self._extend_login(event.grant), name="extend a login")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _extend_login(self, id: str) -> None:
        try:
            async with self._office.reading() as tx:
                grant = await tx.grant(id)
            if grant is not None:
                await self._lending.extend(grant)
        except DaypassError as problem:
            # The next session has it moved; those that are open do not sign in again.
            log.error("the login of a grant was not extended", grant=id, problem=problem.message)

    async def settle(self) -> None:
        """Wait for what is under way. Never raises."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
