"""After the log was put back from what had been published: the states that its entries tell of, as far as they do.

A store that was behind knows of grants, sessions and tokens that have ended since. What the log says of them is taken
over; of what it does not say nothing is guessed: no authority survives, every grant that could still open something is
ended at the next start, and whoever needs access asks again.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from daypass.domain import grant as grants
from daypass.domain import session as sessions
from daypass.domain.events import Event
from daypass.domain.grant import EndReason, GrantState
from daypass.domain.people import OPERATOR, SYSTEM
from daypass.domain.request import OPEN, RequestState
from daypass.domain.session import Over
from daypass.services.endings import Endings
from daypass.services.office import Change, Office
from daypass.services.telling import request_event
from daypass.store.interface import ChainHead

RECOVERED = "log_recovered"
"""The setting that says, until the next start has seen to it, that the log was put back."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is to be put back: entries `first` to `size` of the log, the heads of all its chains at `size`."""

    first: int
    size: int
    heads: Mapping[str, ChainHead]
    ids: frozenset[str]


class Restoring:
    """The operator's verb `ledger recover`, as far as it concerns the store."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def put_back(self, found: Published, batches: AsyncIterator[list[bytes]], node: str, shipped: int) -> int:
        """Put published entries into the store, all or nothing. Returns how many of the store's own lost their places
        and get new ones behind them."""
        async with self._office.change() as change:
            await change.tx.unhurried()
            waiting = await change.tx.displace(found.first, found.ids)
            at = found.first
            async for entries in batches:
                await change.tx.put_back(at, entries)
                for entry in entries:
                    await self._follow(change, json.loads(entry))
                at += len(entries)
            await change.tx.set_log(found.size, found.heads)
            await change.tx.set_shipped(node, shipped)
            await change.tx.save_setting(RECOVERED, str(found.size))
            body = {"first": found.first, "size": found.size, "placed_anew": waiting, "node": node}
            await change.record(Event("ledger.recovered", self._office.now(), OPERATOR, body=body))
        return waiting

    async def _follow(self, change: Change, told: Mapping[str, Any]) -> None:
        """Take over the state that one entry tells of, where the store's is older."""
        kind, _, what = told["type"].partition(".")
        match kind, what:
            case "token", "revoked":
                await self._revoke(change, told)
            case "session", "ended":
                await self._end_session(change, told)
            case "grant", "ended" | "lapsed":
                await self._end_grant(change, told, GrantState(what.upper()))
            case "request", "voted" | "approved" | "denied" | "expired" | "withdrawn" | "edited":
                await self._close_request(change, told)

    async def _revoke(self, change: Change, told: Mapping[str, Any]) -> None:
        token = await change.tx.token(told["body"]["token"])
        if token is not None and token.revoked_at is None:
            await change.tx.save_token(replace(token, revoked_at=told["t"]))

    async def _end_session(self, change: Change, told: Mapping[str, Any]) -> None:
        session = await change.tx.session(told["session"])
        if session is not None and session.state in sessions.LIVE:
            body = told["body"]
            reason, count, recording = EndReason(body["reason"]), body["statements"], body["recording"]
            over = sessions.ended(session, Over(session.id, reason, "", count, recording), told["t"])
            await change.tx.save_session(over)

    async def _end_grant(self, change: Change, told: Mapping[str, Any], state: GrantState) -> None:
        grant = await change.tx.grant(told["grant"])
        if grant is not None and grant.state not in grants.TERMINAL:
            reason = str(told["body"].get("reason", ""))
            await change.tx.save_grant(replace(grant, state=state, ended_at=told["t"], end_reason=reason))

    async def _close_request(self, change: Change, told: Mapping[str, Any]) -> None:
        """A request that went on after this store's state: what was said meanwhile is gone, so it cannot go on."""
        request = await change.tx.request(told["request"])
        if request is not None and request.state in OPEN:
            why = "the store was put back to an earlier state; ask again"
            over = replace(request, state=RequestState.EXPIRED, decided_at=self._office.now(), decided_because=why)
            await change.tx.save_request(over)
            await change.record(request_event(self._office, "request.expired", over, SYSTEM))

    async def see_to(self, endings: Endings) -> int:
        """At the start after a recovery: end every grant that could still open something. Returns how many."""
        async with self._office.reading() as tx:
            recovered = await tx.setting(RECOVERED)
            held = await tx.grants(states=grants.LIVE) if recovered else ()
        for grant in held:
            endings.end_soon(grant.id, EndReason.RECOVERED, SYSTEM, "the store was put back to an earlier state")
        if recovered:
            async with self._office.store.begin() as tx:
                await tx.save_setting(RECOVERED, "")
        return len(held)
