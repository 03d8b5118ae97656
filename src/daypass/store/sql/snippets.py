"""Snippets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select

from daypass.domain.standing import Snippet
from daypass.store.snippet_tables import snippets
from daypass.store.sql.statement import Part


class Snippets(Part):
    async def snippets(self, person: str) -> Sequence[Snippet]:
        query = select(snippets).where(snippets.c.person == person).order_by(snippets.c.name)
        return [Snippet(**row) for row in await self._all(query)]

    async def save_snippet(self, snippet: Snippet) -> None:
        await self._save(snippets, asdict(snippet))

    async def drop_snippet(self, person: str, name: str) -> bool:
        gone = delete(snippets).where(snippets.c.person == person, snippets.c.name == name)
        return bool((await self._connection.execute(gone)).rowcount)
