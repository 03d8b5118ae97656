"""Orders of the operator: given to the Daypass that runs on this data directory, or carried out here if none does."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from daypass.api.operator import SOCKET_HOST
from daypass.app.checking import Checked
from daypass.app.house import House, make_house
from daypass.app.lock import locked, socket_path
from daypass.app.publishing import Publishing
from daypass.app.shipping import Shipping
from daypass.domain.errors import Conflict, DaypassError, Unavailable
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.sequencer import Sequencer
from daypass.services.erasing import Order
from daypass.store.interface import Store
from daypass.store.opening import open_store

ANSWER_SECONDS_MAX = 30.0
"""A store that is locked that long answers nobody."""
LONG_SECONDS_MAX = 24 * 3600.0
"""Going through a whole log, or writing a large store anew, takes hours at most."""


def order_token(checked: Checked, email: str, lasts_ms: int, label: str, scopes: list[str]) -> dict[str, Any]:
    """A new token for a local person. Raises DaypassError."""
    wanted = {"email": email, "lasts_ms": lasts_ms, "label": label, "scopes": scopes}
    return order(checked, "tokens", wanted, ANSWER_SECONDS_MAX)


def order(checked: Checked, what: str, body: dict[str, Any], seconds: float = LONG_SECONDS_MAX) -> dict[str, Any]:
    """Have the running Daypass carry an order out, waiting so long at most; without one do it here, holding the data
    directory. Raises DaypassError."""
    data = checked.settings.data
    answer = _ordered(socket_path(data), f"/operator/{what}", body, seconds)
    if answer is not None:
        return answer
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(data))
        except Conflict as problem:
            raise Unavailable(f"{problem.message}, but does not answer", hint="try again in a moment") from None
        return asyncio.run(_alone(checked, what, body))


async def _alone(checked: Checked, what: str, body: dict[str, Any]) -> dict[str, Any]:
    settings = checked.settings
    store = open_store(settings.store, settings.data)
    try:
        await store.migrate()
        house = make_house(store, checked)
        house.office.policies.current = checked.policies
        match what:
            case "tokens":
                await house.people.sync(settings.people)
                return await house.issue(body["email"], body["lasts_ms"], body["label"], body["scopes"])
            case "codes":
                return await house.seal_codes(body["target"], body["count"])
            case "index":
                await Sequencer(store).drain()
                return await house.reindex(body["identity"])
            case "erasures":
                return await _erase(checked, store, house, body)
        raise ValueError(f"nobody carries out {what}")
    finally:
        await store.close()


async def _erase(checked: Checked, store: Store, house: House, body: dict[str, Any]) -> dict[str, Any]:
    """As the gateway does: what its journal still holds goes into the store first, so that it can go from there."""
    settings = checked.settings
    await Publishing(store, settings.site, settings.data).open()
    folder = settings.data / "journal"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shipped = await store.shipped(settings.node)
    journal = Journal.open(folder, Durability(settings.durability), after=shipped)
    try:
        await Shipping(journal, store, settings.node, house.office.lock).catch_up()
        house.erasing.on_erased = journal.expel
        wanted = Order(*(body.get(name) for name in ("session", "request", "person", "older_than_ms")))
        done = await house.erase(wanted, body["reason"], body.get("dry_run", False))
        await Sequencer(store).drain()
        return done
    finally:
        journal.close()


def _ordered(path: Path, order: str, body: dict[str, Any], seconds: float) -> dict[str, Any] | None:
    """What the running Daypass answers; None if none is there."""
    connection = _UnixConnection(path, seconds)
    try:
        connection.request("POST", order, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise Unavailable(f"the running Daypass does not answer at {path}: {problem}") from None
    finally:
        connection.close()
    if answer.status >= 400:
        raise DaypassError(str(told.get("detail", "it failed")), hint=str(told.get("hint") or ""))
    return told


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__(SOCKET_HOST, timeout=seconds)
        self._path = path
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(str(self._path))
