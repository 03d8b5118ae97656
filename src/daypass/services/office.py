"""What every service works with, and the one way to change anything: a state and the events that tell of it, together.

`Office.change` opens a transaction; `Change.record` puts an event into it. Both commit or neither does. Who wants to
know of events is told after the commit, never before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from daypass.domain.crowd import Crowd
from daypass.domain.errors import Refused, Unavailable
from daypass.domain.events import Event, TargetRef
from daypass.domain.identifiers import ENTROPY_BYTES, uuid7
from daypass.domain.people import Actor, Person, selected
from daypass.domain.policy_set import PolicySet
from daypass.domain.roles import USUAL, Role, Verb, permits
from daypass.domain.standing import Outlet
from daypass.domain.target import Target
from daypass.ledger.entry import seal
from daypass.services.interface import OnCall, Tickets
from daypass.services.locked import Everybody, check_person
from daypass.store.directory import SavedPeople
from daypass.store.interface import Store, Transaction

Listener = Callable[[Event], None]
"""Told of every event after its commit. It must neither block nor raise: it only takes note."""


Herald = Callable[["Change", Event], Awaitable[None]]
"""Told of every event inside its transaction, to have people told of it. What it raises undoes the change."""


class OnRecord(Refused):
    """A refusal that is on record itself: whatever else was done in its transaction is undone, and `event` told."""

    def __init__(self, message: str, event: Event, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.event = event


@dataclass(slots=True)
class Policies:
    """The policies in force. Replacing `current` is how they change."""

    current: PolicySet = field(default_factory=PolicySet)


BEHIND_MS = 2000
"""How far the clock may be behind the newest entry: nodes' clocks differ by less than this."""


@dataclass(slots=True)
class Newest:
    """The time of the newest entry there was when this run began (0: none)."""

    t: int = 0


@dataclass(slots=True)
class Kept:
    """Everybody as last known, with the store's revision of the people that they are of."""

    crowd: tuple[str, Crowd] | None = None
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by who reads everybody: a page asks several things at once, and one reading is for all of them."""

    def known(self, revision: str, saved: SavedPeople | None) -> Crowd | None:
        """Everybody of this revision, with whom a transaction has saved; None: they have to be read."""
        if self.crowd is not None and self.crowd[0] == revision:
            return self.crowd[1]
        ours = self.with_saved(saved)
        return ours[1] if ours is not None and ours[0] == revision else None  # not committed yet, so not kept

    def with_saved(self, saved: SavedPeople | None) -> tuple[str, Crowd] | None:
        """The same after these were saved; None if they were saved on top of what is not known here."""
        if saved is None or self.crowd is None or self.crowd[0] != saved.after:
            return None
        return saved.revision, self.crowd[1].changed(saved.people)


@dataclass(frozen=True, slots=True)
class Office:
    """`now` is the clock (ms since 1970), `entropy` the source of random bytes. `standing` says who (groups and
    addresses) holds the roles that somebody has over everything."""

    store: Store
    now: Callable[[], int]
    entropy: Callable[[int], bytes]
    targets: Mapping[str, Target]
    policies: Policies = field(default_factory=Policies)
    standing: Mapping[Role, tuple[str, ...]] = field(default_factory=lambda: dict(USUAL))
    listeners: list[Listener] = field(default_factory=list)
    newest: Newest = field(default_factory=Newest)
    lock: Callable[[bytes], bytes] | None = None
    """Encrypts bodies to those who may read them; None: they are kept as they are."""
    owners: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each group that somebody owns, the addresses of those who do."""
    tickets: Tickets | None = None
    on_call: Mapping[str, OnCall] = field(default_factory=dict)
    """The on-call schedules, by name."""
    duties_of: Mapping[str, str] = field(default_factory=dict)
    """For each group whose duty a schedule shows, the name of that schedule."""
    channels: tuple[Outlet, ...] = ()
    """What people are told over, besides the one that is always there."""
    heralds: list[Herald] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)

    async def everybody(self, tx: Transaction) -> Crowd:
        """Everybody as this transaction sees them, with who owns which group. They are read anew only when the store
        says, in this transaction, that somebody changed whom another node saved."""
        revision = await tx.people_revision()
        if (known := self.kept.known(revision, tx.saved_people)) is not None:
            return known
        async with self.kept.reading:
            if (known := self.kept.known(revision, tx.saved_people)) is not None:
                return known
            kept = self.kept.crowd
            crowd = Crowd(await tx.people(), self.owners)
            if self.kept.crowd is kept:
                self.kept.crowd = (revision, crowd)
            return crowd

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return uuid7(self.now(), self.entropy(ENTROPY_BYTES))

    def behind_ms(self) -> int:
        """How far the clock is behind the record, if it is further than clocks differ; otherwise 0."""
        behind = self.newest.t - self.now()
        return behind if behind > BEHIND_MS else 0

    def check_clock(self) -> None:
        """Raise `Unavailable` while the clock is behind the record: a deadline by it would be too late."""
        if behind := self.behind_ms():
            raise Unavailable(
                f"the gateway's clock is {behind // 1000} s behind its own record, so nothing can be opened",
                hint="the operator sets the clock right and starts Daypass again",
            )

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """A transaction for a change and its events; listeners are told once it is committed. Of what is `OnRecord`
        everything is undone but its event."""
        try:
            async with self.store.begin() as tx:
                change = Change(tx, self.entropy, self.now, self.everybody, lock=self.lock, heralds=tuple(self.heralds))
                yield change
            self.kept.crowd = self.kept.with_saved(tx.saved_people) or self.kept.crowd
        except OnRecord as refused:
            async with self.change() as change:
                await change.record(refused.event)
            raise
        for event in change.events:
            for listener in self.listeners:
                listener(event)

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that changes nothing."""
        return self.store.reading()

    def target_ref(self, name: str) -> TargetRef | None:
        """The target as an event names it; None if it is no longer configured."""
        target = self.targets.get(name)
        return TargetRef(name, target.protocol) if target else None

    def roles(self, person: Person) -> frozenset[Role]:
        """The roles that this person has over everything. A disabled person has none."""
        return frozenset(role for role, of in self.standing.items() if selected(person, of))

    def may(self, person: Person, verb: Verb) -> bool:
        """Whether this person may do this to anything, whosoever it is."""
        return permits(verb, self.roles(person))

    def is_security(self, person: Person) -> bool:
        """Whether this person is one of those who are told when something is wrong."""
        return Role.SECURITY in self.roles(person)


@dataclass(slots=True)
class Change:
    """One open transaction. `events` are those recorded in it, in order."""

    tx: Transaction
    entropy: Callable[[int], bytes]
    now: Callable[[], int]
    everybody: Everybody
    events: list[Event] = field(default_factory=list)
    lock: Callable[[bytes], bytes] | None = None
    heralds: tuple[Herald, ...] = ()
    counted: set[bytes] = field(default_factory=set)
    """Signatures of passkeys whose counter was taken: one may be for several votes of a bundle."""

    async def record(self, event: Event) -> str:
        """Put an event into the ledger, in this transaction, with what people are to be told of it. The state that the
        event tells of is saved before. Returns the entry's id."""
        draft = seal(event, self.entropy, self.lock)
        await self.tx.append(draft)
        self.events.append(event)
        for herald in self.heralds:
            await herald(self, event)
        return draft.id

    async def person(self, by: Person) -> Person:
        """Who acts, as the store knows them now. Raise `Refused` if they are gone, disabled or locked meanwhile."""
        present = await self.tx.person(by.id)
        if present is None or present.disabled:
            raise Refused("this person is disabled")
        await check_person(self.tx, present, self.now(), self.everybody)
        return present


def acting(person: Person) -> Actor:
    """A person, as an event names who did it."""
    return Actor(person.id, "person")


def reachable(target: Target | None, name: str) -> Target:
    """A target that something in the store names; `Unavailable` if the settings no longer do."""
    if target is None:
        raise Unavailable(f"the target {name} is no longer configured")
    return target
