"""Lists for somebody who does not see everything: the store leaves out what they have nothing to do with.

Who decides everything has most of the newest rows, and who asks once a year has one in a hundred thousand. So the
newest rows are gone through one by one, as far as a window reaches, and only behind it they are found by the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, CompoundSelect, Select, Table, exists, or_, select, union

from daypass.domain.request import RequestState
from daypass.store.interface import Page
from daypass.store.schema import request_deciders, requests
from daypass.store.sql.statement import Part, newest

WINDOW = 2000
"""Rows gone through one by one: some milliseconds. Who has less than a page of them has few, which are soon found."""

_GLASS = (RequestState.BROKEN_GLASS.value, RequestState.RATIFIED.value, RequestState.NOT_RATIFIED.value)
_r = requests.alias()
_NAMED = ("requester", "on_behalf_of", "asked_by")


class Around(Part):
    async def around(
        self, query: Select[Any], table: Table, request: Column[str], person: str, page: Page | None
    ) -> list[Mapping[str, Any]]:
        """The rows of `query`, which is over `table`, that this person may have to do with; `request` is the column
        with the id of the request that a row is about. The newest first, a page of them."""
        if page is None:
            return list(await self._all(newest(query.where(request.in_(_theirs(person))), table, None)))
        edge = await self._edge(table, page)
        near = newest(query.where(_is_theirs(request, person)), table, page)
        found = list(await self._all(near if edge is None else near.where(table.c.id >= edge)))
        if edge is not None and len(found) < page.limit:
            far = newest(query.where(request.in_(_theirs(person))), table, Page(page.limit - len(found), edge))
            found += await self._all(far)
        return found

    async def _edge(self, table: Table, page: Page) -> str | None:
        """The id of the last row of the window; None: it reaches to the end."""
        window = newest(select(table.c.id), table, Page(1, page.before)).offset(WINDOW)
        row = await self._one(window)
        return None if row is None else str(row["id"])


def _is_theirs(request: Column[str], person: str) -> ColumnElement[bool]:
    named = or_(*(_r.c[name] == person for name in _NAMED), _r.c.state.in_(_GLASS))
    decides = exists().where(request_deciders.c.request == request, request_deciders.c.person == person)
    return or_(exists().where(_r.c.id == request, named), decides)


def _theirs(person: str) -> CompoundSelect[Any]:
    """The ids of their requests. Each part is a look into an index."""
    return union(
        *(select(_r.c.id).where(_r.c[name] == person) for name in _NAMED),
        select(_r.c.id).where(_r.c.state.in_(_GLASS)),
        select(request_deciders.c.request).where(request_deciders.c.person == person),
    )
