"""Sessions that are over and were not seen to be gone at their targets: looked at again until they are.

What there is to look at stands in the store, so that it outlives whoever ended the session. One that Daypass cut, or
that was seen to go on without its client, is an alarm as long as it cannot be seen to be gone: told when it was not in
time, and when it is, or when a person answers for it. Of one that left by itself nothing is said until something is
found. Once its grant ends, looking and telling are part of that (`endings.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from daypass.credentials.interface import Credentials
from daypass.domain import grant as grants
from daypass.domain.deciding import written
from daypass.domain.durations import SECOND_MS
from daypass.domain.grant import UNFINISHED, EndReason
from daypass.domain.people import SYSTEM, Person
from daypass.domain.session import Session, SessionState, looked_at
from daypass.services.by_hand import answered_for, find_in_doubt
from daypass.services.closing import kept_end, session_event, since_first, told_end
from daypass.services.interface import Live, SessionEnd
from daypass.services.office import Change, Office, acting
from daypass.services.sight import see_session
from daypass.services.sweeping import retry_after_ms, swept
from daypass.store.interface import Page

LOOKS_MAX = 1000
"""Sessions that one sweep looks at; the next one, a second later, takes the rest."""

NOTED_AT_ONCE = 50
"""Sessions that are noted in one transaction."""

OVERDUE_MS = 20 * SECOND_MS
"""A session that should have been looked at so long ago has lost its node: an attempt is done earlier. Others look."""

log = structlog.get_logger()


class Doubts:
    """Looks again, and lets people close what cannot be seen."""

    def __init__(self, office: Office, credentials: Credentials, live: Live) -> None:
        self._office = office
        self._credentials = credentials
        self._live = live
        self._task: asyncio.Task[None] | None = None

    def sweep(self, now: int) -> None:
        """Begin to look at what is due, unless a look is under way. Targets may be slow: nobody waits for it."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(now), name="look at ends again")

    async def settle(self) -> None:
        """Wait for the look that is under way. Never raises."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self, now: int) -> None:
        async with self._office.reading() as tx:
            due = await tx.sessions(look_until=now, page=Page(limit=LOOKS_MAX))
            of = await tx.grants(ids=sorted({one.grant for one in due})) if due else ()
        ending = {grant.id for grant in of if grant.state in UNFINISHED}
        ours = [one for one in due if one.grant not in ending and self._is_ours(one, now)]
        await note_ends(self._office, await swept(self._office, self._credentials, self._live, ours))

    def _is_ours(self, session: Session, now: int) -> bool:
        here = not self._office.store.shared or session.node == self._live.node
        return here or (session.look_at or now) + OVERDUE_MS <= now

    async def close_unconfirmed(self, by: Person, part: str, note: str) -> Session:
        """Close an end that could not be seen: a decider of its request or a guard, who answers for it."""
        note = written(note, "note", needed=True)
        async with self._office.change() as change:
            person, tx = await change.person(by), change.tx
            session = await find_in_doubt(self._office, tx, person, "session", part, see_session, tx.session_for_change)
            return await close_by_hand(self._office, change, session, person, note)


async def note_ends(office: Office, ends: Sequence[SessionEnd]) -> None:
    """Keep what was seen of the ends of sessions that were to be looked at again."""
    ends = sorted(ends, key=lambda end: end.session)  # one order for all, so that nobody waits for each other
    for n in range(0, len(ends), NOTED_AT_ONCE):
        async with office.change() as change:
            for end in ends[n : n + NOTED_AT_ONCE]:
                await _note(office, change, end)


async def _note(office: Office, change: Change, end: SessionEnd) -> None:
    session = await change.tx.session_for_change(end.session)
    if session is None or (session.look_at is None and not _finds_more(session, end)):
        return
    now, attempts = office.now(), attempts_of(session) + 1
    ending = {**(session.ending or {}), **kept_end(since_first(session, end), attempts)}
    grave = session.state is SessionState.CUT or session.in_doubt or bool(end.was)
    if end.confirmed:
        after = looked_at(session, ending if grave else None, None)
        await change.tx.save_session(after)
        if session.in_doubt or end.was:
            body = {"attempt": attempts, "end": told_end(end)}
            await change.record(session_event(office, "session.end_settled", after, SYSTEM, body=body))
        return
    after = looked_at(session, ending if grave else {"attempts": attempts}, now + retry_after_ms(attempts))
    await change.tx.save_session(after)
    if grave:
        await raise_alarm(office, change, after, end)


def _finds_more(session: Session, end: SessionEnd) -> bool:
    """Whether this look ended what another one, at the same time, then saw to be gone."""
    return end.confirmed and bool(end.was) and not (session.ending or {}).get("was")


async def raise_alarm(office: Office, change: Change, session: Session, end: SessionEnd) -> None:
    """Tell that this session, which is saved (and OPEN, if a crash left it), could not be seen to be gone. Its grant
    tells it, if that ends too."""
    grant = await change.tx.grant(session.grant)
    if grant is None or grant.state not in grants.LIVE:
        return
    log.error("a session's end is not confirmed: its work may go on", session=session.id, problem=end.problem)
    body = {
        "attempt": attempts_of(session),
        "reason": session.end_reason or EndReason.RECOVERED.value,
        "end": told_end(end),
    }
    secret = {"problem": end.problem}
    await change.record(session_event(office, "session.end_unconfirmed", session, SYSTEM, body=body, secret=secret))


async def close_by_hand(office: Office, change: Change, session: Session, by: Person, note: str) -> Session:
    """Look no more at this session, as this person answers for it."""
    after = looked_at(session, answered_for(session.ending, by, office.now()), None)
    await change.tx.save_session(after)
    body = {"attempt": attempts_of(session), "closed_by_hand": by.id}
    event = session_event(office, "session.end_settled", after, acting(by), body=body, secret={"note": note})
    await change.record(event)
    return after


def attempts_of(session: Session) -> int:
    """How often its end was looked for."""
    kept: Mapping[str, Any] = session.ending or {}
    return int(kept.get("attempts", 0))
