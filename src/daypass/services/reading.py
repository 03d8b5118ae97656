"""Lists and single things, as one person may see them. Changes nothing; what they may not see does not exist for them.

Whoever reads everything gets pages straight from the store; for everybody else each row is judged, over a bounded
number of rows.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import Literal, TypeVar

from daypass.domain import grant as grants
from daypass.domain import session as sessions
from daypass.domain.deciding import may_decide
from daypass.domain.errors import NotFound
from daypass.domain.grant import Grant, GrantState
from daypass.domain.people import Person, selected
from daypass.domain.request import OPEN, Request
from daypass.domain.roles import Verb
from daypass.domain.session import Session
from daypass.services.office import Office
from daypass.services.sight import see_grant, see_request, see_session, sees_request, unknown
from daypass.store.interface import Page, StoredEntry, Transaction

View = Literal["mine", "to-decide", "all"]
Row = TypeVar("Row", Request, Grant, Session)
Shown = TypeVar("Shown", Request, Grant, Session, Grant | Session)
Sees = Callable[[Sequence[Shown]], Awaitable[set[str]]]
"""Which of these a person may see, by id."""

PAGE_MAX = 200
"""Rows of one page: what a person scrolls through."""
LOOKED_AT_MAX = 5000
"""Rows judged for one page of somebody who does not see everything; older ones are found by their id."""
BATCH = 500
ENTRIES_MAX = 1000
"""Entries of one page."""


class Reading:
    """What there is to see."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def people(self) -> Mapping[str, Person]:
        """Everybody by id, the disabled too: to put names to what is shown. Read anew only when anybody changed."""
        async with self._office.reading() as tx:
            return (await self._office.everybody(tx)).by_id

    # -- single things ------------------------------------------------------------------------------------------

    async def request(self, by: Person, part: str) -> Request:
        """The request that `part` of its id names. Raise `NotFound`, also for what this person may not see."""
        async with self._office.reading() as tx:
            return await see_request(self._office, tx, by, part)

    async def grant(self, by: Person, part: str) -> Grant:
        """The grant that `part` names, as `request`."""
        async with self._office.reading() as tx:
            return (await see_grant(self._office, tx, by, part))[0]

    async def session(self, by: Person, part: str) -> Session:
        """The session that `part` names, as `request`."""
        async with self._office.reading() as tx:
            return (await see_session(self._office, tx, by, part))[0]

    # -- lists --------------------------------------------------------------------------------------------------

    async def requests(self, by: Person, view: View, page: Page) -> Sequence[Request]:
        """The newest requests: one's own, those one may decide now, or all that one may see."""
        async with self._office.reading() as tx:
            if view == "mine":
                return await tx.requests(requester=by.id, page=page)
            if view == "to-decide":

                async def waiting(part: Page) -> Sequence[Request]:
                    # Each state by itself: an index has them in order, so that the newest are all that is read.
                    each = [await tx.requests(eligible=by.id, states=(state,), page=part) for state in OPEN]
                    return heapq.nlargest(part.limit, chain(*each), key=lambda one: one.id)

                return await self._judged(waiting, _decides(tx, by), page)
            if self._office.may(by, Verb.SEE):
                return await tx.requests(page=page)
            around = self._around(by)

            async def some(part: Page) -> Sequence[Request]:
                return await tx.requests(around=around, page=part)

            return await self._judged(some, self._shows(by), page)

    async def grants(self, by: Person, page: Page, *, mine: bool, live: bool) -> Sequence[Grant]:
        """The newest grants; `live`: only those that open something now or soon."""
        states = grants.LIVE if live else ()
        async with self._office.reading() as tx:
            if mine or self._office.may(by, Verb.SEE):
                return await tx.grants(person=by.id if mine else None, states=states, page=page)

            around = self._around(by)

            async def some(part: Page) -> Sequence[Grant]:
                return await tx.grants(states=states, around=around, page=part)

            return await self._judged(some, self._sees(tx, by), page)

    async def sessions(self, by: Person, page: Page, *, grant: str | None, live: bool) -> Sequence[Session]:
        """The newest sessions, all of them or those of one grant."""
        states = sessions.LIVE if live else ()
        async with self._office.reading() as tx:
            if grant is not None:
                found, _ = await see_grant(self._office, tx, by, grant)
                return await tx.sessions(grant=found.id, states=states, page=page)
            if self._office.may(by, Verb.SEE):
                return await tx.sessions(states=states, page=page)

            around = self._around(by)

            async def some(part: Page) -> Sequence[Session]:
                return await tx.sessions(states=states, around=around, page=part)

            return await self._judged(some, self._sees(tx, by), page)

    def _around(self, by: Person) -> str | None:
        """Whom the store is to look around: what it then leaves out, this person does not see in any case. None: who
        owns a target may see whatever is about it."""
        owns = any(selected(by, target.owners) for target in self._office.targets.values())
        return None if owns else by.id

    def _shows(self, by: Person) -> Sees[Request]:
        async def seen(rows: Sequence[Request]) -> set[str]:
            return {row.id for row in rows if sees_request(self._office, by, row)}

        return seen

    def _sees(self, tx: Transaction, by: Person) -> Sees[Grant | Session]:
        async def seen(rows: Sequence[Grant | Session]) -> set[str]:
            requests = await tx.requests(ids=sorted({row.request for row in rows}))
            known = {one.id for one in requests if sees_request(self._office, by, one)}
            return {row.id for row in rows if row.request in known}

        return seen

    async def _judged(
        self, some: Callable[[Page], Awaitable[Sequence[Row]]], sees: Sees[Row], page: Page
    ) -> Sequence[Row]:
        found: list[Row] = []
        before = page.before
        for n in range(LOOKED_AT_MAX // BATCH):
            # Most often everything is seen: then one page is all that has to be read.
            batch = BATCH if n else max(page.limit, 1)
            rows = await some(Page(batch, before))
            seen = await sees(rows)
            found += [row for row in rows if row.id in seen]
            if len(found) >= page.limit or len(rows) < batch:
                break
            before = rows[-1].id
        return found[: page.limit]

    # -- the record ---------------------------------------------------------------------------------------------

    async def entries(
        self,
        by: Person,
        *,
        since: int,
        limit: int,
        types: Sequence[str] = (),
        request: str | None = None,
        grant: str | None = None,
        session: str | None = None,
    ) -> Sequence[StoredEntry]:
        """Entries of the ledger in their order: of one thing that this person may see, or of all for readers."""
        async with self._office.reading() as tx:
            request = (await see_request(self._office, tx, by, request)).id if request else None
            grant = (await see_grant(self._office, tx, by, grant))[0].id if grant else None
            session = (await see_session(self._office, tx, by, session))[0].id if session else None
            if not (request or grant or session or self._office.may(by, Verb.READ_LOG)):
                raise unknown("request", "(none named)")
            return await tx.entries(
                since=since, types=types, request=request, grant=grant, session=session, limit=limit
            )

    async def entry(self, by: Person, id: str, *, everyone: bool) -> StoredEntry:
        """One entry, perhaps without its place yet: of what this person may see or did; `everyone` may see all."""
        async with self._office.reading() as tx:
            found = await tx.entry(id)
            if found is None:
                raise unknown_entry(id)
            if everyone or self._office.may(by, Verb.READ_LOG):
                return found
            envelope = json.loads(found.entry)
            request = await tx.request(envelope["request"]) if "request" in envelope else None
        own = envelope["actor"]["id"] == by.id
        if not own and (request is None or not sees_request(self._office, by, request)):
            raise unknown_entry(id)
        return found

    async def newest_of(
        self, types: Sequence[str], *, request: str | None = None, session: str | None = None, actor: str | None = None
    ) -> str | None:
        """The id of the newest entry of these types about one thing; None: there is none."""
        async with self._office.reading() as tx:
            return await tx.newest_of(types, request=request, session=session, actor=actor)


def unknown_entry(id: str) -> NotFound:
    """The error for an entry that is not there, or not for this person."""
    return NotFound(f"there is no entry {id}", hint="what makes an entry answers with its id")


def _decides(tx: Transaction, by: Person) -> Sees[Request]:
    async def seen(rows: Sequence[Request]) -> set[str]:
        mine = [row for row in rows if may_decide(row, by)]
        longer = sorted({row.extends for row in mine if row.extends is not None})
        running = await tx.grants(ids=longer, states=(GrantState.ACTIVE,)) if longer else ()
        # Of a grant that is over nothing can be extended, whatever is decided.
        left = {None, *(grant.id for grant in running)}
        return {row.id for row in mine if row.extends in left}

    return seen
