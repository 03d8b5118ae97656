"""How long a page of each list takes where there are 100,000 of everything, for an auditor and for an ordinary person.

    python -m bench.lists [--count 100000] [--postgresql]

The rows are put into the store directly. Nothing is asserted: the numbers are for reading. `bench.web` has Chromium
open the pages over as much.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import create_async_engine
from tests.servers.postgres import Postgres
from tests.store.things import GRANT, REQUEST, SESSION
from tests.web.stage import DORA

from daypass.cli.demo.gateway import ANA, BEN, CLEO
from daypass.domain.grant import GrantState
from daypass.domain.identifiers import uuid7
from daypass.domain.people import Person
from daypass.domain.request import Item, RequestState, Route, Stage
from daypass.domain.session import SessionState
from daypass.services.office import Office
from daypass.services.reading import Reading
from daypass.services.surveying import Surveying
from daypass.store import codec
from daypass.store.interface import Page
from daypass.store.opening import FILE, open_store
from daypass.store.schema import grants, people, request_deciders, requests, sessions

FIRST_T = 1_760_000_000_000
STEP_MS = 60_000
AT_ONCE = 5_000
RUNS = 7
OPEN_EACH = 10
"""One request in so many is still to be decided."""

Rows = Iterator[tuple[Table, list[Mapping[str, Any]]]]


def rows(count: int, real: Mapping[str, str]) -> Rows:
    """Everything that the store is filled with. `real`: ids of people that are there, by address."""
    decider = real.get(BEN.email, _id(3, 0))
    for first in range(0, count, AT_ONCE):
        part = range(first, min(first + AT_ONCE, count))
        yield people, [codec.person_row(_person(n)) for n in part]
        made = [_request(n, asked(n, real)[1], decider) for n in part]
        yield requests, [codec.request_row(one) for one in made]
        yield request_deciders, [{"request": one.id, "person": decider} for one in made]
        held = [
            replace(
                GRANT,
                id=_id(n, 1),
                request=one.id,
                person=one.requester,
                state=GrantState.ENDED,
                created_at=one.created_at,
            )
            for n, one in zip(part, made, strict=True)
        ]
        yield grants, [codec.grant_row(one) for one in held]
        yield (
            sessions,
            [
                codec.session_row(
                    replace(
                        SESSION,
                        id=_id(n, 2),
                        grant=one.id,
                        request=one.request,
                        person=one.person,
                        state=SessionState.ENDED,
                        opened_at=one.created_at,
                    )
                )
                for n, one in zip(part, held, strict=True)
            ],
        )


def asked(n: int, real: Mapping[str, str]) -> tuple[str, str]:
    """The id of request `n`, and of who asks: Ana and Dora have an eighth of them each, the others one."""
    own = real.get(ANA.email, _id(1, 0)), real.get(DORA.email, _id(2, 0))
    return _id(n, 0), own[n // 4 % 2] if n % 4 == 0 else _id(n, 7)


def _id(n: int, kind: int) -> str:
    return uuid7(FIRST_T + n * STEP_MS, bytes([kind]) + n.to_bytes(9, "big"))


def _person(n: int) -> Person:
    # From a provider: whom the settings do not list would be disabled at the start.
    who = f"person{n:06}"
    return Person(_id(n, 7), f"{who}@acme.test", f"Person {n}", frozenset({f"group{n % 500}"}), False, who, "", "oidc")


def _request(n: int, requester: str, decider: str) -> Any:
    state = RequestState.PENDING if n % OPEN_EACH == 0 else RequestState.APPROVED
    at = FIRST_T + n * STEP_MS
    stages = (Stage(1, ("group:payments-leads",), (decider,)),)
    return replace(
        REQUEST,
        id=_id(n, 0),
        state=state,
        requester=requester,
        stages=stages,
        votes=(),
        messages=(),
        items=(Item("orders", "write"),),
        rule="change data",
        on_behalf_of=None,
        asked_by=None,
        bundle=None,
        until=None,
        route=Route(),
        reason=f"INC-{n}: look at order {n}",
        created_at=at,
        decide_by=at + 10**11,
        grant=_id(n, 1),
        extends=None,
    )


async def fill(url: str, count: int, real: Mapping[str, str]) -> None:
    """Put all rows into the store at this SQLAlchemy URL, which is migrated."""
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for table, some in rows(count, real):
            await connection.execute(insert(table), some)
    await engine.dispose()


def url_of(setting: str, folder: Path) -> str:
    if setting == "sqlite":
        return f"sqlite+aiosqlite:///{folder / FILE}"
    return setting.replace("postgresql://", "postgresql+asyncpg://", 1)


async def measure(setting: str, folder: Path, count: int) -> None:
    """Fill a fresh store, and time each list."""
    store = open_store(setting, folder)
    await store.migrate()
    began = time.perf_counter()
    await fill(url_of(setting, folder), count, {})
    print(f"  filled in {time.perf_counter() - began:.0f} s")
    office = Office(store, lambda: FIRST_T, os.urandom, {})
    reading = Reading(office)
    cleo = Person(_id(9, 9), CLEO.email, "Cleo", frozenset({"auditors"}))
    own = Person(_id(1, 0), ANA.email, "Ana", frozenset({"payments-engineers"}))
    lead = Person(_id(3, 0), BEN.email, "Ben", frozenset({"payments-leads"}))
    few = Person(_id(1, 7), "person000001@acme.test", "One", frozenset())
    middle = _id(count // 2, 0)
    survey = Surveying(office, None, None)  # type: ignore[arg-type]  # only who is there is asked for
    first = Page(100)
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "everybody, to name them": reading.people,
        "requests, all, auditor": lambda: reading.requests(cleo, "all", first),
        "requests, all, auditor, from the middle": lambda: reading.requests(cleo, "all", Page(100, middle)),
        "requests, mine (an eighth of all)": lambda: reading.requests(own, "mine", first),
        "requests, to decide (a tenth of all)": lambda: reading.requests(lead, "to-decide", first),
        "requests, all, who decides everything": lambda: reading.requests(lead, "all", first),
        "requests, all, who has one": lambda: reading.requests(few, "all", first),
        "sessions, auditor": lambda: reading.sessions(cleo, first, grant=None, live=False),
        "sessions, open now, auditor": lambda: reading.sessions(cleo, first, grant=None, live=True),
        "sessions, who has an eighth": lambda: reading.sessions(own, first, grant=None, live=False),
        "sessions, who has one": lambda: reading.sessions(few, first, grant=None, live=False),
        "grants, mine, live": lambda: reading.grants(own, first, mine=True, live=True),
        "people, first page": lambda: survey.people(cleo),
        "people, by a word": lambda: survey.people(cleo, "person 99"),
    }
    for what, ask in asked.items():
        waits, found = [], 0
        for _ in range(RUNS):
            began = time.perf_counter()
            found = len(await ask())
            waits.append((time.perf_counter() - began) * 1000)
        print(f"  {what}: {found} rows, median {statistics.median(waits):.0f} ms, first {waits[0]:.0f} ms")
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--postgresql", action="store_true")
    given = parser.parse_args()
    with Postgres.debian() as server, tempfile.TemporaryDirectory() as folder:
        print("SQLite:")
        asyncio.run(measure("sqlite", Path(folder), given.count))
        if given.postgresql:
            print("PostgreSQL:")
            asyncio.run(measure(server.create_database("lists"), Path(folder), given.count))


if __name__ == "__main__":
    main()
