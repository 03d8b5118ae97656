"""`Console`: the SQL console as a script uses it, over the public API.

with Console(daypass, ANA, "write") as console:
    console.run("select 1")                       # every line that it says
    console.rows("select 1")                      # [["1"]]
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx2

from daypass.cli.demo.gateway import Member
from tests.servers.daypass import Daypass

Line = dict[str, Any]

SECONDS_MAX = 60.0


class Refusal(Exception):
    """What the API said no with."""

    def __init__(self, status: int, told: Any) -> None:
        super().__init__(f"{status}: {told}")
        self.status, self.detail, self.hint = status, str(told["detail"]), str(told.get("hint", ""))


class Console:
    """One console. `http` is a client of the API as its person."""

    def __init__(self, daypass: Daypass, member: Member, role: str, target: str = "orders", token: str = "") -> None:
        bearer = {"Authorization": f"Bearer {token or daypass.token(member)}"}
        self.http = httpx2.Client(base_url=f"{daypass.web}/api/v1/", headers=bearer, timeout=SECONDS_MAX)
        self.id, self.session = "", ""
        opened = self.post("consoles", {"target": target, "role": role})
        self.id, self.session, self.grant = opened["id"], opened["session"], opened["grant"]
        self.opened = opened

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.state()["state"] != "OVER":
            self.post(f"consoles/{self.id}/close")
        self.http.close()

    def post(self, path: str, body: object = None) -> Any:
        return _good(self.http.post(path, json=body))

    def state(self) -> Any:
        return _good(self.http.get(f"consoles/{self.id}"))

    def run(self, text: str, **more: object) -> list[Line]:
        """Every line, to the last."""
        with self.running(text, **more) as lines:
            return list(lines)

    @contextmanager
    def running(self, text: str, **more: object) -> Iterator[Iterator[Line]]:
        """The lines as they come; leaving the block goes away."""
        with self.http.stream("POST", f"consoles/{self.id}/run", json={"text": text, **more}) as answer:
            if answer.status_code != 200:
                answer.read()
                raise Refusal(answer.status_code, answer.json())
            yield (json.loads(line) for line in answer.iter_lines())

    def rows(self, text: str) -> list[list[str | None]]:
        return rows(self.run(text))

    @contextmanager
    def events(self) -> Iterator[Iterator[Line]]:
        """What is told besides results."""
        with self.http.stream("GET", f"consoles/{self.id}/events") as answer:
            yield (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))


def _good(answer: httpx2.Response) -> Any:
    if answer.status_code >= 300:
        raise Refusal(answer.status_code, answer.json())
    return answer.json()


def rows(lines: list[Line]) -> list[list[str | None]]:
    return [row for line in lines if line["kind"] == "rows" for row in line["rows"]]


def of(lines: list[Line], kind: str) -> list[Line]:
    return [line for line in lines if line["kind"] == kind]
