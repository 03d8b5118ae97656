"""Telling people: what is to be told goes into the outbox in the transaction of what it tells of, so that nothing that
happened is left untold and nothing is told that did not happen. Sending is `notify`'s, and may fail for days: nothing
here waits for it.

Notices are filed in the transaction of what they tell of. Nothing sends them yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from daypass.domain.events import Event
from daypass.domain.people import Person
from daypass.domain.standing import Notice
from daypass.services.office import Change, Office

TOLD_MAX = 500
"""People told of one thing; a group that is larger is a mailing list, and has an address."""

INSIDE = "inside"
"""The channel that is always there: the person reads it here."""


async def tell(
    office: Office, change: Change, people: Iterable[str], kind: str, about: Mapping[str, object]
) -> tuple[str, ...]:
    """Have these people (ids) told. Returns who they are, each once."""
    told = tuple(dict.fromkeys(people))[:TOLD_MAX]
    now = office.now()
    for person in told:
        for channel in (INSIDE, *office.channels):
            inside = channel == INSIDE
            notice = Notice(
                office.new_id(), channel, person, kind, about, now, 0 if inside else now, 0, now if inside else None
            )
            await change.tx.save_notice(notice)
    return told


async def tell_guards(office: Office, change: Change, event: Event) -> tuple[str, ...]:
    """Tell security of a change of what decides."""
    people = [one.id for one in await change.tx.people() if office.guards_all(one)]
    return await tell(office, change, people, event.type, {"body": dict(event.body)})


async def tell_named(
    office: Office, change: Change, of: tuple[str, ...], kind: str, about: Mapping[str, object]
) -> tuple[str, ...]:
    """Tell those whom these names (`group:NAME` or addresses) mean."""
    if not of:
        return ()
    named: tuple[Person, ...] = office.crowd(await change.tx.people()).named(of)
    return await tell(office, change, (one.id for one in named), kind, about)
