"""Six weeks of a small team, by chance but the same each time: asked, decided, worked, broken, left undone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from daypass.domain.events import Draft, IndexRow
from daypass.domain.grant import EndReason
from daypass.domain.identifiers import uuid7
from daypass.domain.people import OPERATOR
from daypass.domain.request import Request
from daypass.domain.session import Over
from daypass.ledger.entry import canonical
from daypass.ledger.sequencer import number
from daypass.services.asking import Wish
from tests.domain.things import HOUR, PROTOCOL
from tests.services.conftest import NODE, World

MINUTE = HOUR // 60
DAY = 24 * HOUR
TURNS = 60
KINDS = ("automatic", "approved", "approved", "denied", "expired", "withdrawn", "glass")
STATEMENTS = (("f-look", "select", "read"), ("f-fix", "update", "write"), ("f-odd", "create", "ddl"))


@dataclass
class Life:
    """What goes on in one world."""

    world: World
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    shipped: int = 0
    tokens: dict[str, str] = field(default_factory=dict)

    async def live(self) -> None:
        for turn in range(TURNS):
            await self.turn(turn, self.chance.choice(KINDS))
            await self.world.sweep(self.chance.randrange(6 * HOUR, 26 * HOUR))
        await self.glass(refuse=True)
        await self.world.store.sequence(100_000, number)

    def wait(self, least: int, most: int) -> None:
        self.world.clock.t += self.chance.randrange(least, most)

    async def turn(self, turn: int, kind: str) -> None:
        if kind == "glass":
            await self.glass(refuse=False)
            return
        who = "ana" if kind in ("automatic", "denied") else self.chance.choice(("ana", "ana", "ben"))
        role, ticket = ("read", f"INC-{turn}") if kind == "automatic" else ("write", "")
        reason = self.chance.choice((f"order {turn} is stuck", "Month's  end", "refund for customer 12"))
        wish = Wish("orders", role, self.chance.randrange(10, 60) * MINUTE, reason, ticket)
        asked = await self.world.requests.create(await self.world.who(who), wish)
        if kind in ("approved", "denied"):
            asked = await self.decide(asked, who, kind)
        elif kind == "expired":
            await self.world.sweep(5 * HOUR)
        elif kind == "withdrawn":
            await self.world.requests.withdraw(await self.world.who(who), asked.id)
        if asked.grant is not None:
            await self.use(asked.grant, who, role)

    async def decide(self, asked: Request, who: str, kind: str) -> Request:
        decider = await self.world.who("lea" if who == "ben" else self.chance.choice(("lea", "lea", "ben")))
        self.wait(1000, HOUR)
        if self.chance.random() < 0.3:
            await self.world.requests.ask(decider, asked.id, "why now?")
            self.wait(1000, HOUR)
            await self.world.requests.answer(await self.world.who(who), asked.id, "they wait")
            self.wait(1000, 10 * MINUTE)
        if kind == "denied":
            return await self.world.requests.deny(decider, asked.id, note="no")
        return await self.world.requests.approve(decider, asked.id)

    async def use(self, grant: str, who: str, role: str) -> None:
        self.wait(1000, HOUR // 2)
        person = await self.world.who(who)
        sessions = self.chance.choice((0, 1, 1, 2))
        for _ in range(sessions):
            await self.session(who, role)
        if sessions or self.chance.random() < 0.5:
            held = await self.world.grant(grant)
            if held.ended_at is None:
                await self.world.grants.hand_back(person, grant)
                await self.world.endings.settle()
        else:
            await self.world.sweep(9 * DAY)

    async def session(self, who: str, role: str) -> None:
        person = await self.world.who(who)
        if who not in self.tokens:
            issued = await self.world.tokens.issue(person.id, OPERATOR, lasts_ms=365 * DAY)
            self.tokens[who] = issued.token.id
        admitted = await self.world.sessions.admit(self.tokens[who], "orders", role, "127.0.0.1:9", NODE)
        await self.world.sessions.opened(admitted.session, {"pid": "4711"})
        for statement in self.chance.choices(STATEMENTS, (8, 0, 0) if role == "read" else (8, 3, 1), k=2):
            await self.submit(person.id, admitted.session, statement)
        self.wait(MINUTE, 4 * MINUTE)
        await self.world.sessions.ended(Over(admitted.session, EndReason.CLIENT_LEFT, "", 2, "complete", self.shipped))

    async def submit(self, person: str, session: str, statement: tuple[str, str, str]) -> None:
        """As the shipper would: an entry and its row in the index."""
        self.shipped += 1
        self.wait(10, 1000)
        fingerprint, kind, effect = statement
        if self.chance.random() < 0.1:
            fingerprint = f"f-{self.shipped}"
        t = self.world.clock.t
        body = {"statement": self.shipped, "fingerprint": fingerprint, "kind": kind, "effect": effect}
        entry: Mapping[str, object] = {
            "v": 1,
            "id": uuid7(t, self.shipped.to_bytes(10, "big")),
            "t": t,
            "type": "statement.submitted",
            "actor": {"id": person, "kind": "person"},
            "session": session,
            "target": {"name": "orders", "protocol": PROTOCOL},
            "chains": [],
            "commit": {},
            "blob": [],
            "body": body,
        }
        draft = Draft(
            str(entry["id"]), "statement.submitted", t, person, canonical(entry), (f"session:{session}",),
            index=IndexRow("", "orders", kind, effect, fingerprint), session=session, target="orders", statement=1,
        )  # fmt: skip
        await self.world.store.ship(NODE, self.shipped, self.shipped, [draft])

    async def glass(self, *, refuse: bool) -> None:
        wish = Wish("orders", "write", HOUR // 4, "the site is down", "INC-1")
        broken = await self.world.glass.break_(await self.world.who("ana"), wish)
        self.wait(1000, MINUTE)
        if self.chance.random() < 0.7:
            await self.session("ana", "write")
        await self.world.sweep(HOUR)
        self.wait(MINUTE, 5 * HOUR)
        await self.world.glass.ratify(await self.world.who("sam"), broken.id, "seen", refuse=refuse)
        await self.world.endings.settle()


async def lived(world: World) -> None:
    """An exercise, which counts nowhere, and six weeks."""
    wish = Wish("orders", "read", HOUR // 4, "an exercise", "INC-1")
    drill = await world.glass.break_(await world.who("ana"), wish, drill=True)
    await world.endings.settle()
    await world.glass.ratify(await world.who("sam"), drill.id, "it works")
    world.clock.t += HOUR
    await Life(world).live()
