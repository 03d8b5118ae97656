"""Deciding on requests: approve, deny, ask; and what time does to those that nobody decides on.

The requester's own verbs are in `asking.py`; `Requests` offers both, as one noun.
"""

from __future__ import annotations

from daypass.domain import deciding
from daypass.domain.people import SYSTEM, Person
from daypass.domain.request import OPEN, Request, RequestState, Vote
from daypass.services.asking import Asking
from daypass.services.granting import give
from daypass.services.office import Change, acting
from daypass.services.sight import see_request
from daypass.services.telling import ELIGIBLE_MAX, request_event, vote_body
from daypass.store.interface import Page

SWEEP_MAX = 200
"""Requests that one sweep expires; the next one, a second later, takes the rest."""


class Requests(Asking):
    """A request's whole life."""

    async def approve(
        self, by: Person, part: str, *, digest: str | None = None, for_ms: int | None = None, note: str = ""
    ) -> Request:
        """Approve what the request says. `digest` is of what the decider saw; when it differs from what is asked
        now, nothing is decided. `for_ms` narrows the time. The last approval needed makes the grant."""
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            vote = self._vote(request, person, True, digest, note, for_ms)
            people = {one.id: one for one in await change.tx.people()}
            voted = deciding.approve(request, vote, person, people)
            await self._save_vote(change, voted, person, "approve")
            if voted.state is RequestState.APPROVED:
                return await give(self._office, change, voted, acting(person))
        return voted

    async def deny(self, by: Person, part: str, *, note: str, digest: str | None = None) -> Request:
        """Deny; its note says why. One denial is enough, unless the rule wants more of them."""
        async with self._office.change() as change:
            person = await change.person(by)
            request = await see_request(self._office, change.tx, person, part, change=True)
            people = {one.id: one for one in await change.tx.people()}
            denied = deciding.deny(request, self._vote(request, person, False, digest, note, None), person, people)
            await self._save_vote(change, denied, person, "deny")
            if denied.state is not RequestState.DENIED:
                return denied
            event = request_event(self._office, "request.denied", denied, acting(person), decision="denied")
            await change.record(event)
        return denied

    def _vote(
        self, request: Request, person: Person, approve: bool, digest: str | None, note: str, for_ms: int | None
    ) -> Vote:
        return Vote(
            id=self._office.new_id(),
            person=person.id,
            approve=approve,
            digest=digest or request.digest,
            at=self._office.now(),
            narrowed_ms=for_ms,
            note=note.strip(),
        )

    async def _save_vote(self, change: Change, voted: Request, person: Person, decision: str) -> None:
        vote = voted.votes[-1]
        await change.tx.save_request(voted)
        await change.record(
            request_event(
                self._office,
                "request.voted",
                voted,
                acting(person),
                body=vote_body(vote),
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
            waiting = await tx.requests(states=OPEN)
        due = [one.id for one in waiting if deciding.is_to_escalate(one, now)]
        for id in due[:SWEEP_MAX]:
            await self._escalate(id, now)
        return len(due[:SWEEP_MAX])

    async def _escalate(self, id: str, now: int) -> None:
        async with self._office.change() as change:
            request = await change.tx.request_for_change(id)
            if request is None or request.state not in OPEN or not deciding.is_to_escalate(request, now):
                return
            escalated = deciding.escalate(request, self._office.crowd(await change.tx.people()), now)
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
