"""Erasing what people wrote: bodies with their salts, what search has of them, the same words beside the states.

The log stays as it is, and everything proved from it; an entry `blob.erased` in the same transaction says which bodies
went, on whose order and why. Only what is over is erased: a live session or request is refused. Afterwards nothing of
it is left in the store's files and the journal (docs/erasure.md says what lies beyond: backups, exports, logs).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from daypass.domain import grant as grants
from daypass.domain import session as sessions
from daypass.domain.durations import DAY_MS
from daypass.domain.errors import Conflict, Invalid, NotFound, Unavailable
from daypass.domain.events import Event
from daypass.domain.grant import Grant
from daypass.domain.people import OPERATOR, SYSTEM, Actor, Person
from daypass.domain.request import OPEN, Request
from daypass.domain.session import Session
from daypass.ledger.bodies import names_of
from daypass.ledger.entry import FIELDS_MEDIA, BodyDamaged, open_blob
from daypass.services.office import Change, Office
from daypass.services.sight import find_id
from daypass.services.starting import forget_told
from daypass.services.unsaying import Theirs, unsaid, unsaid_grant
from daypass.store.interface import StoredEntry, Transaction

BODIES_AT_ONCE = 256
"""Bodies of one transaction and entry: their digests take half of the 32 KiB that an entry has."""
PAGE = 500
PLACED_SECONDS_MAX = 10.0
"""How long it is waited until everything that was committed has its place in the log: it takes milliseconds."""
PLACED_POLL_SECONDS = 0.02
LATE_MS = 30 * DAY_MS
"""A node that was away for longer ships what a sweep no longer looks at."""
SWEEP_MS = DAY_MS
SWEPT = "erased_before"
"""The setting that says up to which time bodies were swept."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to erase: exactly one of these."""

    session: str | None = None
    request: str | None = None
    person: str | None = None
    older_than_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Others:
    """The ids of what is not a person's own but has words of theirs, or names them."""

    requests: Sequence[str] = ()
    grants: Sequence[str] = ()


@dataclass(slots=True)
class _Job:
    """An order whose things are known. `why` goes into the entry."""

    why: str
    requests: list[Request]
    grants: list[Grant]
    sessions: list[Session]
    person: Person | None = None
    others: _Others = field(default_factory=_Others)
    before: int | None = None
    since: int = 0


class Erasing:
    """Over one office. `on_erased` is called before the files are looked after: whoever keeps copies forgets them."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._turn = asyncio.Lock()
        self.on_erased: Callable[[], None] = lambda: None

    async def erase(self, order: Order, reason: str, *, by: Actor = OPERATOR, dry_run: bool = False) -> dict[str, Any]:
        """Carry an order out; returns how much it was. Raise `NotFound`, `Conflict` for what is not over, `Unavailable`
        if files could not be looked after (the order may be given again)."""
        if not reason.strip():
            raise Invalid("an erasure needs a reason")
        async with self._turn:
            job = await self._job(order)
            await self._placed()
            counted = await self._run(job, reason, by, dry_run)
            if not dry_run:
                self.on_erased()
                await self._office.store.scrub(thorough=by is not SYSTEM)
        return {"id": job.why, "state": "WOULD_ERASE" if dry_run else "ERASED", **counted}

    async def sweep(self, kept_ms: int, now: int) -> int:
        """Erase what is older than retention allows, once a day. Returns how many bodies that were."""
        cutoff = now - kept_ms
        async with self._office.reading() as tx:
            before = int(await tx.setting(SWEPT) or 0)
        if cutoff - before < SWEEP_MS or not await self._office.store.hold("erasing"):
            return 0
        done = await self.erase(Order(older_than_ms=kept_ms), "retention", by=SYSTEM)
        async with self._office.store.begin() as tx:
            await tx.save_setting(SWEPT, str(cutoff))
        return int(done["bodies"])

    # -- what an order means ------------------------------------------------------------------------------------

    async def _job(self, order: Order) -> _Job:
        if sum(one is not None for one in (order.session, order.request, order.person, order.older_than_ms)) != 1:
            raise Invalid("one thing is erased at a time", hint="--session, --request, --person or --older-than")
        async with self._office.reading() as tx:
            if order.session is not None:
                session = await tx.session(await find_id(tx, "session", order.session))
                job = _Job("session", [], [], [session] if session else [])
            elif order.request is not None:
                request = await tx.request(await find_id(tx, "request", order.request))
                job = await _of_requests(tx, "request", [request] if request else [])
            elif order.person is not None:
                person = await _person(tx, order.person)
                job = await _of_requests(tx, "person", await tx.requests(requester=person.id))
                job.person, job.others = person, await _others(tx, person)
            else:
                return await self._by_age(tx, order.older_than_ms or 0)
        _refuse_live(job)
        return job

    async def _by_age(self, tx: Transaction, older_than_ms: int) -> _Job:
        before = self._office.now() - older_than_ms
        since = int(await tx.setting(SWEPT) or 0) - LATE_MS
        job = await _of_requests(
            tx, "age", [one for one in await tx.requests() if one.created_at < before and one.reason]
        )
        live = {one.request for one in job.grants if one.state not in grants.TERMINAL}
        live |= {one.id for one in job.requests if one.state in OPEN}
        job.requests = [one for one in job.requests if one.id not in live]
        job.grants = [one for one in job.grants if one.request not in live]
        job.sessions = [one for one in job.sessions if one.request not in live]
        job.before, job.since = before, max(since, 0)
        return job

    async def _placed(self) -> None:
        """Wait until everything committed so far has its place: only what is in the log can be named."""
        async with self._office.reading() as tx:
            _, last = await tx.unplaced()
        give_up = monotonic() + PLACED_SECONDS_MAX
        while last:
            async with self._office.reading() as tx:
                first, _ = await tx.unplaced()
            if not first or first > last:
                return
            if monotonic() > give_up:
                raise Unavailable("entries are still waiting for their places", hint="erase again in a moment")
            await asyncio.sleep(PLACED_POLL_SECONDS)

    # -- doing it -----------------------------------------------------------------------------------------------

    async def _run(self, job: _Job, reason: str, by: Actor, dry_run: bool) -> dict[str, int]:
        counted = {"bodies": 0, "entries": 0, "requests": len(job.requests), "sessions": len(job.sessions)}
        told = 0
        async for found in self._batches(job):
            names = list({name for one in found for name in names_of(json.loads(one.entry))})
            for at in range(0, max(len(names), 1), BODIES_AT_ONCE):
                async with self._office.change() as change:
                    kept = sorted(await change.tx.kept_bodies(names[at : at + BODIES_AT_ONCE]))
                    counted["bodies"] += len(kept)
                    if dry_run:
                        continue
                    await change.tx.erase_bodies(kept, [one.index for one in found])
                    if kept:
                        told += 1
                        await change.record(self._event(job, kept, reason, by))
            counted["entries"] += len(found)
        if not dry_run:
            await self._words(job, reason, by, told)
        return counted

    async def _batches(self, job: _Job) -> AsyncIterator[Sequence[StoredEntry]]:
        asked: list[Mapping[str, Any]] = [{"request": one.id} for one in job.requests]
        asked += [{"session": one.id} for one in job.sessions if job.why == "session"]
        if job.before is not None:
            asked = []
        for one in asked:
            async for page in self._pages("entries", one):
                yield page
        if job.person is not None:
            async for page in self._pages("entries_about", {"person": job.person.id}):
                yield page
            async for page in self._naming(job.person):
                yield page
        if job.before is not None:
            async for page in self._pages("entries_about", {"from_t": job.since, "before_t": job.before}):
                yield page

    async def _pages(self, which: str, asked: Mapping[str, Any]) -> AsyncIterator[Sequence[StoredEntry]]:
        since = 0
        while True:
            async with self._office.reading() as tx:
                found: Sequence[StoredEntry] = await getattr(tx, which)(since=since, limit=PAGE, **asked)
            # What an erasure says of itself stays: it is the record of what is missing.
            yield [one for one in found if one.type != "blob.erased"]
            if len(found) < PAGE:
                return
            since = found[-1].index + 1

    async def _naming(self, person: Person) -> AsyncIterator[Sequence[StoredEntry]]:
        """Entries of others whose fields hold this person's address or name, where they can be read."""
        theirs = Theirs(person)
        async for page in self._pages("entries_about", {}):
            read = [(one, json.loads(one.entry)) for one in page]
            names = {name: one for one, entry in read if "session" not in entry for name in names_of(entry)}
            async with self._office.reading() as tx:
                blobs = await tx.blobs(sha256=list(names)) if names else ()
            yield [
                names[blob.sha256]
                for blob in blobs
                if blob.media == FIELDS_MEDIA and theirs.named_in(_content(blob.content))
            ]

    async def _words(self, job: _Job, reason: str, by: Actor, told: int) -> None:
        """Blank the words that stand beside the states, in one transaction with an entry, if none was made before."""
        async with self._office.change() as change:
            await change.tx.unhurried()
            for request in job.requests:
                theirs = [one.id for one in job.sessions if one.request == request.id]
                await change.tx.save_request(unsaid(request))
                await change.tx.erase_notes(request=request.id, sessions=theirs)
            for grant in job.grants:
                await change.tx.save_grant(unsaid_grant(grant))
            if job.why == "session":
                await change.tx.erase_notes(request="", sessions=[one.id for one in job.sessions])
            if job.person is not None:
                await self._forget(change, job.person, job.others)
            if job.before is not None:
                await change.tx.erase_old_words(job.before)
            if not told and by is not SYSTEM:
                await change.record(self._event(job, [], reason, by))

    async def _forget(self, change: Change, person: Person, others: _Others) -> None:
        """Take a person's address and name away, and what they wrote; the opaque id stays, as the log names it."""
        theirs = Theirs(person)
        for request in await change.tx.requests(ids=others.requests):
            await change.tx.save_request(theirs.request(request))
        for grant in await change.tx.grants(ids=others.grants):
            await change.tx.save_grant(theirs.grant(grant))
        await change.tx.erase_words(person.id, theirs.named_in)
        await change.tx.erase_tokens(person.id, self._office.now())
        await change.tx.drop_directory_entry(person.id)
        await forget_told(change.tx, person.email, person.id)
        nobody = replace(person, email=person.id, name=person.id, groups=frozenset(), disabled=True)
        await change.tx.save_person(nobody)

    def _event(self, job: _Job, bodies: Sequence[str], reason: str, by: Actor) -> Event:
        body: dict[str, Any] = {"bodies": list(bodies), "count": len(bodies), "why": job.why}
        if job.person is not None:
            body["person"] = job.person.id
        if job.before is not None:
            body["before"] = job.before
        session = job.sessions[0] if job.why == "session" else None
        request = job.requests[0].id if job.why == "request" else (session.request if session else None)
        return Event(
            "blob.erased",
            self._office.now(),
            by,
            request=request,
            session=session.id if session else None,
            target=self._office.target_ref(session.target) if session else None,
            body=body,
            secret={"reason": reason},
        )


async def _person(tx: Transaction, who: str) -> Person:
    person = await tx.person_by_email(who.strip().lower()) or await tx.person(who.strip().lower())
    if person is None:
        raise NotFound(f"there is nobody with the address {who}", hint="an erased person is named by their id")
    return person


async def _of_requests(tx: Transaction, why: str, requests: Sequence[Request]) -> _Job:
    job = _Job(why, list(requests), [], [])
    for id in dict.fromkeys(request.grant for request in requests if request.grant):
        grant = await tx.grant(id)
        if grant is not None:
            job.grants.append(grant)
            job.sessions += await tx.sessions(grant=id)
    return job


async def _others(tx: Transaction, person: Person) -> _Others:
    """Raises `Conflict` for an open request that would not say any more what is asked: votes are on its words."""
    theirs = Theirs(person)
    found = [one for one in await tx.requests() if one.requester != person.id and theirs.request(one) != one]
    for one in found:
        if one.state in OPEN and theirs.request(one).digest_salt != one.digest_salt:
            raise Conflict(
                f"request {one.id} names them, and is {one.state}", hint="they can be erased when it is decided"
            )
    grants_ = [one.id for one in await tx.grants() if one.person != person.id and theirs.grant(one) != one]
    return _Others([one.id for one in found], grants_)


def _refuse_live(job: _Job) -> None:
    for session in job.sessions:
        if session.state in sessions.LIVE:
            raise Conflict(f"session {session.id} is {session.state}", hint=f"daypass kill {session.id} --reason …")
    for request in job.requests:
        if request.state in OPEN:
            raise Conflict(f"request {request.id} is {request.state}", hint="it can be erased when it is decided")
    for grant in job.grants:
        if grant.state not in grants.TERMINAL:
            raise Conflict(f"grant {grant.id} is {grant.state}", hint=f"daypass revoke {grant.id} --reason …")


def _content(stored: bytes) -> str:
    """Nothing where it cannot be read: then nobody can tell whom it names."""
    try:
        return open_blob(stored).decode(errors="replace")
    except BodyDamaged:
        return ""
