"""Orders of the operator: given to the Daypass that runs on this data directory, or carried out here if none does.

What the latter needs (nearly the whole program) is imported only then: a token from a running Daypass is asked for
once for every person and script, and should not take a second.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from daypass.api import SOCKET_HOST
from daypass.app.lock import locked, socket_path
from daypass.config import Settings
from daypass.domain.errors import Conflict, DaypassError, Unavailable

ANSWER_SECONDS_MAX = 30.0
"""A store that is locked that long answers nobody."""
LONG_SECONDS_MAX = 24 * 3600.0
"""Going through a whole log, or writing a large store anew, takes hours at most."""


def order_token(settings: Settings, email: str, lasts_ms: int, label: str, scopes: list[str]) -> dict[str, Any]:
    """A new token for a local person. Raises DaypassError."""
    wanted = {"email": email, "lasts_ms": lasts_ms, "label": label, "scopes": scopes}
    return order(settings, "tokens", wanted, ANSWER_SECONDS_MAX)


def order(settings: Settings, what: str, body: dict[str, Any], seconds: float = LONG_SECONDS_MAX) -> dict[str, Any]:
    """Have the running Daypass carry an order out, waiting so long at most; without one do it here, holding the data
    directory. Raises DaypassError."""
    answer = _ordered(socket_path(settings.data), f"/operator/{what}", body, seconds)
    return answer if answer is not None else _carried_out(settings, what, body)


def _carried_out(settings: Settings, what: str, body: dict[str, Any]) -> dict[str, Any]:
    import asyncio

    from daypass.app.alone import carry_out
    from daypass.app.checking import check_settings

    checked = check_settings(settings, time.time_ns() // 1_000_000)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(settings.data))
        except Conflict as problem:
            raise Unavailable(f"{problem.message}, but does not answer", hint="try again in a moment") from None
        return asyncio.run(carry_out(checked, what, body))


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
