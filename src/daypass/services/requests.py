"""Deciding on requests: approve, deny, ask; and what time does to those that nobody decides on.

The requester's own verbs are in `asking.py`; `Requests` offers both, as one noun.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from daypass.domain import deciding
from daypass.domain.errors import Invalid, Refused
from daypass.domain.people import SYSTEM, Person
from daypass.domain.request import OPEN, Request, RequestState, Vote
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.target import less
from daypass.domain.vote_statement import APPROVE, DENY
from daypass.services.asking import Asking, scope_at
from daypass.services.granting import give
from daypass.services.office import Change, Office, acting
from daypass.services.pace import Pace
from daypass.services.sight import see_request
from daypass.services.signing import Signed, check_signed
from daypass.services.telling import ELIGIBLE_MAX, request_event, vote_body
from daypass.store.interface import Page

SWEEP_MAX = 200
"""Requests that one sweep expires; the next one, a second later, takes the rest."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What an approver gives less of: for how long, as what, a project until when, inside the target to what. None
    (of the scope: empty): as asked."""

    duration_ms: int | None = None
    role: str | None = None
    until: int | None = None
    scope: Scope = WHOLE


class Requests(Asking):
    """A request's whole life."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._pace = Pace()

    async def approve(
        self,
        by: Person,
        part: str,
        *,
        digest: str | None = None,
        for_ms: int | None = None,
        note: str = "",
        narrowed: Narrowed | None = None,
        signed: Signed | None = None,
        via: str = "",
    ) -> Request:
        """Approve what the request says. `digest` is of what the decider saw; when it differs from what is asked
        now, nothing is decided. `for_ms` narrows the time, `narrowed` the time and the role. The last approval needed
        makes the grant. `via`: over which channel it was said."""
        narrow = narrowed or Narrowed(for_ms)
        self._pace.step(by.id, self._office.now())
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            return await self.approved(change, request, person, digest, note, narrow, signed, via)

    async def approved(
        self,
        change: Change,
        request: Request,
        person: Person,
        digest: str | None,
        note: str,
        narrow: Narrowed,
        signed: Signed | None = None,
        via: str = "",
    ) -> Request:
        """Approve a locked request in an open transaction."""
        self._check_role(request, narrow.role)
        narrow = self._spelled(request, narrow)
        vote = self._vote(request, person, APPROVE, digest, note, narrow, signed)
        if signed is not None:
            vote = await check_signed(change, signed, request, person, vote)
        people = (await self._office.everybody(change.tx)).by_id
        voted = deciding.approve(request, vote, person, people)
        await self._save_vote(change, voted, person, APPROVE, via)
        if voted.state is RequestState.APPROVED:
            return await give(self._office, change, voted, acting(person))
        return voted

    def _check_role(self, request: Request, role: str | None) -> None:
        """Raise unless this role can do less than the one that was asked for."""
        if role is None:
            return
        item = request.items[0]
        target = self._office.targets.get(item.target)
        if target is None or role not in target.roles:
            raise Invalid(f"{item.target} has no role {role}", hint="daypass targets")
        if not less(target.roles[role], target.roles[item.role]):
            raise Refused(f"an approver may give less and never more; {role} can do as much as {item.role}")

    def _spelled(self, request: Request, narrow: Narrowed) -> Narrowed:
        """The narrowing with its scope in its one spelling."""
        target = self._office.targets.get(request.items[0].target)
        if not narrow.scope or target is None:
            return narrow
        return replace(narrow, scope=scope_at(target, narrow.scope))

    async def deny(
        self,
        by: Person,
        part: str,
        *,
        note: str,
        digest: str | None = None,
        signed: Signed | None = None,
        via: str = "",
    ) -> Request:
        """Deny; its note says why. One denial is enough, unless the rule wants more of them."""
        self._pace.step(by.id, self._office.now())
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            return await self.denied(change, request, person, digest, note, signed, via)

    async def denied(
        self,
        change: Change,
        request: Request,
        person: Person,
        digest: str | None,
        note: str,
        signed: Signed | None = None,
        via: str = "",
    ) -> Request:
        """Deny a locked request in an open transaction."""
        vote = self._vote(request, person, DENY, digest, note, Narrowed(), signed)
        if signed is not None:
            vote = await check_signed(change, signed, request, person, vote)
        people = (await self._office.everybody(change.tx)).by_id
        denied = deciding.deny(request, vote, person, people)
        await self._save_vote(change, denied, person, DENY, via)
        if denied.state is RequestState.DENIED:
            event = request_event(self._office, "request.denied", denied, acting(person), decision="denied")
            await change.record(event)
        return denied

    def _vote(
        self,
        request: Request,
        person: Person,
        decision: str,
        digest: str | None,
        note: str,
        narrowed: Narrowed,
        signed: Signed | None,
    ) -> Vote:
        return Vote(
            id=self._office.new_id(),
            person=person.id,
            approve=decision == APPROVE,
            digest=digest or request.digest,
            at=self._office.now(),
            narrowed_ms=narrowed.duration_ms,
            note=note.strip(),
            narrowed_role=narrowed.role,
            narrowed_until=narrowed.until,
            narrowed_scope=narrowed.scope,
            statement=signed.statement if signed is not None else "",
        )

    async def _save_vote(self, change: Change, voted: Request, person: Person, decision: str, via: str) -> None:
        vote = voted.votes[-1]
        await change.tx.save_request(voted)
        await change.record(
            request_event(
                self._office,
                "request.voted",
                voted,
                acting(person),
                body=vote_body(vote, via),
                secret={"note": vote.note},
                decision=decision,
            )
        )

    async def ask(self, by: Person, part: str, question: str) -> Request:
        """Ask the requester something. Others may decide meanwhile, and time runs on."""
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            asked = deciding.ask(request, person, question, self._office.now())
            await change.tx.save_request(asked)
            secret = {"question": asked.messages[-1].text}
            await change.record(request_event(self._office, "request.asked", asked, acting(person), secret=secret))
        return asked

    async def escalate_due(self, now: int) -> int:
        """Let further people decide on what has waited for its time to escalate. Returns how many."""
        async with self._office.reading() as tx:
            due = await tx.requests(states=OPEN, escalate_until=now, page=Page(limit=SWEEP_MAX))
        for request in due:
            await self._escalate(request.id, now)
        return len(due)

    async def _escalate(self, id: str, now: int) -> None:
        async with self._office.change() as change:
            request = await change.tx.request_for_change(id)
            if request is None or request.state not in OPEN or not deciding.is_to_escalate(request, now):
                return
            escalated = deciding.escalate(request, await self._office.everybody(change.tx), now)
            await change.tx.save_request(escalated)
            body = {"eligible": sorted(further(request, escalated))[:ELIGIBLE_MAX]}
            await change.record(request_event(self._office, "request.escalated", escalated, SYSTEM, body=body))

    async def expire_due(self, now: int) -> int:
        """Expire what nobody decided in time. Returns how many."""
        async with self._office.reading() as tx:
            due = await tx.requests(states=OPEN, decide_by_until=now, page=Page(limit=SWEEP_MAX))
        expired = 0
        for request in due:
            expired += await self._expire(request.id, now)
        return expired

    async def _expire(self, id: str, now: int) -> int:
        async with self._office.change() as change:
            request = await change.tx.request_for_change(id)
            if request is None or request.state not in OPEN or now < request.decide_by:
                return 0
            expired = deciding.expire(request, now)
            await change.tx.save_request(expired)
            await change.record(request_event(self._office, "request.expired", expired, SYSTEM))
        return 1


def further(before: Request, after: Request) -> set[str]:
    """Who may decide now and could not before."""
    return {id for stage in after.stages for id in stage.eligible} - {
        id for stage in before.stages for id in stage.eligible
    }
