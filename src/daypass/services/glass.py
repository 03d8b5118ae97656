"""Breaking the glass: access at once, short and loud, for which somebody has to stand afterwards.

It asks nobody and waits for nothing: local tokens and the store are enough, and telling people is the outbox's
business. Policy still holds: a rule for it, its ceilings, and every denial. Who was bypassed is told, and on record.
"""

from __future__ import annotations

import time
from dataclasses import replace

from daypass.domain import glass, obligation, policy
from daypass.domain import grant as grants
from daypass.domain.crowd import Crowd
from daypass.domain.deciding import DURATION_MS_MIN, written
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.grant import EndReason, Grant, GrantState
from daypass.domain.obligation import RATIFY, Obligation
from daypass.domain.people import Person
from daypass.domain.policy import Matched
from daypass.domain.request import TICKET_CHARS_MAX, Item, Request, RequestState, Route, Stage, sealed
from daypass.domain.target import Target
from daypass.services.asked import Outside, look_outside, question
from daypass.services.asking import SALT_BYTES, Wish
from daypass.services.duties import Duties
from daypass.services.endings import Endings
from daypass.services.locked import check_access
from daypass.services.notices import tell
from daypass.services.office import Change, Office, acting
from daypass.services.owing import done, owe
from daypass.services.sight import find_id, sees_request, unknown
from daypass.services.telling import ELIGIBLE_MAX, asked_body, asked_secret, grant_event, request_event
from daypass.store.interface import Page, Transaction

BLOCKS_LOOKED_AT_MAX = 1000
"""Obligations of one person that may block; who has more has other problems."""


class Glass:
    """The verbs of an emergency."""

    def __init__(self, office: Office, endings: Endings, duties: Duties) -> None:
        self._office = office
        self._endings = endings
        self._duties = duties

    async def break_(self, by: Person, wish: Wish, *, drill: bool = False) -> Request:
        """Take access now. Raise `Refused` (after recording it) where no rule lets this person, or an earlier one of
        theirs was not ratified. A `drill` goes the whole way, ends at once, and files how long each step took."""
        target = self._target(wish)
        began = time.monotonic()
        known = await look_outside(self._office, target, wish.ticket)
        refusal: Refused | None = None
        async with self._office.change() as change:
            person = await change.person(by)
            try:
                request = await self.broken(change, person, target, wish, known, drill=drill)
            except Refused as problem:
                refusal = problem
                await change.record(self._refused_event(person, wish, problem))
        if refusal is not None:
            raise refusal
        if drill:
            return await self._drilled(request, person, began)
        return request

    async def broken(
        self,
        change: Change,
        person: Person,
        target: Target,
        wish: Wish,
        known: Outside,
        *,
        drill: bool = False,
    ) -> Request:
        """Break the glass in an open transaction. Raise `Refused`, before anything is written, where it may not be."""
        self._office.check_clock()
        await check_access(change.tx, person, target.name, self._office.now(), self._office.everybody)
        if not drill:
            await self._check_blocked(change.tx, person)
        asked = await question(
            self._office,
            change.tx,
            person,
            target,
            wish.role,
            wish.duration_ms,
            reason=wish.reason,
            ticket=wish.ticket,
            known=known,
        )
        matched = policy.match(self._office.policies.current.policies, asked, glass=True)
        if isinstance(matched, policy.Refused):
            raise Refused(matched.reason, hint=matched.hint)
        request, grant = await self._made(change, person, wish, asked, matched, drill)
        await self._recorded(change, person, request, grant, matched)
        return request

    def _target(self, wish: Wish) -> Target:
        target = self._office.targets.get(wish.target)
        if target is None:
            raise NotFound(f"there is no target {wish.target}", hint="daypass targets")
        if wish.role not in target.roles:
            raise Invalid(f"{wish.target} has no role {wish.role}", hint=f"--role one of {', '.join(target.roles)}")
        written(wish.reason, "reason", needed=True)
        written(wish.ticket, "ticket", most=TICKET_CHARS_MAX)
        if wish.duration_ms < DURATION_MS_MIN:
            raise Invalid("access lasts at least a second", hint="--for 15m")
        return target

    async def _check_blocked(self, tx: Transaction, person: Person) -> None:
        owed = await tx.obligations(person=person.id, kind=RATIFY, page=Page(BLOCKS_LOOKED_AT_MAX))
        for one in owed:
            if obligation.blocks(one):
                why = "was not ratified in time" if one.note == "" else "was refused"
                raise Refused(
                    f"your last break-glass {why}: you break no glass until that is settled (obligation {one.id})",
                    hint="daypass request asks in the usual way",
                )

    async def _made(
        self, change: Change, person: Person, wish: Wish, asked: policy.Question, matched: Matched, drill: bool
    ) -> tuple[Request, Grant]:
        crowd = await self._office.everybody(change.tx)
        duty = matched.rule.owes.ratify
        ratifiers = crowd.eligible(duty.by, person.id, asked.on_behalf_of) if duty is not None else ()
        if duty is not None and not ratifiers:
            raise Refused(f"nobody could ratify it ({', '.join(duty.by)})", hint="ask an operator to see to them")
        stages = (Stage(1, duty.by, ratifiers),) if duty is not None else ()
        route = self._route(crowd, person, asked, matched, drill)
        request = sealed(self._drafted(person, wish, asked, matched, stages, route))
        grant = self._grant(request, asked.now)
        request = replace(request, grant=grant.id)
        await change.tx.save_request(request)
        await change.tx.save_grant(grant)
        return request, grant

    def _route(self, crowd: Crowd, person: Person, asked: policy.Question, matched: Matched, drill: bool) -> Route:
        """Whom it passes by, and who is told of it."""
        rule = matched.rule
        ordinary = policy.evaluate(self._office.policies.current.policies, asked, crowd)
        stages = ordinary.stages if isinstance(ordinary, policy.NeedsVotes) else ()
        tell_of = rule.break_glass.tell if rule.break_glass is not None else ()
        return Route(
            tell=tuple(dict.fromkeys((*tell_of, *rule.tell))),
            excluded=tuple(sorted(crowd.selves(person.id, asked.on_behalf_of or person.id))),
            bypassed=tuple(dict.fromkeys(id for stage in stages for id in stage.eligible)),
            drill=drill,
            ends_with_ticket=rule.ends_with_ticket,
        )

    def _drafted(
        self,
        person: Person,
        wish: Wish,
        asked: policy.Question,
        matched: Matched,
        stages: tuple[Stage, ...],
        route: Route,
    ) -> Request:
        """The request as it is asked, not yet sealed. Its stages are those who ratify it."""
        now, duty = asked.now, matched.rule.owes.ratify
        return Request(
            id=self._office.new_id(),
            state=RequestState.BROKEN_GLASS,
            requester=person.id,
            on_behalf_of=asked.on_behalf_of,
            items=(Item(wish.target, wish.role, wish.scope),),
            reason=wish.reason.strip(),
            ticket=wish.ticket.strip(),
            duration_ms=wish.duration_ms,
            start_at=None,
            digest="",
            digest_salt=self._office.entropy(SALT_BYTES).hex(),
            policy=matched.policy.name,
            policy_digest=matched.policy.digest,
            rule=matched.rule.name,
            stages=stages,
            automatic=False,
            owes=matched.rule.owes.plain(),
            created_at=now,
            decide_by=now + (duty.within_ms if duty is not None else wish.duration_ms),
            route=route,
        )

    def _grant(self, request: Request, now: int) -> Grant:
        """Its clock runs from the start: an emergency is now."""
        ready = Grant(
            id=self._office.new_id(),
            state=GrantState.READY,
            request=request.id,
            person=request.requester,
            target=request.items[0].target,
            role=request.items[0].role,
            duration_ms=request.duration_ms,
            start_at=None,
            activate_by=now + request.duration_ms,
            created_at=now,
            policy=request.policy,
            rule=request.rule,
            owes=request.owes,
        )
        return grants.activate(ready, now)

    async def _recorded(self, change: Change, person: Person, request: Request, grant: Grant, matched: Matched) -> None:
        office, by = self._office, acting(person)
        crowd = await office.everybody(change.tx)
        named = [one.id for one in crowd.named(request.route.tell)]
        guards = [one.id for one in crowd.people if office.is_security(one)]
        owing = [id for stage in request.stages for id in stage.eligible]
        told = await tell(
            office,
            change,
            [*named, *request.route.bypassed, *owing, *guards],
            "glass.broken",
            {"request": request.id, "drill": request.route.drill},
        )
        body = {**asked_body(request), "how": "glass"}
        event = request_event(office, "request.created", request, by, body=body, secret=asked_secret(request))
        await change.record(event)
        body = {
            "role": grant.role,
            "duration_ms": grant.duration_ms,
            "expires_at": grant.expires_at,
            "told": list(told)[:ELIGIBLE_MAX],
            "bypassed": list(request.route.bypassed)[:ELIGIBLE_MAX],
            "drill": int(request.route.drill),
        }
        secret = {"reason": request.reason, "ticket": request.ticket}
        await change.record(request_event(office, "glass.broken", request, by, body=body, secret=secret))
        body = {"role": grant.role, "duration_ms": grant.duration_ms, "expires_at": grant.expires_at}
        await change.record(grant_event(office, "grant.activated", grant, by, body=body))
        duty = matched.rule.owes.ratify
        if duty is not None:
            await owe(office, change, RATIFY, duty.plain(), request, grant.id, drill=request.route.drill)

    def _refused_event(self, person: Person, wish: Wish, problem: Refused) -> Event:
        secret = {"reason": wish.reason.strip(), "ticket": wish.ticket.strip(), "because": problem.message}
        return Event(
            "request.refused",
            self._office.now(),
            acting(person),
            target=self._office.target_ref(wish.target),
            decision="refused",
            body={
                "items": [{"target": wish.target, "role": wish.role}],
                "duration_ms": wish.duration_ms,
                "policy": "",
                "rule": "",
                "how": "glass",
            },
            secret={name: value for name, value in secret.items() if value},
        )

    async def _drilled(self, request: Request, person: Person, began: float) -> Request:
        """End what the drill opened, and file the evidence."""
        opened = time.monotonic()
        over = await self._endings.end(request.grant or "", EndReason.HANDED_BACK, acting(person), "a drill")
        ended = time.monotonic()
        async with self._office.change() as change:
            steps = {"opened_ms": round((opened - began) * 1000), "ended_ms": round((ended - opened) * 1000)}
            body = {**steps, "end": over.state.value, "bypassed": len(request.route.bypassed)}
            await change.record(request_event(self._office, "glass.drilled", request, acting(person), body=body))
        return request

    # -- ratifying ----------------------------------------------------------------------------------------------

    async def ratify(self, by: Person, part: str, note: str, *, refuse: bool = False) -> Request:
        """Stand for a broken glass; `refuse`: do not. Refusing ends what is still open of it."""
        async with self._office.change() as change:
            person = await change.person(by)
            request, owed = await self._owed(change.tx, person, part)
            crowd = await self._office.everybody(change.tx)
            if person.id in crowd.selves(request.requester):
                raise Refused("nobody ratifies their own break-glass")
            if not obligation.may_do(owed, person, ()):
                raise Refused("you are not among those who ratify this", hint=f"daypass show {request.id}")
            now = self._office.now()
            decided = (glass.refused if refuse else glass.ratified)(request, person, note, now)
            await change.tx.save_request(decided)
            decision = "refused" if refuse else "ratified"
            secret = {"note": note.strip()}
            event = request_event(
                self._office, "glass.ratified", decided, acting(person), secret=secret, decision=decision
            )
            await change.record(event)
            after = await done(self._office, change, owed, person, note.strip() or "ratified", flag=refuse)
        if refuse:
            await self._duties.end_unratified(after, acting(person), "ratification was refused")
        return decided

    async def _owed(self, tx: Transaction, person: Person, part: str) -> tuple[Request, Obligation]:
        """The request (or the one whose obligation or grant is named) with its duty, locked."""
        id = await _request_id(tx, part)
        request = await tx.request_for_change(id)
        found = await tx.obligations(request=id, kind=RATIFY, page=Page(1)) if request is not None else ()
        owed = await tx.obligation_for_change(found[0].id) if found else None
        escalates = owed is not None and obligation.may_do(owed, person, ())
        if request is None or not (sees_request(self._office, person, request) or escalates):
            raise unknown("request", part)
        if owed is None:
            raise Conflict(f"nothing has to be ratified of request {request.id}")
        return request, owed


async def _request_id(tx: Transaction, part: str) -> str:
    try:
        return await find_id(tx, "request", part)
    except NotFound:
        owed = await tx.obligation(await find_id(tx, "obligation", part))
        if owed is None:
            raise
        return owed.request
