"""The limits of a console, and whose it is: the whole app in this process, in front of a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from daypass.cli.demo import sample
from daypass.gateway.console_results import ConsoleBounds
from tests.api.inside import V1, Inside, inside
from tests.api.matrix import PEOPLE
from tests.servers.postgres import Postgres

PAGE = {"X-Daypass-CSRF": "1", "Origin": "http://localhost:8420", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def it(tmp_path: Path, postgres_15: Postgres) -> AsyncIterator[Inside]:
    """Ana may write. Each test says which limits of consoles are small: a busy machine is slow."""
    (tmp_path / "password").write_text(postgres_15.password)
    real = {
        "address: 127.0.0.1:1\n    owners: [olga@acme.test]": (
            f"address: 127.0.0.1:{postgres_15.port}\n    database: {sample.DATABASE}\n    tls: disable\n"
            "    owners: [olga@acme.test]"
        ),
        "write: { user: app_rw }": "write: { user: app_rw, password: { file: password } }",
        "write: {{ user: app_rw }}": "write: {{ user: app_rw, password: {{ file: password }} }}",
    }
    async with inside(tmp_path, **real) as it:
        grant = await it.granted()
        await it.must("POST", f"/grants/{grant.id}/activate", by="ana")
        yield it


async def opened(it: Inside) -> str:
    made = await it.must("POST", "/consoles", {"target": "orders", "role": "write"}, by="ana")
    return str(made["id"])


async def run(it: Inside, id: str, text: str, **more: object) -> list[dict[str, Any]]:
    answer = await it.call("POST", f"{V1}/consoles/{id}/run", {"text": text, **more}, by="ana")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def over(it: Inside, id: str) -> dict[str, Any]:
    """The console once it is over."""
    async with asyncio.timeout(20):
        while True:
            shown: dict[str, Any] = await it.must("GET", f"/consoles/{id}", by="ana")
            if shown["state"] == "OVER":
                return shown
            await asyncio.sleep(0.02)


def said(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


async def test_a_statement_without_end_is_stopped_and_the_console_stays(it: Inside) -> None:
    it.consoles.bounds = ConsoleBounds(statement_seconds=0.5)
    id = await opened(it)
    lines = await run(it, id, "select pg_sleep(600)")
    assert "a statement runs for" in said(lines, "notice")[0]["message"] and said(lines, "error")[0]["code"] == "57014"
    it.consoles.bounds = ConsoleBounds(bytes_max=10_000, passed_over_bytes_max=100_000)
    id = await opened(it)
    lines = await run(it, id, "select repeat('x', 1000), generate_series(1, 100000000)")
    assert "no end in sight" in said(lines, "notice")[0]["message"] and said(lines, "error")[0]["code"] == "57014"
    assert 0 < sum(len(line["rows"]) for line in said(lines, "rows")) < 2000
    lines = await run(it, id, "select repeat('x', 1000), generate_series(1, 50)")
    (done,) = said(lines, "done")
    assert done["rows"] + done["dropped"] == 50 and done["tag"] == "SELECT 50", "what is only long is read to its end"


async def test_who_asks_nothing_and_who_is_not_there_loses_it(it: Inside) -> None:
    it.consoles.bounds = ConsoleBounds(idle_seconds=0.5, standing_seconds=0.05)
    id = await opened(it)
    assert (await over(it, id))["because"] == "idle"
    refused = await it.call("POST", f"{V1}/consoles/{id}/run", {"text": "select 1"}, by="ana")
    assert refused.status_code == 409 and "nothing was asked" in refused.json()["detail"]
    it.consoles.bounds = ConsoleBounds(away_seconds=0.2, standing_seconds=0.05)
    id = await opened(it)
    following = next(one for one in it.consoles._there.values() if one.id == id).follow(0.05)
    assert await anext(following) == {}
    await following.aclose()
    assert (await over(it, id))["because"] == "page closed"


async def test_a_person_has_a_few_and_another_visit_has_none_of_them(it: Inside) -> None:
    it.consoles.bounds = ConsoleBounds(consoles_max=2)
    ids = [await opened(it), await opened(it)]
    full = await it.call("POST", f"{V1}/consoles", {"target": "orders", "role": "write"}, by="ana")
    assert full.status_code == 429 and "2 consoles" in full.json()["detail"]
    listed = await it.must("GET", "/consoles", by="ana")
    assert [one["id"] for one in listed["items"]] == ids[::-1]
    secret, _ = await it.token("ana", fresh=True)
    other = {"Authorization": f"Bearer {secret}"}
    assert (await it.client.get(f"{V1}/consoles", headers=other)).json()["items"] == []
    assert (await it.client.get(f"{V1}/consoles/{ids[0]}", headers=other)).status_code == 404
    await it.must("POST", f"/consoles/{ids[0]}/close", by="ana")
    await opened(it)


async def test_to_everybody_else_it_is_as_if_it_were_not_there(it: Inside) -> None:
    """The rows of the matrix (matrix.py) that need a console."""
    id = await opened(it)
    asked: list[tuple[str, str, object]] = [
        ("GET", "", None),
        ("POST", "/run", {"text": "select 1"}),
        ("POST", "/cancel", None),
        ("GET", "/events", None),
        ("POST", "/close", None),
    ]
    for name in sorted(set(PEOPLE) - {"ana"}):
        assert id not in (await it.call("GET", f"{V1}/consoles", by=name)).text, name
        for method, path, body in asked:
            theirs = await it.call(method, f"{V1}/consoles/{id}{path}", body, by=name)
            nobodys = await it.call(method, f"{V1}/consoles/none{path}", body, by=name)
            assert (theirs.status_code, nobodys.status_code) == (404, 404), (name, path)
            assert theirs.text.replace(id, "none") == nobodys.text, (name, path)
    assert said(await run(it, id, "select 1"), "done"), "and nobody has disturbed it"
    assert (await it.call("POST", f"{V1}/consoles/{id}/close", by="ana")).status_code == 200
    assert (await over(it, id))["state"] == "OVER"


async def test_signing_out_ends_it(it: Inside, postgres_15: Postgres) -> None:
    it.consoles.bounds = ConsoleBounds(standing_seconds=30.0)
    secret, _ = await it.token("ana")
    signed = await it.client.post(f"{V1}/sign-in/token", json={"token": secret}, headers=PAGE)
    cookie = {"Cookie": signed.headers["set-cookie"].partition(";")[0], **PAGE}
    made = await it.client.post(f"{V1}/consoles", json={"target": "orders", "role": "write"}, headers=cookie)
    assert made.status_code == 201, made.text
    (console,) = it.consoles._there.values()
    stranger = await it.call("POST", f"{V1}/consoles/{console.id}/run", {"text": "select 1"}, by="ana")
    assert stranger.status_code == 404, "her token does not find what her browser opened"
    lines = console.run("select 1, pg_sleep(600)", 10)
    assert (await anext(lines))["kind"] == "statement"
    telling = asyncio.create_task(_all(lines))
    await it.client.post(f"{V1}/sign-out", json={}, headers=cookie)
    async with asyncio.timeout(20):
        assert (await telling)[-1]["because"] == "signed out"
    left: list[object] = ["not looked"]
    give_up = asyncio.get_running_loop().time() + 20
    while left:
        assert asyncio.get_running_loop().time() < give_up, left
        await asyncio.sleep(0.02)
        labels = [one["label"] for one in (await it.must("GET", "/tokens", by="ana"))["items"]]
        at_work = [one for one in postgres_15.backends("app_rw") if "pg_sleep" in one[2]]
        left = [*(label for label in labels if label == "SQL console"), *at_work]


async def _all(lines: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line async for line in lines]


async def test_snippets_are_ones_own(it: Inside) -> None:
    for name, text in (("b", "select 2"), ("a", "select 1"), ("b", "select 3")):
        await it.must("POST", "/snippets", {"name": name, "text": text}, by="ana")
    kept = (await it.must("GET", "/snippets", by="ana"))["items"]
    assert [(one["id"], one["text"]) for one in kept] == [("a", "select 1"), ("b", "select 3")]
    assert (await it.must("GET", "/snippets", by="amy"))["items"] == []
    assert (await it.call("POST", f"{V1}/snippets/remove", {"name": "a"}, by="amy")).status_code == 404
    await it.must("POST", "/snippets/remove", {"name": "a"}, by="ana")
    for name, text in (("\u202ex", "select 1"), (" ", "select 1"), ("x", " "), ("x", "a\0b")):
        answer = await it.call("POST", f"{V1}/snippets", {"name": name, "text": text}, by="ana")
        assert answer.status_code == 422, (name, text)
