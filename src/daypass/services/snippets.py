"""Snippets: texts that people keep for the SQL console. They are words to fill in, and run nothing by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from daypass.domain.errors import Invalid, NotFound
from daypass.domain.people import Person
from daypass.domain.standing import Snippet, check_room
from daypass.services.office import Office

SNIPPETS_MAX = 200
"""Snippets of one person; a longer list is searched for longer than it takes to type."""

NAME_CHARS_MAX = 100
TEXT_CHARS_MAX = 64 * 1024
"""Longer texts are files, and have a better place."""


class Snippets:
    """One's own, and nobody else's."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def list(self, by: Person) -> Sequence[Snippet]:
        async with self._office.reading() as tx:
            return await tx.snippets(by.id)

    async def save(self, by: Person, name: str, text: str) -> Snippet:
        """Keep it under this name, in the place of what was there."""
        name = name.strip()
        if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
            raise Invalid(f"a snippet's name is a line of at most {NAME_CHARS_MAX} characters that can be seen")
        if not text.strip() or len(text) > TEXT_CHARS_MAX or "\0" in text:
            raise Invalid(f"a snippet has a text of at most {TEXT_CHARS_MAX} characters")
        kept = Snippet(by.id, name, text, self._office.now())
        async with self._office.change() as change:
            person = await change.person(by)
            there = await change.tx.snippets(person.id)
            check_room(there, name, SNIPPETS_MAX, what="snippets", hint="remove one first")
            await change.tx.save_snippet(kept)
        return kept

    async def remove(self, by: Person, name: str) -> None:
        async with self._office.change() as change:
            person = await change.person(by)
            if not await change.tx.drop_snippet(person.id, name.strip()):
                raise NotFound(f"you have no snippet {name}", hint="GET /api/v1/snippets lists them")
