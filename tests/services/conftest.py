"""A whole office over a real store, SQLite and PostgreSQL in turn, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from typing import Protocol as Interface

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from daypass.credentials.static import StaticCredentials
from daypass.domain.events import Event
from daypass.domain.grant import EndReason, Grant
from daypass.domain.people import OPERATOR, Person
from daypass.domain.policy_set import load_policies
from daypass.domain.request import Request
from daypass.domain.session import Over, Session
from daypass.domain.target import Credential, Target, TargetRole
from daypass.services.admitting import Admission, Admitting
from daypass.services.asking import Wish
from daypass.services.clocks import Clocks
from daypass.services.codes import Codes
from daypass.services.departing import Departing
from daypass.services.doubts import Doubts
from daypass.services.duties import Duties
from daypass.services.endings import Endings
from daypass.services.glass import Glass
from daypass.services.grants import Grants
from daypass.services.interface import Live, SessionEnd
from daypass.services.locking import Locks
from daypass.services.office import Office, Policies
from daypass.services.people import People
from daypass.services.recovery import Recovery
from daypass.services.refusals import Refusals
from daypass.services.requests import Requests
from daypass.services.revoking import Revoking
from daypass.services.sessions import Sessions
from daypass.services.signing import Signing
from daypass.services.starting import Starting
from daypass.services.tightening import Tightening
from daypass.services.tokens import Tokens
from daypass.services.visiting import Visits
from daypass.store.interface import Store
from tests.domain.things import HOUR, NOW, PEOPLE, POLICY, TARGETS
from tests.services.keyring import Keyring
from tests.store.conftest import migrated_database, migrated_file, opener, store

__all__ = ["migrated_database", "migrated_file", "opener", "store"]

NODE = "one"
SIMPLE = POLICY.replace("        - { need: 1, of: [group:secops] }\n", "").replace("needs: 2", "needs: 1")
"""The example with one stage for changes."""


@dataclass(slots=True)
class Clock:
    """What time it is."""

    t: int = NOW

    def __call__(self) -> int:
        return self.t


class HasSessions(Interface):
    """Whoever is told that a session ended."""

    @property
    def sessions(self) -> Sessions: ...


@dataclass(slots=True)
class Carrying:
    """A gateway's side of the border without its sockets: what it carries, and what a target would answer."""

    world: HasSessions
    carried: set[str] = field(default_factory=set)
    broken: bool = False
    idle: bool = False
    """Nothing of any session is found at the target."""
    hangs: asyncio.Event | None = None
    others: Sequence[str] = ()
    cuts: list[tuple[str, EndReason, str, str]] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)
    moved: list[tuple[str, int, int | None]] = field(default_factory=list)
    ends: dict[str, SessionEnd] = field(default_factory=dict)

    async def cut(self, sessions: Sequence[str], reason: EndReason, message: str, hint: str) -> Sequence[SessionEnd]:
        if self.hangs is not None:
            await self.hangs.wait()
        here = [id for id in sessions if id in self.carried]
        for id in here:
            self.cuts.append((id, reason, message, hint))
            self.carried.discard(id)
            self.ends[id] = self._end(id)
            await self.world.sessions.ended(Over(id, reason, "", 2, "complete", 7), self.ends[id])
        return [self.ends[id] for id in sessions if id in self.ends]

    async def sweep(
        self, target: Target, role: TargetRole, credential: Credential, sessions: Sequence[Session]
    ) -> Sequence[SessionEnd]:
        self.swept += [session.id for session in sessions]
        return [self._end(session.id) for session in sessions]

    def _end(self, id: str) -> SessionEnd:
        problem = "the target does not answer" if self.broken else ""
        was = "" if self.idle else "active"
        return SessionEnd(id, {"stopped": 3.25}, was, "terminated", not self.broken, problem)

    async def around(
        self, target: Target, role: TargetRole, credential: Credential, sessions: Sequence[Session]
    ) -> Sequence[str]:
        return self.others

    def carrying(self) -> Mapping[str, Sequence[str]]:
        return {}

    def reschedule(self, grant: str, expires_at: int, extend_ms: int | None) -> None:
        self.moved.append((grant, expires_at, extend_ms))


class World:
    """Everything, and short ways to the states that tests begin with."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock()
        self.told: list[Event] = []
        self.targets = dict(TARGETS)
        policies = Policies(load_policies([("payments.yaml", SIMPLE)], TARGETS, PEOPLE, NOW))
        self.office = Office(store, self.clock, os.urandom, self.targets, policies)
        self.office.listeners.append(self.told.append)
        self.live = Live(Carrying(self), NODE)
        credentials = self.credentials = StaticCredentials()
        self.people = People(self.office)
        self.tokens = Tokens(self.office)
        self.requests = Requests(self.office)
        self.endings = Endings(self.office, credentials, self.live)
        self.grants = Grants(self.office, self.endings)
        admitting = Admitting(self.office, self.tokens, credentials)
        self.refusals = Refusals(self.office)
        self.duties = Duties(self.office, self.endings)
        self.glass = Glass(self.office, self.endings, self.duties)
        self.codes = Codes(self.office, self.tokens, self.glass)
        self.signing = Signing(self.office)
        self.sessions = Sessions(self.office, self.tokens, admitting, self.endings, self.refusals, self.codes)
        self.doubts = Doubts(self.office, credentials, self.live)
        self.recovery = Recovery(self.office, credentials, self.endings, self.live)
        self.locks = Locks(self.office, self.endings)
        self.visits = Visits(self.office, self.tokens)
        self.revoking = Revoking(self.office, self.endings, self.visits)
        self.office.listeners.append(self.revoking.listen)
        tightening = Tightening(self.office, Starting(self.office), self.endings)
        self.departing = Departing(self.office, self.endings, tightening, self.visits)
        self.clocks = Clocks(
            self.office,
            self.requests,
            self.grants,
            self.endings,
            self.refusals,
            self.recovery,
            duties=self.duties,
            locks=self.locks,
            revoking=self.revoking,
            departing=self.departing,
            doubts=self.doubts,
        )

    @property
    def carrying(self) -> Carrying:
        assert isinstance(self.live.carrier, Carrying)
        return self.live.carrier

    def use(self, policy: str) -> None:
        """Put another policy into force."""
        self.office.policies.current = load_policies([("payments.yaml", policy)], TARGETS, PEOPLE, self.clock.t)

    async def who(self, name: str) -> Person:
        """The person, as the store knows them."""
        return await self.people.by_email(f"{name}@acme.test")

    async def asked(self, role: str = "write", **more: Any) -> Request:
        wish = {"target": "orders", "role": role, "duration_ms": HOUR, "reason": "because", **more}
        return await self.requests.create(await self.who("ana"), Wish(**wish))

    async def granted(self, **more: Any) -> Grant:
        approved = await self.requests.approve(await self.who("lea"), (await self.asked(**more)).id)
        assert approved.grant is not None
        return await self.grant(approved.grant)

    async def connected(self, role: str | None = "write") -> Admission:
        """A session that its target let in."""
        ana = await self.who("ana")
        issued = await self.tokens.issue(ana.id, OPERATOR)
        admission = await self.sessions.admit(issued.token.id, "orders", role, "127.0.0.1:9", NODE)
        await self.sessions.opened(admission.session, {"pid": "4711"})
        self.carrying.carried.add(admission.session)
        return admission

    async def grant(self, id: str) -> Grant:
        async with self.store.reading() as tx:
            found = await tx.grant(id)
        assert found is not None
        return found

    async def session(self, id: str) -> Session:
        async with self.store.reading() as tx:
            found = await tx.session(id)
        assert found is not None
        return found

    async def request(self, id: str) -> Request:
        async with self.store.reading() as tx:
            found = await tx.request(id)
        assert found is not None
        return found

    def types(self) -> list[str]:
        """The types of all events so far, but for people and tokens."""
        return [event.type for event in self.told if event.type.split(".")[0] not in ("person", "token")]

    def last(self, type: str) -> Event:
        """The newest event of this type."""
        return next(event for event in reversed(self.told) if event.type == type)

    async def sweep(self, later_ms: int = 0) -> None:
        """Let time pass, then sweep and wait for what that began."""
        self.clock.t += later_ms
        await self.clocks.sweep(self.clock.t)
        await self.doubts.settle()
        await self.endings.settle()
        await self.revoking.settle()


@pytest.fixture
async def world(store: Store) -> AsyncIterator[World]:
    made = World(store)
    await made.people.sync(PEOPLE)
    await made.tokens.start()
    yield made
    await made.endings.settle()
    await made.revoking.settle()


@pytest.fixture
def ring(world: World) -> Keyring:
    return Keyring(world)


def values(event: Event) -> Mapping[str, Any]:
    """An event's body, as JSON would hold it: fails on what an entry cannot hold."""
    return dict(json.loads(json.dumps(event.body)))


@contextmanager
def asked_of_store() -> Iterator[list[str]]:
    """The statements that the store is asked meanwhile."""
    found: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
