"""Telling people: what is to be told goes into the outbox in the transaction of what it tells of, so that nothing that
happened is left untold and nothing is told that did not happen. Sending (`sending.py`) may fail for days: nothing here
waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from daypass.domain.events import Event
from daypass.domain.people import Person
from daypass.domain.standing import Notice, Outlet
from daypass.services.office import Change, Office

TOLD_MAX = 500
"""People told of one thing; a group that is larger is a mailing list, and has an address."""

INSIDE = "inside"
"""The channel that is always there: the person reads it here."""


async def tell(
    office: Office,
    change: Change,
    people: Iterable[str],
    kind: str,
    about: Mapping[str, object],
    *,
    rooms: bool = True,
    outside: bool = True,
) -> tuple[str, ...]:
    """Have these people (ids) told. Returns who they are, each once. `rooms`: whether shared channels are told as well,
    once; `outside`: whether any channel is but the one that is always there."""
    told = tuple(dict.fromkeys(people))[:TOLD_MAX]
    outlets: Sequence[Outlet] = [one for one in office.channels if outside and one.takes(kind)]
    for person in told:
        await _file(office, change, INSIDE, person, kind, about)
        for outlet in outlets:
            if not outlet.shared:
                await _file(office, change, outlet.name, person, kind, about)
    for outlet in outlets:
        if outlet.shared and rooms:
            await _file(office, change, outlet.name, "", kind, about)
    return told


async def _file(
    office: Office, change: Change, channel: str, person: str, kind: str, about: Mapping[str, object]
) -> None:
    now, inside = office.now(), channel == INSIDE
    notice = Notice(
        id=office.new_id(),
        channel=channel,
        person=person,
        kind=kind,
        about=about,
        made_at=now,
        next_at=0 if inside else now,
        sent_at=now if inside else None,
        thread=str(about.get("request") or ""),
    )
    await change.tx.save_notice(notice)


async def tell_guards(office: Office, change: Change, event: Event) -> tuple[str, ...]:
    """Tell security of a change of what decides."""
    return await tell(office, change, await guards(office, change), event.type, {"body": dict(event.body)})


async def guards(office: Office, change: Change) -> tuple[str, ...]:
    """The ids of those who are security here."""
    return tuple(one.id for one in (await office.everybody(change.tx)).people if office.is_security(one))


async def named(office: Office, change: Change, of: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of those whom these names (`group:NAME` or addresses) mean."""
    if not of:
        return ()
    found: tuple[Person, ...] = (await office.everybody(change.tx)).named(of)
    return tuple(one.id for one in found)


async def tell_named(
    office: Office, change: Change, of: tuple[str, ...], kind: str, about: Mapping[str, object]
) -> tuple[str, ...]:
    """Tell those whom these names mean."""
    return await tell(office, change, await named(office, change, of), kind, about) if of else ()
