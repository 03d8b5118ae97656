"""Obligations: who owes what after access, and doing it. What time makes of them is in `sweep`.

An obligation begins in the transaction of what it is about (a grant that ended, a glass that was broken), and nothing
but a person ends it. Overdue is not over: it is told to more people, and can still be done.
"""

from __future__ import annotations

from collections.abc import Sequence

from daypass.domain import obligation as obligations
from daypass.domain.crowd import Crowd
from daypass.domain.deciding import written
from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.grant import LIVE, EndReason
from daypass.domain.obligation import RATIFY, Obligation, ObligationAction, ObligationState
from daypass.domain.people import SYSTEM, Actor, Person
from daypass.domain.roles import Verb
from daypass.services.endings import Endings
from daypass.services.office import Change, Office, acting
from daypass.services.owing import done, escalated, obligation_event
from daypass.services.sight import find_id
from daypass.store.interface import Page, Transaction

BATCH = 200
LOOKED_AT_MAX = 20_000
"""Obligations that are looked at for one page, a batch at a time: most are of other people's teams."""

SWEEP_MAX = 200
"""Obligations that one sweep calls overdue; the next one, a second later, takes the rest."""

_OPEN = (ObligationState.DUE, ObligationState.OVERDUE, ObligationState.FLAGGED)


class Duties:
    """What is owed."""

    def __init__(self, office: Office, endings: Endings) -> None:
        self._office = office
        self._endings = endings

    async def list(self, by: Person, *, everything: bool, page: Page) -> Sequence[Obligation]:
        """Open obligations that this person may do (`everything`: all that they may see, the done too), newest
        first."""
        async with self._office.reading() as tx:
            crowd = await self._office.everybody(tx)
            states = () if everything else _OPEN
            wanted: list[Obligation] = []
            before, looked_at = page.before, 0
            while looked_at < LOOKED_AT_MAX:
                found = await tx.obligations(states=states, page=Page(BATCH, before))
                wanted += [one for one in found if self._lists(by, one, crowd, everything=everything)]
                if len(wanted) >= page.limit or len(found) < BATCH:
                    break
                before, looked_at = found[-1].id, looked_at + BATCH
        return wanted[: page.limit]

    def _lists(self, by: Person, one: Obligation, crowd: Crowd, *, everything: bool) -> bool:
        if everything and (self._office.may(by, Verb.SEE_DUTY) or by.id == one.person):
            return True
        return (everything or one.open) and obligations.may_do(one, by, crowd.selves(one.person))

    async def show(self, by: Person, part: str) -> Obligation:
        """One obligation. Raise `NotFound`, also for what this person may not see."""
        async with self._office.reading() as tx:
            return await self._see(tx, by, part)

    async def _see(self, tx: Transaction, by: Person, part: str, *, change: bool = False) -> Obligation:
        id = await find_id(tx, "obligation", part)
        found = await (tx.obligation_for_change(id) if change else tx.obligation(id))
        if found is None:
            raise NotFound(f"there is no obligation {part}", hint="daypass obligations")
        crowd = await self._office.everybody(tx)
        own = by.id == found.person or self._office.may(by, Verb.SEE_DUTY)
        if by.disabled or not (own or obligations.may_do(found, by, crowd.selves(found.person))):
            raise NotFound(f"there is no obligation {part}", hint="daypass obligations")
        return found

    async def _own(self, change: Change, person: Person, part: str) -> Obligation:
        """The obligation, locked, if this person may do it."""
        found = await self._see(change.tx, person, part, change=True)
        crowd = await self._office.everybody(change.tx)
        if not obligations.may_do(found, person, crowd.selves(found.person)):
            mine = person.id in crowd.selves(found.person)
            raise Refused("nobody signs off their own access" if mine else "this is not for you to do")
        return found

    async def sign_off(self, by: Person, part: str, note: str, *, flag: bool = False) -> Obligation:
        """Say that what was done was what was asked for; `flag`: that a follow-up is needed, and which."""
        note = written(note, "note", needed=True)
        async with self._office.change() as change:
            person = await change.person(by)
            found = await self._own(change, person, part)
            if found.kind == RATIFY:
                raise Conflict("this one is ratified, not signed off", hint=f"daypass ratify {found.request}")
            return await done(self._office, change, found, person, note, flag=flag)

    async def settle(self, by: Person, part: str, note: str) -> Obligation:
        """Say what came of the follow-up of a flagged one."""
        note = written(note, "note", needed=True)
        async with self._office.change() as change:
            person = await change.person(by)
            found = await self._own(change, person, part)
            settled = obligations.settle(found, person.id, note, self._office.now())
            await change.tx.save_obligation(settled)
            await change.record(
                obligation_event(self._office, "obligation.settled", settled, acting(person), note=note)
            )
        return settled

    async def sweep(self, now: int) -> int:
        """Call overdue what is, tell more people, and end access that was not ratified in time. Returns how many."""
        async with self._office.reading() as tx:
            due = await tx.obligations(states=(ObligationState.DUE,), due_until=now, page=Page(SWEEP_MAX))
        for one in due:
            await self._overdue(one.id, now)
        return len(due)

    async def _overdue(self, id: str, now: int) -> None:
        async with self._office.change() as change:
            found = await change.tx.obligation_for_change(id)
            if found is None or found.state is not ObligationState.DUE or now < found.due_at:
                return
            late = obligations.step(found, ObligationAction.MISS)
            await change.tx.save_obligation(late)
            await change.record(obligation_event(self._office, "obligation.overdue", late, SYSTEM))
            await escalated(self._office, change, late, "overdue")
        if late.kind == RATIFY:
            await self.end_unratified(late, SYSTEM, "it was not ratified in time")

    async def end_unratified(self, about: Obligation, by: Actor, why: str) -> None:
        """Begin to end the grant of a broken glass that nobody stands for, if it still opens anything."""
        async with self._office.reading() as tx:
            grant = await tx.grant(about.grant)
        if grant is not None and grant.state in LIVE:
            self._endings.end_soon(grant.id, EndReason.NOT_RATIFIED, by, why)
