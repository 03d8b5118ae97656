"""Whether anything is due, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal_column, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from daypass.domain.grant import UNFINISHED, UNUSED, GrantState
from daypass.domain.obligation import ObligationState
from daypass.domain.request import OPEN
from daypass.store.due import DEPARTING, Due
from daypass.store.schema import grants, locks, obligations, requests, sessions, settings
from daypass.store.sql.bulk import bulk_on
from daypass.store.sql.locking import shuts
from daypass.store.sql.requests import grant_is_due, is_to_escalate, of_disabled
from daypass.store.sql.sessions import of_revoked
from daypass.store.sql.statement import Part

_NOW: ColumnElement[int] = literal_column("{p}1", BigInteger)
_WAITS = requests.c.state.in_([state.value for state in OPEN])

_QUESTIONS: Mapping[Due, tuple[Select[Any], ...]] = {
    Due.ENDS: (
        select(grants.c.id).where(grants.c.state == GrantState.ACTIVE.value, grant_is_due(_NOW)),
        select(grants.c.id).where(grants.c.state.in_([state.value for state in UNFINISHED])),
    ),
    Due.STARTS: (
        select(grants.c.id).where(grants.c.state.in_([state.value for state in UNUSED]), grant_is_due(_NOW)),
        select(grants.c.id).where(grants.c.state == GrantState.SCHEDULED.value, grants.c.start_at <= _NOW),
    ),
    Due.LOCKS: (select(locks.c.id).where(*shuts(_NOW)),),
    Due.DEPARTURES: (
        of_disabled().with_only_columns(grants.c.id),
        select(settings.c.name).where(settings.c.name == DEPARTING, func.length(settings.c.value) > len("{}")),
    ),
    Due.REVOKED: (of_revoked(_NOW).with_only_columns(literal_column("1")),),
    Due.DOUBTS: (select(sessions.c.id).where(sessions.c.look_at <= _NOW),),
    Due.DECISIONS: (select(requests.c.id).where(_WAITS, requests.c.decide_by <= _NOW),),
    Due.ESCALATIONS: (select(requests.c.id).where(_WAITS, *is_to_escalate(_NOW)),),
    Due.OBLIGATIONS: (
        select(obligations.c.id).where(obligations.c.state == ObligationState.DUE.value, obligations.c.due_at <= _NOW),
    ),
}


class Dues(Part):
    async def due(self, now: int) -> frozenset[Due]:
        (found,) = await bulk_on(self._connection).ask(_statement(self._connection.dialect.name), now)
        return frozenset(one for one, there in zip(_QUESTIONS, found, strict=True) if there)


@cache
def _statement(database: str) -> str:
    """Written out: having SQLAlchemy put in values takes ten times what the database does."""
    dialect = {one.name: one for one in (sqlite.dialect, postgresql.dialect)}[database]
    each = [or_(*(one.exists() for one in questions)) for questions in _QUESTIONS.values()]
    return str(select(*each).compile(dialect=dialect(), compile_kwargs={"literal_binds": True}))
