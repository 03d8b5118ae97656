"""What follows when people are disabled, or are in other groups than before: at once, whoever said so.

In the transaction that disables somebody their tokens are revoked and their browsers signed out. After it their grants
end through `Endings`, those of others that rest on a lost group likewise, and what is pending is judged again: a
request of somebody who is gone, and one that nobody who is left could decide, is denied.

Whom to follow up is kept in the same transaction, until a sweep finds nothing left to do: a node that dies in between,
or a store that fails, leaves nothing open.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import replace

from daypass.domain import deciding
from daypass.domain import grant as grants
from daypass.domain.crowd import Crowd
from daypass.domain.events import Event
from daypass.domain.grant import EndReason, Grant
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.domain.request import OPEN, Request
from daypass.services.endings import SWEEP_MAX, Endings
from daypass.services.office import Change, Office
from daypass.services.telling import request_event
from daypass.services.tightening import Tightening
from daypass.services.visiting import Visits
from daypass.store.due import DEPARTING
from daypass.store.interface import Transaction


class Departing:
    """Draws the conclusions."""

    def __init__(self, office: Office, endings: Endings, tightening: Tightening, visits: Visits) -> None:
        self._office = office
        self._endings = endings
        self._tightening = tightening
        self._visits = visits

    async def shut_out(self, change: Change, person: Person, by: Actor, *, keys: bool = False) -> None:
        """Revoke every token of somebody, and sign them out everywhere; with `keys` their password, passkeys and
        signing keys count no more either. Their sessions end with their grants (`follow`)."""
        now = self._office.now()
        for token in await change.tx.tokens_of(person.id, live_at=now):
            await change.tx.save_token(replace(token, revoked_at=now))
            body = {"token": token.id, "person": person.id, "sessions": []}
            await change.record(Event("token.revoked", now, by, body=body))
        await self._visits.close_all(change, person, by, "revoked")
        if keys:
            await self._take_keys(change, person, by)

    async def _take_keys(self, change: Change, person: Person, by: Actor) -> None:
        now = self._office.now()
        for passkey in await change.tx.passkeys(person.id):
            if passkey.removed_at is None:
                await change.tx.save_passkey(replace(passkey, removed_at=now))
                gone = {"kind": "passkey", "key": passkey.id, "person": person.id, "credential": passkey.credential}
                await change.record(Event("key.revoked", now, by, body=gone))
        if await change.tx.drop_password(person.id):
            await change.record(Event("password.removed", now, by, body={"person": person.id}))
        for key in await change.tx.keys(person=person.id):
            if key.revoked_at is None:
                await change.tx.save_key(replace(key, revoked_at=now))
                told = {"key": key.id, "person": person.id, "fingerprint": key.fingerprint}
                await change.record(Event("key.revoked", now, by, body=told))

    async def mark(self, change: Change, people: Collection[str]) -> None:
        """Have these people (ids) be followed up, whatever happens after this transaction. The directory is held."""
        waiting = await _marked(change.tx)
        mark = self._office.new_id()
        await _mark(change.tx, {**waiting, **dict.fromkeys(people, mark)})

    async def sweep(self) -> int:
        """Begin to end what disabled people have, and follow up whom a change has marked. Returns how many grants."""
        async with self._office.reading() as tx:
            left = [one.id for one in await tx.grants_of_disabled()][:SWEEP_MAX]
            waiting = await _marked(tx)
        for id in left:
            self._endings.end_soon(id, EndReason.PERSON_DISABLED, SYSTEM)
        if not waiting:
            return len(left)
        ended = await self.follow(waiting.keys())
        if not ended:
            async with self._office.store.begin() as tx:
                await tx.hold_directory()
                present = await _marked(tx)
                await _mark(tx, {id: mark for id, mark in present.items() if waiting.get(id) != mark})
        return len({*left, *ended})

    async def follow(self, people: Collection[str], by: Actor = SYSTEM) -> tuple[str, ...]:
        """End what these people (ids) may no longer have, and judge again what waits for them. Returns the grants that
        begin to end. Called when the change is committed."""
        async with self._office.reading() as tx:
            crowd = await self._office.everybody(tx)
            theirs = {id for id in people} | {one.id for one in crowd.people if one.agent_of in people}
            live = [one for one in await tx.grants(states=grants.LIVE) if one.person in theirs]
        gone = [one for one in live if not _stands(crowd, one.person)]
        for grant in gone:
            self._endings.end_soon(grant.id, EndReason.PERSON_DISABLED, by)
        # Others outside may have to be asked about the rest, which takes its time.
        rest = [one for one in live if one not in gone]
        ended = await asyncio.gather(*(self._end_if_lost(one) for one in rest))
        await self._judge_again(theirs)
        return (*(one.id for one in gone), *(id for id in ended if id))

    async def _end_if_lost(self, grant: Grant) -> str:
        why = await self._tightening.why_not(grant)
        if why:
            self._endings.end_soon(grant.id, EndReason.POLICY_TIGHTENED, SYSTEM, why)
        return grant.id if why else ""

    async def _judge_again(self, people: Collection[str]) -> None:
        async with self._office.reading() as tx:
            waiting = [one.id for one in await tx.requests(states=OPEN) if _touches(one, people)]
        for id in waiting:
            async with self._office.change() as change:
                crowd = await self._office.everybody(change.tx)
                request = await change.tx.request_for_change(id)
                because = _why_denied(request, crowd) if request is not None and request.state in OPEN else ""
                if request is None or not because:
                    continue
                denied = deciding.fail(request, because, self._office.now())
                await change.tx.save_request(denied)
                body = {"because": because}
                event = request_event(self._office, "request.denied", denied, SYSTEM, body=body, decision="denied")
                await change.record(event)


async def _marked(tx: Transaction) -> dict[str, str]:
    """Who is to be followed up, each with the mark of the change that said so last."""
    marks: dict[str, str] = json.loads(await tx.setting(DEPARTING) or "{}")
    return marks


async def _mark(tx: Transaction, marks: Mapping[str, str]) -> None:
    await tx.save_setting(DEPARTING, json.dumps(marks))


def _why_denied(request: Request, crowd: Crowd) -> str:
    if not _stands(crowd, request.requester):
        return "its requester is disabled"
    return "" if deciding.can_be_decided(request, crowd.by_id) else "nobody who is left could decide it"


def _touches(request: Request, people: Collection[str]) -> bool:
    eligible = {id for stage in request.stages for id in stage.eligible}
    return bool({request.requester, *eligible} & set(people))


def _stands(crowd: Crowd, id: str) -> bool:
    person = crowd.by_id.get(id)
    owner = crowd.by_id.get(person.agent_of) if person is not None and person.agent_of else person
    return person is not None and owner is not None and not person.disabled and not owner.disabled
