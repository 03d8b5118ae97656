"""A gateway on loopback with everything around it small and real: a desk in memory, a line target, a journal."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time_ns

from tests.gateway.line import LineProtocol
from tests.gateway.target import LineTarget
from tests.ledger.disk import ForgetfulDisk

from daypass.domain.errors import DaypassError, Refused
from daypass.domain.people import SignIn, Verifier
from daypass.domain.session import Over
from daypass.domain.target import Credential, Effect, Target, TargetRole
from daypass.gateway.bounds import Bounds
from daypass.gateway.gateway import Gateway
from daypass.gateway.tls import ServerTls
from daypass.ledger.facts import Recorded, decode
from daypass.ledger.journal import Durability, Journal
from daypass.services.interface import SessionEnd

FAST = Bounds(
    sign_in_seconds=5.0,
    connect_seconds=3.0,
    linger_seconds=0.3,
    stop_seconds=0.5,
    read_back_seconds=1.0,
    pulse_seconds=0.02,
    clock_seconds=0.02,
    ender_retry_seconds=0.1,
    told_seconds=2.0,
)


@dataclass(frozen=True)
class Ticket:
    """Implements `gateway.interface.Admission`."""

    session: str
    person: str
    grant: str
    target: Target
    role: TargetRole
    credential: Credential
    label: str
    expires_at: int
    duration_ms: int
    extend_ms: int | None = None
    idle_ms: int | None = None
    scope: tuple[str, ...] = ()


@dataclass
class MemoryDesk:
    """Implements `gateway.interface.Desk`: ana's token is `dp_ana`, and her grant covers every target there is."""

    targets: dict[str, Target] = field(default_factory=dict)
    expires_at: int = 0
    extend_ms: int | None = None
    idle_ms: int | None = None
    refusal: DaypassError | None = None
    told: list[tuple[str, ...]] = field(default_factory=list)
    ends: dict[str, SessionEnd | None] = field(default_factory=dict)
    slow: float = 0.0
    failing: int = 0

    async def look_up(self, name: str) -> SignIn:
        await asyncio.sleep(self.slow)
        verifiers = (Verifier("dp_ana", b"", b""),) if name == "ana" else ()
        return SignIn(b"salt", 4096, verifiers)

    async def admit(self, token_id: str, target: str, role: str | None, client: str, node: str) -> Ticket:
        await asyncio.sleep(self.slow)
        if self.refusal is not None:
            raise self.refusal
        if target not in self.targets:
            raise Refused(f"no grant for {target}", hint=f"daypass request {target}")
        session = str(uuid.uuid4())
        self.told.append(("admitted", session))
        found = self.targets[target]
        expires = self.expires_at or time_ns() // 1_000_000 + 3_600_000
        login = Credential("app", "secret")
        role, more, idle = found.roles["read"], self.extend_ms, self.idle_ms
        return Ticket(session, "p-ana", "g-1", found, role, login, "ana", expires, 600_000, more, idle)

    async def opened(self, session: str, mark: Mapping[str, str]) -> None:
        self.told.append(("opened", session, mark["pid"]))

    async def ended(self, told: Over, end: SessionEnd | None = None) -> None:
        if self.failing:
            self.failing -= 1
            raise DaypassError("the store is locked")
        self.ends[told.session] = end
        self.told.append(
            ("ended", told.session, told.reason.value, str(told.statements), told.recording, str(told.last_number))
        )

    async def refused(self, name: str, target: str, client: str, why: str) -> None:
        self.told.append(("refused", name, target, why))

    async def grant_due(self, grant: str) -> None:
        self.told.append(("due", grant))

    def of(self, kind: str) -> list[tuple[str, ...]]:
        return [one for one in self.told if one[0] == kind]


class Client:
    """A client of the line protocol."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\n")

    async def hears(self) -> str:
        """The next line; empty once the connection is closed."""
        async with asyncio.timeout(5):
            try:
                return (await self.reader.readline()).decode().rstrip("\n")
            except ConnectionError:
                return ""

    async def ask(self, line: str) -> str:
        self.say(line)
        return await self.hears()

    def kill(self) -> None:
        self.writer.transport.abort()


class Rig:
    """Start with `async with`. `ship` is whether a shipper keeps up, as in life."""

    def __init__(
        self,
        *,
        bounds: Bounds = FAST,
        durability: Durability = Durability.SYNCED,
        backlog_bytes: int = 1 << 28,
        ship: bool = True,
        tls: ServerTls | None = None,
    ) -> None:
        self.disk = ForgetfulDisk()
        self.journal = Journal.open(
            Path("/journal"), durability, files=self.disk, segment_bytes=1 << 20, backlog_bytes=backlog_bytes
        )
        self.target = LineTarget()
        self.desk = MemoryDesk()
        self.fatal = asyncio.Event()
        self.ship = ship
        self._bounds = bounds
        self._tls = tls
        self._clients: list[Client] = []

    async def __aenter__(self) -> Rig:
        await self.target.start()
        role = TargetRole("read", "app", None, Effect.READ)
        self.desk.targets["orders"] = Target(
            "orders", "line", "127.0.0.1", self.target.port, "orders", {}, {"read": role}
        )
        self.gateway = Gateway(
            desk=self.desk,
            journal=self.journal,
            protocols={"line": LineProtocol()},
            node="n1",
            tls=self._tls,
            on_fatal=self.fatal.set,
            bounds=self._bounds,
        )
        self.port = await self.gateway.listen("line", "127.0.0.1", 0)
        self._shipper = asyncio.create_task(self._ships())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._shipper.cancel()
        for client in self._clients:
            client.kill()
        await self.target.stop()
        self.gateway.close()

    async def _ships(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            if self.ship:
                self.journal.shipped(self.journal.durable)

    def change_target(self, **changes: object) -> None:
        self.desk.targets["orders"] = replace(self.desk.targets["orders"], **changes)  # type: ignore[arg-type]

    async def client(self) -> Client:
        """Connected, and nothing said yet."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))
        self._clients.append(client)
        return client

    async def open(self) -> Client:
        """In: the session is open."""
        client = await self.client()
        said = await client.ask("HELLO ana dp_ana orders")
        assert said.startswith("READY "), said
        return client

    @property
    def session(self) -> str:
        """The newest session's id."""
        return self.desk.of("admitted")[-1][1]

    def recorded(self) -> list[Recorded]:
        """What would be found after the machine stopped now."""
        found = Journal.open(Path("/journal"), Durability.SYNCED, files=self._after_crash(), segment_bytes=1 << 20)
        return [decode(payload) for _, payload in found.read_from(1, 10_000)]

    def _after_crash(self) -> ForgetfulDisk:
        disk = ForgetfulDisk()
        disk.files = {path: bytearray(content) for path, content in self.disk.synced.items()}
        disk.synced = dict(self.disk.synced)
        return disk


async def until(condition: object, seconds: float = 3.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]  # noqa: ASYNC110  what is waited for is of many kinds
            await asyncio.sleep(0.005)
