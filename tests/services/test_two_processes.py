"""Two deciders at the same instant, in two processes, on one PostgreSQL: one of them decides."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from daypass.domain.request import RequestState
from daypass.store.interface import Store
from daypass.store.postgresql import open_postgresql
from tests.domain.things import PEOPLE
from tests.servers.postgres import Postgres
from tests.services.conftest import World

VOTER = """
import asyncio, json, os, sys
from daypass.domain.errors import DaypassError
from daypass.store.postgresql import open_postgresql
from tests.services.conftest import World

async def main(url, name, verb):
    store = open_postgresql(url)
    world = World(store)
    person = await world.who(name)
    print("ready", flush=True)
    while request := (await asyncio.to_thread(sys.stdin.readline)).strip():
        try:
            if verb == "approve":
                after = await world.requests.approve(person, request)
            else:
                after = await world.requests.deny(person, request, note="no")
            print(json.dumps({"state": after.state.value}), flush=True)
        except DaypassError as problem:
            print(json.dumps({"problem": problem.kind}), flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""
ROUNDS = 5


@pytest.fixture
async def shared(postgres_15: Postgres) -> AsyncIterator[tuple[str, Store]]:
    url = postgres_15.create_database(f"votes_{uuid.uuid4().hex}")
    store = open_postgresql(url)
    await store.migrate()
    yield url, store
    await store.close()


@pytest.mark.parametrize("verbs", [("approve", "approve"), ("approve", "deny")])
async def test_two_votes_in_two_processes_cannot_both_be_the_deciding_one(
    shared: tuple[str, Store], verbs: tuple[str, str]
) -> None:
    url, store = shared
    world = World(store)
    await world.people.sync(PEOPLE)
    voters = [await voter(url, name, verb) for name, verb in zip(("lea", "ben"), verbs, strict=True)]
    assert [await said(one) for one in voters] == ["ready", "ready"]
    for _ in range(ROUNDS):
        asked = await world.asked()
        for one in voters:
            assert one.stdin is not None
            one.stdin.write(f"{asked.id}\n".encode())
        answers = [json.loads(await said(one)) for one in voters]
        assert sorted("problem" in one for one in answers) == [False, True], answers
        after = await world.request(asked.id)
        assert (after.state is RequestState.APPROVED) == (after.grant is not None)
        async with store.reading() as tx:
            assert len([one for one in await tx.grants() if one.request == asked.id]) == int(after.grant is not None)
    for one in voters:
        await one.communicate(b"")
        assert one.returncode == 0


async def voter(url: str, *words: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    root = str(Path(__file__).parents[2])
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", VOTER, url, *words, stdin=pipe, stdout=pipe, cwd=root
    )


async def said(one: asyncio.subprocess.Process) -> str:
    assert one.stdout is not None
    return (await one.stdout.readline()).decode().strip()
