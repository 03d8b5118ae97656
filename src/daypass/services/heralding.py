"""Whom each event is told to: one table from types of events to those who are to know. It files notices in the event's
own transaction and sends nothing.

What hangs on people (deciders, `tell`, security) is asked of the state that was just saved. Breaking the glass, duties
and changed policies file their own notices, as they put on record whom they told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from daypass.domain.deciding import may_decide
from daypass.domain.durations import HOUR_MS
from daypass.domain.events import Event
from daypass.domain.request import OPEN, Request
from daypass.services.notices import guards, named, tell
from daypass.services.office import Change, Office
from daypass.services.tasks import call_back

ALARM_AGAIN_MS = HOUR_MS
"""How often an end that stays unconfirmed is told again; it is tried far more often."""

log = structlog.get_logger()


class Heralding:
    """A `services.office.Herald`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._table: Mapping[str, Callable[[Change, Event], Awaitable[None]]] = {
            "request.created": self._asked,
            "request.edited": self._asked,
            "request.escalated": self._escalated,
            "request.asked": self._question,
            "request.answered": self._answered,
            "request.voted": self._voted,
            "request.approved": self._over,
            "request.denied": self._over,
            "request.expired": self._over,
            "request.withdrawn": self._over,
            "request.refused": self._refused,
            "grant.started": self._holder("started"),
            "grant.ended": self._ended,
            "grant.lapsed": self._holder("ended"),
            "grant.end_unconfirmed": self._unconfirmed,
            "session.end_unconfirmed": self._unconfirmed,
            "session.killed": self._holder("killed"),
            "glass.ratified": self._ratified,
            "credential.drift": self._security,
            "ledger.recovered": self._security,
            "key.enrolled": self._owner,
            "key.revoked": self._owner,
            "key.suspected": self._suspected,
            "password.changed": self._owner,
        }

    async def herald(self, change: Change, event: Event) -> None:
        """File what is to be told of this event. A fault of ours in here is told to the operator and undoes nothing:
        access, and its end, do not hang on telling. A store that fails undoes it all, as always."""
        step = self._table.get(event.type)
        if step is None:
            return
        try:
            await step(change, event)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
            log.error("nobody is told of this", event=event.type, request=event.request, problem=type(problem).__name__)

    # -- requests -----------------------------------------------------------------------------------------------

    async def _asked(self, change: Change, event: Event) -> None:
        """Those who can decide, unless a rule does."""
        request = await self._request(change, event)
        if request is not None and request.state in OPEN and not request.automatic:
            await self._tell(change, await self._deciders(change, request), "decide", request)

    async def _escalated(self, change: Change, event: Event) -> None:
        request = await self._request(change, event)
        if request is not None:
            further = set(event.body.get("eligible", ()))
            can = [id for id in await self._deciders(change, request) if id in further]
            await self._tell(change, can, "decide", request)

    async def _question(self, change: Change, event: Event) -> None:
        request = await self._request(change, event)
        if request is not None:
            await self._tell(change, [request.requester], "question", request, rooms=False)

    async def _answered(self, change: Change, event: Event) -> None:
        request = await self._request(change, event)
        if request is not None and request.state in OPEN:
            await self._tell(change, await self._deciders(change, request), "answer", request, rooms=False)

    async def _voted(self, change: Change, event: Event) -> None:
        """The others, as long as more are needed; the vote that decides is told as the decision."""
        request = await self._request(change, event)
        if request is not None and request.state in OPEN:
            await self._tell(change, asked_people(request), "voted", request)

    async def _over(self, change: Change, event: Event) -> None:
        """The requester, those who were asked, those whom the rule wants told whatever comes of it, and who asked for
        somebody else."""
        request = await self._request(change, event)
        if request is None:
            return
        await call_back(self._office, change, request)
        requester = [] if event.type == "request.withdrawn" else [request.requester]
        asked = asked_people(request)
        others = [
            *await named(self._office, change, request.route.tell),
            *([request.asked_by] if request.asked_by else ()),
        ]
        await self._tell(change, requester, "decided", request, rooms=False)
        await self._tell(change, asked, "closed", request)
        known = {request.requester, *asked}
        await self._tell(change, [id for id in others if id not in known], "told", request, rooms=False)

    async def _refused(self, change: Change, event: Event) -> None:
        """Those whom the rule wants told, of what was refused when it was asked."""
        body = event.body
        policies = self._office.policies.current.policies
        rules = [rule for policy in policies if policy.name == body.get("policy") for rule in policy.rules]
        of = next((rule.tell for rule in rules if rule.name == body.get("rule")), ())
        if not of:
            return
        asked = {"items": list(body["items"]), "duration_ms": body["duration_ms"], "rule": body.get("rule", "")}
        people = [id for id in await named(self._office, change, of) if id != event.actor.id]
        about = {**asked, "person": event.actor.id, "state": "REFUSED"}
        await tell(self._office, change, people, "told", about)

    async def _ratified(self, change: Change, event: Event) -> None:
        """Who broke it, who was told then, and security. Refusing is told as what is owed because of it."""
        request = await self._request(change, event)
        if request is None or event.decision != "ratified":
            return
        told = await named(self._office, change, request.route.tell)
        people = [request.requester, *request.route.bypassed, *told, *await guards(self._office, change)]
        await self._tell(change, people, "glass.ratified", request)

    # -- access -------------------------------------------------------------------------------------------------

    def _holder(self, kind: str) -> Callable[[Change, Event], Awaitable[None]]:
        async def told(change: Change, event: Event) -> None:
            grant = await change.tx.grant(event.grant or "")
            if grant is not None:
                about = {"request": grant.request, "grant": grant.id, "session": event.session or ""}
                await tell(self._office, change, [grant.person], kind, about)

        return told

    async def _ended(self, change: Change, event: Event) -> None:
        """The holder; and security, if it could not be confirmed before."""
        grant = await change.tx.grant(event.grant or "")
        if grant is None:
            return
        alarmed = int(event.body.get("attempt", 1)) > 1 or "closed_by_hand" in event.body
        people = [grant.person, *(await guards(self._office, change) if alarmed else ())]
        await tell(self._office, change, people, "ended", {"request": grant.request, "grant": grant.id})

    async def _unconfirmed(self, change: Change, event: Event) -> None:
        """Security and who holds it: at once, then once an hour."""
        grant = await change.tx.grant(event.grant or "")
        now = self._office.now()
        key = f"end_unconfirmed {event.session or event.grant}"
        if grant is None or not await change.tx.once(key, now=now, until=now + ALARM_AGAIN_MS):
            return
        about = {"request": grant.request, "grant": grant.id, "session": event.session or ""}
        people = [*await guards(self._office, change), grant.person]
        await tell(self._office, change, people, "end_unconfirmed", about)

    async def _security(self, change: Change, event: Event) -> None:
        target = event.target.name if event.target else ""
        about = {"body": dict(event.body), "target": target, "grant": event.grant or ""}
        await tell(self._office, change, await guards(self._office, change), event.type, about)

    async def _owner(self, change: Change, event: Event) -> None:
        """The person whose key or password it is: if it was not them, they know now."""
        about = {"body": dict(event.body)}
        await tell(self._office, change, [str(event.body["person"])], event.type, about, rooms=False)

    async def _suspected(self, change: Change, event: Event) -> None:
        """Whose passkey it is, and security."""
        people = [str(event.body["person"]), *await guards(self._office, change)]
        await tell(self._office, change, people, event.type, {"body": dict(event.body)}, rooms=False)

    # -- who ----------------------------------------------------------------------------------------------------

    async def _request(self, change: Change, event: Event) -> Request | None:
        return await change.tx.request(event.request or "")

    async def _deciders(self, change: Change, request: Request) -> list[str]:
        """Those who may decide now, in the order of the stages."""
        people = (await self._office.everybody(change.tx)).by_id
        return [id for id in asked_people(request) if id in people and may_decide(request, people[id])]

    async def _tell(
        self, change: Change, people: Sequence[str], kind: str, request: Request, *, rooms: bool = True
    ) -> None:
        about = {"request": request.id, "grant": request.grant or ""}
        await tell(self._office, change, people, kind, about, rooms=rooms)


def asked_people(request: Request) -> list[str]:
    """Everybody who was asked."""
    return list(dict.fromkeys(id for stage in request.stages for id in stage.eligible))
