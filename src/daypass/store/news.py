"""What the other nodes of a shared store tell: one connection that listens, and comes back by itself.

Notifications are lost while it is away, so whoever listens is told when it is back, and looks at everything anew. The
same connection holds the roles that only one node may have: they go when it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any

import asyncpg
import structlog

from daypass.store.sql.nodes import NEWS

CONNECT_SECONDS = 5.0
PROBE_SECONDS = 2.0
"""How often it is looked whether the connection still is one: a peer that vanished says nothing."""
ANSWER_SECONDS = 3.0
RETRY_SECONDS = 0.5
"""Between two attempts to get it back."""

BACK = ""
"""What listeners are told when the connection stands (again): anything may have happened meanwhile."""

_HELD = (
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND (classid::bigint << 32) | objid::bigint = $1::bigint)"
)

log = structlog.get_logger()


class News:
    """One node's ear at a PostgreSQL store. Make it on the running loop; `start`, then `stop`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._listeners: list[Callable[[str], None]] = []
        self._connection: Any = None
        self._held: set[str] = set()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()
        """Set once the connection has stood."""

    def on_news(self, call: Callable[[str], None]) -> None:
        """Have this called, on the event loop, with what was told; with `BACK` whenever something may be missing."""
        self._listeners.append(call)

    async def start(self) -> None:
        """Begin to listen. Returns once it does, so that the first node to be ready is the first that may take a role;
        a store that does not answer is not waited for beyond one attempt's time."""
        self._task = asyncio.create_task(self._listen(), name="news")
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._heard.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def hold(self, role: str) -> bool:
        """Whether this node has the role that only one may have; takes it if nobody has."""
        if role in self._held:
            return self._connection is not None
        connection = self._connection
        got = bool(await self._ask(connection, "SELECT pg_try_advisory_lock($1)", role))
        if got and connection is self._connection:
            self._held.add(role)
        return got

    async def held(self, role: str) -> bool:
        """Whether any node has the role; True where that cannot be known."""
        found = await self._ask(self._connection, _HELD, role)
        return True if found is None else bool(found)

    async def _ask(self, connection: Any, question: str, role: str) -> Any:
        """What the store answers about a role; None where there is no answer."""
        if connection is None:
            return None
        key = int.from_bytes(sha256(f"daypass {role}".encode()).digest()[:8], "big", signed=True)
        try:
            async with self._turn, asyncio.timeout(ANSWER_SECONDS):
                return await connection.fetchval(question, key)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return None  # the listening task sees the same, and says so

    async def _listen(self) -> None:
        while True:
            try:
                await self._once()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as problem:
                log.warning("the store's news are not heard", why=str(problem) or type(problem).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def _once(self) -> None:
        settings = {"application_name": "daypass news"}
        connection = await asyncpg.connect(self._url, timeout=CONNECT_SECONDS, server_settings=settings)
        try:
            await connection.add_listener(NEWS, lambda _connection, _pid, _channel, news: self._tell(str(news)))
            self._connection = connection
            self._heard.set()
            self._tell(BACK)
            while True:
                await asyncio.sleep(PROBE_SECONDS)
                async with self._turn, asyncio.timeout(ANSWER_SECONDS):
                    await connection.execute("SELECT 1")
        finally:
            self._connection = None
            self._held.clear()
            connection.terminate()

    def _tell(self, news: str) -> None:
        for call in self._listeners:
            call(news)
