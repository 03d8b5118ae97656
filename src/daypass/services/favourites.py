"""What people ask for again and again: favourites by name, and a former request asked once more. Each is asked anew: a
favourite is words to fill in, and opens nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daypass.domain.errors import Invalid, NotFound
from daypass.domain.people import Person
from daypass.domain.request import Request
from daypass.domain.standing import Favourite, check_room
from daypass.services.asking import Wish, wish_of
from daypass.services.office import Office
from daypass.services.requests import Requests
from daypass.services.sight import see_request

FAVOURITES_MAX = 50
"""Favourites of one person; a longer list is no shorter than typing."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Instead:
    """What is to be different this time; None: as before."""

    duration_ms: int | None = None
    reason: str | None = None
    ticket: str | None = None
    start_at: int | None = None


class Favourites:
    """The verbs of asking again."""

    def __init__(self, office: Office, requests: Requests) -> None:
        self._office = office
        self._requests = requests

    async def repeat(self, by: Person, part: str, instead: Instead) -> Request:
        """Ask once more for what one asked for before. Whoever may see a request may ask for the same themselves."""
        async with self._office.reading() as tx:
            former = await see_request(self._office, tx, by, part)
        if former.extends is not None:
            raise Invalid("that request was for more time; what it extended is over", hint="daypass request")
        return await self._requests.create(by, _changed(wish_of(former), instead))

    async def list(self, by: Person) -> Sequence[Favourite]:
        async with self._office.reading() as tx:
            return await tx.favourites(by.id)

    async def save(self, by: Person, name: str, wish: Wish) -> Favourite:
        """Keep it under this name, in the place of what was there."""
        if not _NAME.fullmatch(name):
            raise Invalid("a favourite's name has letters, digits, dots and dashes, at most 63")
        wish = self._requests.spelled(wish)
        self._requests.target(wish)
        plain: dict[str, object] = {"target": wish.target, "role": wish.role, "duration_ms": wish.duration_ms}
        plain |= {"scope": list(wish.scope)} if wish.scope else {}
        kept = Favourite(by.id, name, plain | {"reason": wish.reason, "ticket": wish.ticket}, self._office.now())
        async with self._office.change() as change:
            person = await change.person(by)
            there = await change.tx.favourites(person.id)
            check_room(there, name, FAVOURITES_MAX, what="favourites", hint="daypass favourites remove NAME")
            await change.tx.save_favourite(kept)
        return kept

    async def remove(self, by: Person, name: str) -> None:
        async with self._office.change() as change:
            if not await change.tx.drop_favourite(by.id, name):
                raise NotFound(f"you have no favourite {name}", hint="daypass favourites")

    async def ask(self, by: Person, name: str, instead: Instead) -> Request:
        """Ask for a favourite."""
        found = next((one for one in await self.list(by) if one.name == name), None)
        if found is None:
            raise NotFound(f"you have no favourite {name}", hint="daypass favourites")
        plain: Mapping[str, Any] = found.wish
        return await self._requests.create(by, _changed(Wish(**plain), instead))


def _changed(wish: Wish, instead: Instead) -> Wish:
    return Wish(
        wish.target,
        wish.role,
        instead.duration_ms or wish.duration_ms,
        wish.reason if instead.reason is None else instead.reason,
        wish.ticket if instead.ticket is None else instead.ticket,
        instead.start_at,
        scope=tuple(wish.scope),
    )
