"""Counts over the record of statements. Part of a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from daypass.store.counting import DAY_MS, Recurrence
from daypass.store.schema import entries, entry_search
from daypass.store.sql.statement import Part

SUBMITTED = "statement.submitted"
_E, _S = entries.c, entry_search.c
_DAY = (_E.t // DAY_MS).label("day")


class Counts(Part):
    async def recurring(
        self, *, since: int, until: int, least: int, actor: str | None = None, limit: int
    ) -> Sequence[Recurrence]:
        sessions = func.count(_E.session.distinct())
        found = _submitted(
            select(
                _S.fingerprint,
                func.min(_S.kind).label("kind"),
                func.min(_S.effect).label("effect"),
                func.min(_S.tables).label("tables"),
                sessions.label("sessions"),
                func.count(_E.actor.distinct()).label("people"),
                func.min(_E.idx).label("first"),
            ),
            since,
            until,
            actor,
        )
        found = found.where(_S.fingerprint != "").group_by(_S.fingerprint).having(sessions >= least)
        rows = await self._all(found.order_by(sessions.desc(), _S.fingerprint).limit(limit))
        days = await self._days([row["fingerprint"] for row in rows], since, until, actor)
        return [Recurrence(**row, days=days[row["fingerprint"]]) for row in rows]

    async def _days(
        self, fingerprints: Sequence[str], since: int, until: int, actor: str | None
    ) -> Mapping[str, Mapping[int, int]]:
        query = _submitted(select(_S.fingerprint, _DAY, func.count().label("n")), since, until, actor)
        query = query.where(_S.fingerprint.in_(fingerprints)).group_by(_S.fingerprint, _DAY)
        days: dict[str, dict[int, int]] = {fingerprint: {} for fingerprint in fingerprints}
        for row in await self._all(query):
            days[row["fingerprint"]][row["day"]] = row["n"]
        return days

    async def statements_by_day(self, *, since: int, until: int, actor: str | None = None) -> Mapping[int, int]:
        query = _submitted(select(_DAY, func.count().label("n")), since, until, actor).group_by(_DAY)
        return {row["day"]: row["n"] for row in await self._all(query)}

    async def effects_of(self, *, since: int) -> Mapping[str, Mapping[str, int]]:
        query = _submitted(select(_E.session, _S.effect, func.count().label("n")), since, None, None)
        found: dict[str, dict[str, int]] = {}
        for row in await self._all(query.group_by(_E.session, _S.effect)):
            found.setdefault(row["session"] or "", {})[row["effect"]] = row["n"]
        return found


def _submitted(query: Select[Any], since: int, until: int | None, actor: str | None) -> Select[Any]:
    query = query.join_from(entries, entry_search, _E.idx == _S.idx).where(_E.type == SUBMITTED, _E.t >= since)
    if until is not None:
        query = query.where(_E.t < until)
    return query if actor is None else query.where(_E.actor == actor)
