"""Ending at its target what sessions may have left there, by their marks, and seeing that it is gone; and how often
that is tried again where it cannot be seen."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import structlog

from daypass.credentials.interface import Credentials
from daypass.domain.durations import MINUTE_MS, SECOND_MS
from daypass.domain.errors import DaypassError
from daypass.domain.session import Session
from daypass.services.interface import Live, SessionEnd
from daypass.services.office import Office

RETRY_FIRST_MS = 5 * SECOND_MS
RETRY_MAX_MS = 5 * MINUTE_MS
"""What was not seen to be over is looked at again after 5 s, then twice as long each time, at least this often."""

MARKS_MAX = 1000
"""Marks in one order: some 60 KiB of it."""

log = structlog.get_logger()


def retry_after_ms(attempts: int) -> int:
    """How long after so many failed attempts there is another one."""
    return min(RETRY_FIRST_MS << min(max(attempts - 1, 0), 16), RETRY_MAX_MS)


async def swept(
    office: Office, credentials: Credentials, live: Live, sessions: Sequence[Session]
) -> Sequence[SessionEnd]:
    """End these at their targets, and look until they are gone or the time for that has passed. One without a mark was
    never let in, so that nothing of it can have reached the target. Raises nothing that a target or a store can cause:
    what could not be asked is not confirmed."""
    by_role: dict[tuple[str, str], list[Session]] = defaultdict(list)
    for one in sessions:
        if one.mark:
            by_role[one.target, one.role].append(one)
    orders = [
        _role(office, credentials, live, group[n : n + MARKS_MAX])
        for group in by_role.values()
        for n in range(0, len(group), MARKS_MAX)
    ]
    found = [end for ends in await asyncio.gather(*orders) for end in ends]
    return [*found, *(SessionEnd(one.id) for one in sessions if not one.mark)]


async def _role(office: Office, credentials: Credentials, live: Live, group: Sequence[Session]) -> Sequence[SessionEnd]:
    name, role = group[0].target, group[0].role
    target = office.targets.get(name)
    if live.carrier is None:
        return _not_asked(group, "no gateway carries it")
    if target is None or role not in target.roles:
        return _not_asked(group, "the target is no longer configured")
    try:
        credential = await credentials.resolve(target, role)
        return await live.carrier.sweep(target, target.roles[role], credential, group)
    except DaypassError as problem:
        log.error("sweeping a target failed", target=name, role=role, problem=problem.message)
        return _not_asked(group, problem.message)


def _not_asked(group: Sequence[Session], why: str) -> Sequence[SessionEnd]:
    return [SessionEnd(one.id, confirmed=False, problem=why) for one in group]
