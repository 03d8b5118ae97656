"""Following what happens as it happens: what changed, as far as one person may see it, and a recording as it grows.

It reads what is committed, so that nobody is told of what may still be undone, and it hears every node of a shared
store. One look at the log serves all followers; whoever is too slow for it is told that anything may have changed.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from daypass.domain.errors import TooMany, Unavailable
from daypass.domain.events import Blob
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.domain.session import LIVE, Session
from daypass.services.office import Office
from daypass.services.recordings import Recordings
from daypass.services.sight import sees_request
from daypass.store.interface import StoredEntry, Transaction

LOOK_SECONDS = 0.2
"""How often the log is looked at while anybody follows: what changed is seen well within half a second."""
LOOK_ENTRIES_MAX = 1000
"""Entries of one look. Beyond that it is cheaper for followers to ask anew than to be told of each."""
FOLLOWERS_MAX = 500
"""Pages that are open at once on this node; a further one has to ask now and then."""
STREAMS_MAX = 40
"""Streams of one person: some windows on several machines. A stolen token holds nobody else's connections by more."""
WAITING_MAX = 20
"""Looks that one follower may be behind before it is told that anything may have changed."""
BEAT_SECONDS = 10.0
"""How often a follower hears that nothing happened, with the time; and its token is looked at again."""
PIECES_MAX = 50
"""Pieces of a recording that are sent in one go."""

FOR_ALL = frozenset(
    {"policy.changed", "targets.changed", "groups.changed", "settings.changed", "lock.set", "lock.lifted"}
)
"""What everybody's list of what they may ask for, and use, hangs on."""
FOR_ALL_TOLD = "catalogue.changed"
"""What everybody is told of these: that something changed, and no more. It is no entry's type."""
LOOKED_AFTER: Mapping[str, Verb] = {
    **dict.fromkeys(("person", "group", "groups", "targets", "settings", "channel"), Verb.SURVEY),
    "lock": Verb.SEE_LOCKS,
    "notice": Verb.SEE_FAILED,
    "policy": Verb.SEE_PROPOSALS,
    "token": Verb.SEE_TOKENS,
}
"""Whom entries that belong to no request concern besides: who may see what they are about in any case."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed since the last one. `everything`: nobody knows what; ask anew. `now` is the server's clock (ms)."""

    now: int
    types: Sequence[str] = ()
    requests: Sequence[str] = ()
    sessions: Sequence[str] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Grown:
    """More of a recording. `place` is where to go on; `over`: the session has ended and this is the last of it."""

    session: Session
    place: int
    blobs: Sequence[Blob]
    over: bool


Still = Callable[[], Awaitable[Person | None]]
"""Who is following, as they are now; None once they may not any more: what they signed in with is looked at anew."""

Batch = Sequence[StoredEntry] | None
"""Entries; None: more than anybody wants to be told of."""


@dataclass(eq=False, slots=True)
class _Follower:
    waiting: asyncio.Queue[Batch] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))

    def put(self, batch: Batch) -> None:
        if self.waiting.full():
            while not self.waiting.empty():
                self.waiting.get_nowait()
            batch = None
        self.waiting.put_nowait(batch)


class Following:
    """Over one office. `close` ends everybody's following, so that a node that leaves needs not wait for browsers."""

    def __init__(self, office: Office, recordings: Recordings) -> None:
        self._office = office
        self._recordings = recordings
        self._followers: set[_Follower] = set()
        self._looking: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._streams: Counter[str] = Counter()

    async def close(self) -> None:
        self._over.set()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def check_room(self, person: str = "") -> None:
        """Raise `Unavailable` if too many follow already, `TooMany` if this person does with too many pages."""
        if person and self._streams[person] >= STREAMS_MAX:
            raise TooMany(f"at most {STREAMS_MAX} pages of one person follow at once", hint="close some", wait_ms=1000)
        if len(self._followers) >= FOLLOWERS_MAX or self._over.is_set():
            raise Unavailable("too many are following already", hint="ask now and then instead")

    async def counted(self, person: str, stream: AsyncGenerator[str, None]) -> AsyncIterator[str]:
        """A stream for one person, which counts as theirs as long as it lasts."""
        self.check_room(person)
        self._streams[person] += 1
        try:
            async with aclosing(stream) as lines:
                async for line in lines:
                    yield line
        finally:
            self._streams[person] -= 1
            self._streams += Counter()

    async def changes(self, still: Still, seconds: float | None = None) -> AsyncIterator[Changed]:
        """What changes from now on, for so long. Ends when `still` finds nobody, and when we leave."""
        self.check_room()
        follower = _Follower()
        self._followers.add(follower)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="following")
        try:
            yield Changed(self._office.now(), everything=True)
            until = None if seconds is None else monotonic() + seconds
            while (batch := await self._next(follower, _left(until))) is not False:
                person = await still()
                if person is None:
                    return
                yield await self._seen(person, batch)
        finally:
            self._followers.discard(follower)

    async def recording(
        self, still: Still, part: str, after: int = 0, seconds: float | None = None
    ) -> AsyncIterator[Grown]:
        """A session's recording from this place on, and whatever is added, until the session is over, or so long. That
        it is read is on record before it is shown."""
        until = None if seconds is None else monotonic() + seconds
        while not self._over.is_set():
            person = await still()
            if person is None:
                return
            session, pieces = await self._recordings.follow(person, part, after=after, limit=PIECES_MAX)
            after = pieces[-1][0] if pieces else after
            over = session.state not in LIVE and len(pieces) < PIECES_MAX
            yield Grown(session, after, [blob for _, blob in pieces], over)
            if over or _left(until) <= 0:
                return
            if len(pieces) < PIECES_MAX:
                await self._pause(LOOK_SECONDS)

    async def _next(self, follower: _Follower, left: float) -> Batch | bool:
        """The next batch; empty when nothing happened for a while; False when it is over, or nobody looks any more:
        then the client comes back and finds out."""
        if left <= 0:
            return False
        taking = asyncio.ensure_future(follower.waiting.get())
        leaving = asyncio.ensure_future(self._over.wait())
        try:
            looking = (self._looking,) if self._looking is not None else ()
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait((taking, leaving, *looking), timeout=min(BEAT_SECONDS, left), return_when=first)
            if self._over.is_set() or self._looking is None or self._looking.done():
                return False
            return taking.result() if taking.done() else ()
        finally:
            taking.cancel()
            leaving.cancel()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    # -- looking ------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        """Look at the log as long as anybody follows."""
        since: int | None = None
        while self._followers:
            try:
                since = await self._once(since)
            except Unavailable:
                since = None
                self._hand(None)
            await asyncio.sleep(LOOK_SECONDS)

    async def _once(self, since: int | None) -> int:
        async with self._office.reading() as tx:
            if since is None:
                return await tx.placed()
            found = await tx.entries(since=since, limit=LOOK_ENTRIES_MAX)
            if len(found) == LOOK_ENTRIES_MAX:
                self._hand(None)
                return await tx.placed()
        if found:
            self._hand(found)
            return found[-1].index + 1
        return since

    def _hand(self, batch: Batch) -> None:
        for follower in self._followers:
            follower.put(batch)

    async def _seen(self, by: Person, batch: Batch | bool) -> Changed:
        now = self._office.now()
        if not isinstance(batch, Sequence):
            return Changed(now, everything=True)
        if not batch:
            return Changed(now)
        entries = [json.loads(one.entry) for one in batch]
        async with self._office.reading() as tx:
            asked = dict.fromkeys(entry["request"] for entry in entries if "request" in entry)
            seen = {id for id in asked if await self._sees(tx, by, id)}
        mine = [entry for entry in entries if self._concerns(by, entry, seen)]
        types = _distinct(mine, "type")
        if any(entry["type"] in FOR_ALL for entry in entries):
            types.append(FOR_ALL_TOLD)
        return Changed(
            now,
            types=types,
            requests=_distinct(mine, "request"),
            sessions=_distinct(mine, "session"),
        )

    async def _sees(self, tx: Transaction, by: Person, id: str) -> bool:
        request = await tx.request(id)
        return request is not None and sees_request(self._office, by, request)

    def _concerns(self, by: Person, entry: dict[str, Any], seen: set[str]) -> bool:
        if "request" in entry:
            return entry["request"] in seen
        if self._office.may(by, Verb.READ_LOG) or entry["actor"]["id"] == by.id or _is_about(by, entry.get("body", {})):
            return True
        verb = LOOKED_AFTER.get(entry["type"].partition(".")[0])
        return verb is not None and self._office.may(by, verb)


def _is_about(by: Person, body: Mapping[str, Any]) -> bool:
    return by.id == body.get("person") or any(by.id in body.get(name, ()) for name in ("added", "removed"))


def _left(until: float | None) -> float:
    return math.inf if until is None else until - monotonic()


def _distinct(entries: Sequence[dict[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(entry[key] for entry in entries if entry.get(key)))
