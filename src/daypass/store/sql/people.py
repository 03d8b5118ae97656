"""People, their tokens, and settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from sqlalchemy import select, update

from daypass.domain.people import Person
from daypass.store import codec
from daypass.store.directory import SavedPeople
from daypass.store.interface import Page, Token
from daypass.store.schema import people, settings, tokens
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.statement import Part, newest

REVISION = "people_revision"
"""The setting that says which state of the people this is."""

REVISION_BYTES = 16
"""Random, and no counter: a number that a transaction took back would be given to other people by the next one."""


READ_AT_ONCE = 1000
"""People made of their rows before the event loop gets its turn: some milliseconds."""

_EVERYBODY = (
    'SELECT id, email, name, CAST("groups" AS text), disabled, subject, agent_of, source FROM people ORDER BY email'
)


class People(Part):
    saved_people: SavedPeople | None = None

    async def person(self, id: str) -> Person | None:
        row = await self._one(select(people).where(people.c.id == id))
        return None if row is None else codec.person_of(row)

    async def person_by_email(self, email: str) -> Person | None:
        row = await self._one(select(people).where(people.c.email == email))
        return None if row is None else codec.person_of(row)

    async def people(self) -> Sequence[Person]:
        """All at once, so past SQLAlchemy's rows; whoever else is served gets a turn now and then."""
        rows = await bulk_on(self._connection).ask(_EVERYBODY)
        known: dict[str, frozenset[str]] = {}
        found: list[Person] = []
        for at in range(0, len(rows), READ_AT_ONCE):
            found += [codec.person_of_values(row, known) for row in rows[at : at + READ_AT_ONCE]]
            await asyncio.sleep(0)
        return found

    async def people_revision(self) -> str:
        """Another text after every committed change of anybody, on any node. To be read before the people that it is
        kept with: what changes between the two is then read once more, and never missed."""
        return await self.setting(REVISION) or ""

    async def save_person(self, person: Person) -> None:
        await self._revise([person])
        await self._save(people, codec.person_row(person))

    async def _revise(self, changed: Sequence[Person]) -> None:
        """Before their rows are saved, so that two nodes that save people wait here, and not for each other's rows.
        What this revision follows is what was committed last."""
        saved = self.saved_people
        if saved is None:
            row = await self._one(select(settings).where(settings.c.name == REVISION).with_for_update())
            saved = SavedPeople(None if row is None else str(row["value"]), "", {})
        as_read = {one.id: codec.person_of(codec.person_row(one)) for one in changed}
        revision = os.urandom(REVISION_BYTES).hex()
        await self.save_setting(REVISION, revision)
        self.saved_people = SavedPeople(saved.after, revision, {**saved.people, **as_read})

    async def tokens_of(self, person: str, *, live_at: int) -> Sequence[Token]:
        """Newest first, so that the proof of a fresh token is tried first."""
        query = select(tokens).where(
            tokens.c.person == person, tokens.c.expires_at > live_at, tokens.c.revoked_at.is_(None)
        )
        return [codec.token_of(row) for row in await self._all(query.order_by(tokens.c.id.desc()))]

    async def live_tokens(self, *, live_at: int, page: Page) -> Sequence[Token]:
        live = select(tokens).where(tokens.c.expires_at > live_at, tokens.c.revoked_at.is_(None))
        return [codec.token_of(row) for row in await self._all(newest(live, tokens, page))]

    async def token(self, id: str) -> Token | None:
        row = await self._one(select(tokens).where(tokens.c.id == id))
        return None if row is None else codec.token_of(row)

    async def token_by_sha256(self, sha256: bytes) -> Token | None:
        row = await self._one(select(tokens).where(tokens.c.sha256 == sha256))
        return None if row is None else codec.token_of(row)

    async def save_token(self, token: Token) -> None:
        await self._save(tokens, codec.token_row(token))

    async def note_use(self, token: str, at: int, client: str) -> None:
        used = update(tokens).where(tokens.c.id == token).values(last_used_at=at, last_used_from=client)
        await self._connection.execute(used)

    async def setting(self, name: str) -> str | None:
        row = await self._one(select(settings).where(settings.c.name == name))
        return None if row is None else str(row["value"])

    async def save_setting(self, name: str, value: str) -> None:
        await self._save(settings, {"name": name, "value": value})
