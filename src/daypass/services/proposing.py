"""Changing policy through the app: one person proposes a changed file, another one approves it, then it is written.

The files stay the source: what is approved is written to the file in which the policy stands, and loaded from there as
any other change. Both people are of security (`domain.roles`), and are not one human being. A proposal is for the text
that the file had when it was made; a file that changed meanwhile stops it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from daypass.domain.deciding import written
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.people import Person
from daypass.domain.roles import Role, Verb, spoken
from daypass.domain.standing import Proposal
from daypass.services.interface import PolicyFiles
from daypass.services.notices import tell_guards
from daypass.services.office import Change, Office, acting
from daypass.store.interface import Page, Transaction

PROPOSED, APPROVED, REJECTED = "PROPOSED", "APPROVED", "REJECTED"

OPEN_MAX = 20
"""Proposals that wait at once; each is a whole file, and somebody has to read it."""
TEXT_CHARS_MAX = 256 * 1024
"""A longer policy file is not one that a second person reads."""
PART_CHARS_MIN = 4


class Proposing:
    """The verbs of changing policy."""

    def __init__(self, office: Office, files: PolicyFiles) -> None:
        self._office = office
        self._files = files

    async def propose(self, by: Person, text: str, note: str, based_on: str = "") -> Proposal:
        """Propose this text for the file of the policy that it is. Raise `Invalid` for what would not load, its
        `expect` cases included; `Conflict` if nothing would change, or if the file no longer is the text with the
        digest `based_on` (empty: whatever it is now)."""
        self._check(by)
        note = written(note, "note", needed=True)
        if len(text) > TEXT_CHARS_MAX:
            raise Invalid(f"a policy file has at most {TEXT_CHARS_MAX} characters here", hint="change the file itself")
        name = await self._files.judged(text)
        was, now = _digest(await self._files.present(name)), _digest(text)
        if was == now:
            raise Conflict(f"the file of {name} says this already")
        if based_on and was != based_on:
            raise Conflict(
                f"the file of {name} has changed since you began",
                hint="compare your text with what it says now, and propose that",
            )
        made_at = self._office.now()
        async with self._office.change() as change:
            person = await change.person(by)
            if len(await change.tx.proposals(state=PROPOSED)) >= OPEN_MAX:
                raise Conflict(f"{OPEN_MAX} proposals wait already", hint="daypass policy proposals")
            made = Proposal(self._office.new_id(), PROPOSED, name, text, was, now, note, person.id, made_at)
            await change.tx.save_proposal(made)
            await self._record(change, "policy.proposed", made, person, note)
        return made

    async def list(self, by: Person, page: Page) -> Sequence[Proposal]:
        """The newest first, the decided too. For security and auditors."""
        self._check_reader(by)
        async with self._office.reading() as tx:
            return await tx.proposals(page=page)

    async def show(self, by: Person, part: str) -> tuple[Proposal, str]:
        """A proposal, and what the policy's file says now."""
        self._check_reader(by)
        async with self._office.reading() as tx:
            found = await _find(tx, part)
        return found, await self._files.present(found.policy)

    async def approve(self, by: Person, part: str, digest: str, note: str = "") -> Proposal:
        """Approve exactly the text of this digest, and have it written and loaded. Nobody approves what they proposed,
        under any account."""
        self._check(by)
        note = written(note, "note")
        async with self._office.change() as change:
            person, found = await self._locked(change, by, part)
            crowd = await self._office.everybody(change.tx)
            if person.id in crowd.selves(found.made_by):
                raise Refused("a change of policy takes a second person", hint="ask somebody else of security")
            if digest != found.digest:
                raise Conflict("that is not what was proposed; nothing was changed")
            if _digest(await self._files.present(found.policy)) != found.was:
                raise Conflict(f"the file of {found.policy} has changed since", hint="propose the change anew")
            await self._files.judged(found.text)
            done = replace(
                found, state=APPROVED, decided_by=person.id, decided_at=self._office.now(), decided_note=note
            )
            await change.tx.save_proposal(done)
            await self._record(change, "policy.approved", done, person, note)
            # Last, so that a file that cannot be written leaves no approval behind.
            await self._files.write(found.policy, found.text)
        return done

    async def reject(self, by: Person, part: str, note: str) -> Proposal:
        """Reject a proposal, or take one's own back."""
        self._check(by)
        note = written(note, "note", needed=True)
        async with self._office.change() as change:
            person, found = await self._locked(change, by, part)
            done = replace(
                found, state=REJECTED, decided_by=person.id, decided_at=self._office.now(), decided_note=note
            )
            await change.tx.save_proposal(done)
            await self._record(change, "policy.rejected", done, person, note)
        return done

    async def _locked(self, change: Change, by: Person, part: str) -> tuple[Person, Proposal]:
        person = await change.person(by)
        self._check(person)
        found = await change.tx.proposal_for_change((await _find(change.tx, part)).id)
        if found is None or found.state != PROPOSED:
            raise Conflict(f"this proposal is {found.state if found else 'gone'} already")
        return person, found

    async def _record(self, change: Change, type: str, about: Proposal, by: Person, note: str) -> None:
        body = {"proposal": about.id, "policy": about.policy, "digest": about.digest, "was": about.was}
        secret = {"note": note} if note else {}
        event = Event(type, self._office.now(), acting(by), body=body, secret=secret)
        await change.record(event)
        await tell_guards(self._office, change, event)

    def _check(self, by: Person) -> None:
        if not self._office.may(by, Verb.CHANGE_POLICY):
            who = spoken(self._office.standing[Role.SECURITY])
            raise Refused(f"policy is changed by {who}, by two of them", hint="or in its file, by the operator")

    def _check_reader(self, by: Person) -> None:
        if not self._office.may(by, Verb.SEE_PROPOSALS):
            raise Refused("proposals are for those who change policy, and auditors")


async def _find(tx: Transaction, part: str) -> Proposal:
    part = part.strip().lower()
    found = [
        one
        for one in await tx.proposals(page=Page(1000))
        if len(part) >= PART_CHARS_MIN and (one.id.endswith(part) or one.id.startswith(part))
    ]
    if len(found) != 1:
        raise NotFound(f"there is no proposal {part}", hint="daypass policy proposals")
    return found[0]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
