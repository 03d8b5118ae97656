"""What a grant's sessions did that does not end with them, as far as the record and the target tell.

The record names the transactions that they prepared, and the statements by which the target went on to a connection of
its own, under a login that is not theirs. The target tells what is still at work on such connections. What is hidden in
a function or behind a foreign table is on no such list: see docs/threat-model.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from daypass.credentials.interface import Credentials
from daypass.domain.errors import DaypassError
from daypass.domain.finding import Sought
from daypass.domain.grant import Grant
from daypass.domain.statement import ELSEWHERE, OUTLIVES
from daypass.services.interface import Live, SessionEnd
from daypass.services.office import Office

FOUND_MAX = 1000
"""Statements of a grant that are looked at: far more than anyone prepares, or sends elsewhere, before they are asked
what they are doing."""

SHOWN_MAX = 20
"""Statements that are told of one by one."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Work under another login. `statements` are those on record that began some (session and number); `around` is
    what the target shows to be at work on connections of its own since, which may be theirs or not."""

    statements: Sequence[tuple[str, int]] = ()
    count: int = 0
    waiting: Sequence[str] = field(default=())
    """Sessions that were waiting for such a connection when they were stopped."""
    around: Sequence[str] = ()
    problem: str = ""

    def body(self) -> dict[str, Any]:
        """As an event tells it."""
        told = [{"session": session, "statement": n} for session, n in self.statements]
        return {"statements": told, "count": self.count, "waiting": list(self.waiting), "still_there": len(self.around)}

    def plain(self) -> dict[str, Any]:
        """As the grant keeps it."""
        return {**self.body(), "still_there": list(self.around), "problem": self.problem}


async def prepared_by(office: Office, grant: Grant) -> tuple[str, ...]:
    """The names of the transactions that the grant's sessions are on record to have prepared."""
    names: dict[str, None] = {}
    for body in await _statements(office, grant, OUTLIVES):
        for name in body.get("writes", ()):
            if name.startswith(OUTLIVES):
                names[name.removeprefix(OUTLIVES)] = None
    return tuple(names)


async def elsewhere(
    office: Office, credentials: Credentials, live: Live, grant: Grant, ends: Sequence[SessionEnd]
) -> Elsewhere | None:
    """What the grant's sessions began under another login, once they are over. None: nothing is known of any."""
    found = await _statements(office, grant, ELSEWHERE)
    waiting = [end.session for end in ends if end.elsewhere]
    if not found and not waiting:
        return None
    told = [(body["session"], int(body["statement"])) for body in found[:SHOWN_MAX]]
    try:
        around, problem = await _around(office, credentials, live, grant), ""
    except DaypassError as failed:
        around, problem = (), failed.message
    log.warning("a grant's sessions worked under another login", grant=grant.id, still_there=len(around))
    return Elsewhere(told, len(found), waiting[:SHOWN_MAX], around, problem)


async def _around(office: Office, credentials: Credentials, live: Live, grant: Grant) -> Sequence[str]:
    target = office.targets.get(grant.target)
    if live.carrier is None or target is None or grant.role not in target.roles:
        return ()
    async with office.reading() as tx:
        known = await tx.sessions(grant=grant.id)
    credential = await credentials.resolve(target, grant.role)
    return await live.carrier.around(target, target.roles[grant.role], credential, known)


async def _statements(office: Office, grant: Grant, what: str) -> list[dict[str, Any]]:
    """The bodies of the grant's statements that touched this, each with its session; the newest first."""
    sought = Sought(
        person=grant.person, target=grant.target, table=what, kind="statement.submitted", since=grant.created_at
    )
    async with office.reading() as tx:
        found = [json.loads(entry.entry) for entry in await tx.search(sought, limit=FOUND_MAX)]
    return [{**entry["body"], "session": entry["session"]} for entry in found if entry.get("grant") == grant.id]
