"""What people were told, and what they could not be: for themselves, and for those who look after the channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daypass.domain.errors import Conflict, NotFound, Refused
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.domain.standing import Notice
from daypass.services.composing import compose
from daypass.services.notices import INSIDE
from daypass.services.office import Office
from daypass.store.interface import Page


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice with its line; empty if what it was about is gone."""

    notice: Notice
    title: str


class Inbox:
    """Reads the outbox; the one thing it changes is to have something tried again."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def mine(self, by: Person, page: Page) -> Sequence[Shown]:
        """The newest of what this person was told, by whatever channel: each once."""
        async with self._office.reading() as tx:
            found = await tx.inbox(by.id, INSIDE, page)
            messages = [await compose(self._office, tx, one, found=True) for one in found]
        return [Shown(one, message.title if message else "") for one, message in zip(found, messages, strict=True)]

    async def failed(self, by: Person, page: Page) -> Sequence[Shown]:
        """The newest of what was given up. Raise `Refused` for who may not read everything."""
        if not self._office.may(by, Verb.SEE_FAILED):
            raise Refused("what could not be told is for security, auditors and operators")
        async with self._office.reading() as tx:
            found = await tx.failed_notices(page)
            messages = [await compose(self._office, tx, one, found=True) for one in found]
        return [Shown(one, message.title if message else "") for one, message in zip(found, messages, strict=True)]

    async def retry(self, by: Person, id: str) -> Notice:
        """Try something that was given up again, from the first pause on."""
        if not self._office.may(by, Verb.RETRY):
            raise Refused("only security and operators have messages tried again")
        async with self._office.store.begin() as tx:
            found = await tx.notice(id)
            if found is None or found.channel == INSIDE:
                raise NotFound(f"there is no message {id}", hint="daypass notify failed")
            if found.next_at or found.sent_at is not None or not found.problem:
                raise Conflict(f"message {id} was not given up")
            now = self._office.now()
            again = replace(found, next_at=now, made_at=now)
            await tx.save_notice(again)
        return again
