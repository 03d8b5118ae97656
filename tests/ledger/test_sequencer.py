"""Places without gaps, and chains that can be followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.errors import Conflict, Invalid
from daypass.domain.events import ChainHead, Unsequenced
from daypass.ledger.entry import canonical
from daypass.ledger.sequencer import Number, Sequencer, number

NAMES = st.sampled_from(["session:a", "session:b", "target:orders", 'target:"odd" — ü'])
CHAINS = st.lists(NAMES, unique=True, max_size=3).map(tuple)


def waiting(chains: tuple[str, ...], row: int) -> Unsequenced:
    return Unsequenced(row, canonical({"body": {"n": row}, "chains": [], "v": 1}), chains)


@given(st.lists(st.lists(CHAINS, max_size=6), max_size=6), st.integers(0, 10**9))
def test_every_chain_can_be_followed_through_any_batches(batches: list[list[tuple[str, ...]]], first: int) -> None:
    heads: dict[str, ChainHead] = {}
    seen: dict[str, tuple[int, str]] = {}
    index, row = first, 0
    for batch in batches:
        drafts = [waiting(chains, row := row + 1) for chains in batch]
        places, moved = number(index, drafts, heads)
        heads.update({head.name: head for head in moved})
        assert {head.name for head in moved} == {name for chains in batch for name in chains}
        for draft, place in zip(drafts, places, strict=True):
            assert (place.row, place.index) == (draft.row, index)
            assert place.leaf == sha256(b"\0" + place.entry).hexdigest()
            entry = json.loads(place.entry)
            assert canonical(entry) == place.entry
            assert tuple(link["name"] for link in entry["chains"]) == draft.chains
            for link in entry["chains"]:
                count, prev = seen.get(link["name"], (0, ""))
                assert (link["n"], link["prev"]) == (count + 1, prev)
                seen[link["name"]] = (link["n"], place.leaf)
            index += 1
    assert {name: (head.n, head.leaf) for name, head in heads.items()} == seen


def test_the_heads_given_are_not_changed() -> None:
    heads = {"session:a": ChainHead("session:a", 5, "aa")}
    number(0, [waiting(("session:a",), 1)], heads)
    assert heads == {"session:a": ChainHead("session:a", 5, "aa")}


def test_what_is_no_draft_gets_no_place() -> None:
    with pytest.raises(Invalid):
        number(0, [Unsequenced(1, b'{"chains":[{}]}', ())], {})


class Queue:
    """A store's log that only counts."""

    def __init__(self, waiting: int, *, shared: bool = False) -> None:
        self.waiting = waiting
        self.shared = shared
        self.limits: list[int] = []
        self.conflicts = 0
        self.listeners: list[Callable[[], None]] = []

    async def sequence(self, limit: int, number: Number) -> int:
        self.limits.append(limit)
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("another sequencer took these places")
        count = min(limit, self.waiting)
        self.waiting -= count
        return count

    def on_append(self, call: Callable[[], None]) -> None:
        self.listeners.append(call)

    def commit(self, count: int) -> None:
        self.waiting += count
        for call in self.listeners:
            call()


async def test_draining_takes_everything_in_bounded_steps() -> None:
    queue = Queue(5000)
    placed: list[int] = []
    assert await Sequencer(queue, placed.append).drain() == 5000
    assert queue.waiting == 0 and sum(placed) == 5000
    assert max(placed) <= max(queue.limits) <= 5000


async def test_a_commit_wakes_it_and_a_rival_does_not_stop_it() -> None:
    queue = Queue(0, shared=True)
    done = asyncio.Event()
    sequencer = Sequencer(queue, lambda count: done.set())
    task = asyncio.create_task(sequencer.run())
    await asyncio.sleep(0)
    queue.conflicts = 1
    queue.commit(3)
    await asyncio.wait_for(done.wait(), 5)
    assert queue.waiting == 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_another_node_commits_is_found() -> None:
    queue = Queue(0, shared=True)
    done = asyncio.Event()
    task = asyncio.create_task(Sequencer(queue, lambda count: done.set()).run())
    await asyncio.sleep(0)
    queue.waiting = 3  # nobody tells
    await asyncio.wait_for(done.wait(), 5)
    assert queue.waiting == 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
