"""Orders of the operator: given to the Daypass that runs on this data directory, or carried out here if none does."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from pathlib import Path
from typing import Any

from daypass.api.operator import SOCKET_HOST
from daypass.app.checking import Checked
from daypass.app.house import make_house
from daypass.app.lock import locked, socket_path
from daypass.domain.errors import Conflict, DaypassError, Unavailable
from daypass.store.opening import open_store

ANSWER_SECONDS_MAX = 30.0
"""A store that is locked that long answers nobody."""
LONG_SECONDS_MAX = 24 * 3600.0
"""Going through a whole log, or writing a large store anew, takes hours at most."""


def order_token(checked: Checked, email: str, lasts_ms: int, label: str) -> dict[str, Any]:
    """A new token for a local person. Raises DaypassError."""
    data = checked.settings.data
    answer = _ordered(socket_path(data), "/operator/tokens", {"email": email, "lasts_ms": lasts_ms, "label": label})
    if answer is not None:
        return answer
    try:
        with locked(data):
            return asyncio.run(_alone(checked, email, lasts_ms, label))
    except Conflict as problem:
        raise Unavailable(f"{problem.message}, but does not answer", hint="try again in a moment") from None


def order(checked: Checked, what: str, body: dict[str, object]) -> dict[str, Any]:
    """Have the running Daypass do something that takes as long as it takes. Raises DaypassError, also if none runs."""
    data = checked.settings.data
    answer = _ordered(socket_path(data), f"/operator/{what}", body, LONG_SECONDS_MAX)
    if answer is None:
        raise Unavailable(f"no Daypass runs on {data}, and this is for it to do", hint="daypass serve, and then again")
    return answer


async def _alone(checked: Checked, email: str, lasts_ms: int, label: str) -> dict[str, Any]:
    store = open_store(checked.settings.store, checked.settings.data)
    try:
        await store.migrate()
        house = make_house(store, checked)
        await house.people.sync(checked.settings.people)
        return await house.issue(email, lasts_ms, label)
    finally:
        await store.close()


def _ordered(
    path: Path, order: str, body: dict[str, object], seconds: float = ANSWER_SECONDS_MAX
) -> dict[str, Any] | None:
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
