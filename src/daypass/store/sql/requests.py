"""Requests and grants: the decision and the authority."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, delete, exists, insert, or_, select

from daypass.domain.grant import LIVE, UNUSED, Grant, GrantState
from daypass.domain.request import Request, RequestState
from daypass.domain.standing import Favourite, Proposal
from daypass.store import codec
from daypass.store.interface import Page
from daypass.store.schema import favourites, grants, people, proposals, request_deciders, requests
from daypass.store.sql.around import Around
from daypass.store.sql.statement import Moment, newest


class Requests(Around):
    async def request(self, id: str) -> Request | None:
        row = await self._one(select(requests).where(requests.c.id == id))
        return None if row is None else codec.request_of(row)

    async def request_for_change(self, id: str) -> Request | None:
        row = await self._one(select(requests).where(requests.c.id == id).with_for_update())
        return None if row is None else codec.request_of(row)

    async def requests(
        self,
        *,
        requester: str | None = None,
        eligible: str | None = None,
        ids: Sequence[str] | None = None,
        around: str | None = None,
        states: Sequence[RequestState] = (),
        decide_by_until: int | None = None,
        escalate_until: int | None = None,
        bundle: str | None = None,
        access: tuple[str, str] | None = None,
        page: Page | None = None,
    ) -> Sequence[Request]:
        query = select(requests)
        if requester is not None:
            query = query.where(requests.c.requester == requester)
        if ids is not None:
            query = query.where(requests.c.id.in_(ids))
        if eligible is not None:
            # Not `IN`, which would gather all that they ever might have decided.
            theirs = exists().where(request_deciders.c.request == requests.c.id, request_deciders.c.person == eligible)
            query = query.where(theirs)
        if states:
            query = query.where(requests.c.state.in_([state.value for state in states]))
        if decide_by_until is not None:
            query = query.where(requests.c.decide_by <= decide_by_until)
        if escalate_until is not None:
            query = query.where(*is_to_escalate(escalate_until))
        if bundle is not None:
            query = query.where(requests.c.bundle == bundle)
        if access is not None:
            query = query.where(requests.c.target == access[0], requests.c.role == access[1])
        if around is not None:
            return [codec.request_of(row) for row in await self.around(query, requests, requests.c.id, around, page)]
        return [codec.request_of(row) for row in await self._all(newest(query, requests, page))]

    async def proposals(self, *, state: str | None = None, page: Page | None = None) -> Sequence[Proposal]:
        query = newest(select(proposals), proposals, page)
        if state is not None:
            query = query.where(proposals.c.state == state)
        return [Proposal(**row) for row in await self._all(query)]

    async def proposal_for_change(self, id: str) -> Proposal | None:
        row = await self._one(select(proposals).where(proposals.c.id == id).with_for_update())
        return None if row is None else Proposal(**row)

    async def save_proposal(self, proposal: Proposal) -> None:
        await self._save(proposals, asdict(proposal))

    async def favourites(self, person: str) -> Sequence[Favourite]:
        query = select(favourites).where(favourites.c.person == person).order_by(favourites.c.name)
        return [Favourite(**row) for row in await self._all(query)]

    async def save_favourite(self, favourite: Favourite) -> None:
        await self._save(favourites, {**asdict(favourite), "wish": dict(favourite.wish)})

    async def drop_favourite(self, person: str, name: str) -> bool:
        gone = delete(favourites).where(favourites.c.person == person, favourites.c.name == name)
        return bool((await self._connection.execute(gone)).rowcount)

    async def save_request(self, request: Request) -> None:
        await self._save(requests, codec.request_row(request))
        await self._connection.execute(delete(request_deciders).where(request_deciders.c.request == request.id))
        deciders = {person for stage in request.stages for person in stage.eligible}
        if deciders:
            rows = [{"request": request.id, "person": person} for person in sorted(deciders)]
            await self._connection.execute(insert(request_deciders), rows)


class Grants(Around):
    async def grant(self, id: str) -> Grant | None:
        row = await self._one(select(grants).where(grants.c.id == id))
        return None if row is None else codec.grant_of(row)

    async def grant_for_change(self, id: str) -> Grant | None:
        row = await self._one(select(grants).where(grants.c.id == id).with_for_update())
        return None if row is None else codec.grant_of(row)

    async def grants(
        self,
        *,
        person: str | None = None,
        target: str | None = None,
        ids: Sequence[str] | None = None,
        around: str | None = None,
        states: Sequence[GrantState] = (),
        due_until: int | None = None,
        page: Page | None = None,
    ) -> Sequence[Grant]:
        query = select(grants)
        if person is not None:
            query = query.where(grants.c.person == person)
        if ids is not None:
            query = query.where(grants.c.id.in_(ids))
        if target is not None:
            query = query.where(grants.c.target == target)
        if states:
            query = query.where(grants.c.state.in_([state.value for state in states]))
        if due_until is not None:
            query = query.where(grant_is_due(due_until))
        if around is not None:
            return [codec.grant_of(row) for row in await self.around(query, grants, grants.c.request, around, page)]
        return [codec.grant_of(row) for row in await self._all(newest(query, grants, page))]

    async def grants_of_disabled(self) -> Sequence[Grant]:
        return [codec.grant_of(row) for row in await self._all(of_disabled())]

    async def save_grant(self, grant: Grant) -> None:
        await self._save(grants, codec.grant_row(grant))


def is_to_escalate(until: Moment) -> tuple[ColumnElement[bool], ...]:
    """What holds for a request that should have escalated by then, and has not."""
    at, escalated = (requests.c.route[name].as_string() for name in ("escalate_at", "escalated_at"))
    return cast(at, BigInteger) <= until, escalated.is_(None)


def grant_is_due(until: Moment) -> ColumnElement[bool]:
    """A grant that expires, or that nobody used, by then."""
    waiting = grants.c.state.in_([state.value for state in UNUSED])
    active = grants.c.state == GrantState.ACTIVE.value
    return or_(and_(active, grants.c.expires_at <= until), and_(waiting, grants.c.activate_by <= until))


def of_disabled() -> Select[Any]:
    """Grants that can open something although their person, or the person whose agent that is, is disabled."""
    owner = people.alias()
    return (
        select(grants)
        .join(people, people.c.id == grants.c.person)
        .outerjoin(owner, owner.c.id == people.c.agent_of)
        .where(grants.c.state.in_([state.value for state in LIVE]))
        .where(or_(people.c.disabled.is_(True), owner.c.disabled.is_(True)))
    )
