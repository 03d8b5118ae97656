"""Sessions, and finding things by a part of their id."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table, or_, select

from daypass.domain.session import LIVE, Session, SessionState
from daypass.store import codec
from daypass.store.interface import Page
from daypass.store.schema import grants, locks, obligations, requests, sessions, tokens
from daypass.store.sql.around import Around
from daypass.store.sql.statement import Moment, newest

RESOLVED_MAX = 5
"""Enough to say that a part is ambiguous and to show between what."""

_KINDS: Mapping[str, Table] = {
    "request": requests,
    "grant": grants,
    "session": sessions,
    "obligation": obligations,
    "lock": locks,
    "token": tokens,
}
_ID_CHARACTERS = frozenset(string.hexdigits + "-")


class Sessions(Around):
    async def session(self, id: str) -> Session | None:
        row = await self._one(select(sessions).where(sessions.c.id == id))
        return None if row is None else codec.session_of(row)

    async def session_for_change(self, id: str) -> Session | None:
        row = await self._one(select(sessions).where(sessions.c.id == id).with_for_update())
        return None if row is None else codec.session_of(row)

    async def sessions(
        self,
        *,
        person: str | None = None,
        grant: str | None = None,
        node: str | None = None,
        around: str | None = None,
        states: Sequence[SessionState] = (),
        look_until: int | None = None,
        page: Page | None = None,
    ) -> Sequence[Session]:
        query = select(sessions)
        for column, wanted in ((sessions.c.person, person), (sessions.c.grant, grant), (sessions.c.node, node)):
            if wanted is not None:
                query = query.where(column == wanted)
        if states:
            query = query.where(sessions.c.state.in_([state.value for state in states]))
        if look_until is not None:
            query = query.where(sessions.c.look_at <= look_until)
        if around is not None:
            found = await self.around(query, sessions, sessions.c.request, around, page)
            return [codec.session_of(row) for row in found]
        return [codec.session_of(row) for row in await self._all(newest(query, sessions, page))]

    async def sessions_of_revoked(self, *, before: int) -> Sequence[Session]:
        return [codec.session_of(row) for row in await self._all(of_revoked(before))]

    async def save_session(self, session: Session) -> None:
        await self._save(sessions, codec.session_row(session))

    async def resolve(self, kind: str, part: str) -> Sequence[str]:
        table = _KINDS[kind]
        # Only what an id can consist of reaches LIKE: no wildcard, nothing to escape.
        if not part or not _ID_CHARACTERS.issuperset(part):
            return []
        part = part.lower()
        exact = await self._one(select(table.c.id).where(table.c.id == part))
        if exact is not None:
            return [str(exact["id"])]
        near = or_(table.c.id.like(f"{part}%"), table.c.id.like(f"%{part}"))
        query = select(table.c.id).where(near).order_by(table.c.id.desc()).limit(RESOLVED_MAX)
        return [str(row["id"]) for row in await self._all(query)]


def of_revoked(before: Moment) -> Select[Any]:
    """Sessions that are live although their token was revoked by then."""
    live = sessions.c.state.in_([state.value for state in LIVE])
    joined = select(sessions).join(tokens, tokens.c.id == sessions.c.token)
    return joined.where(live, tokens.c.revoked_at <= before)
