"""As many statements as one likes in the log of a gateway that is stopped: sealed, shipped and placed as its own are,
without the hours that it would take to have them said."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from daypass.domain.events import Draft, Event, IndexRow, TargetRef
from daypass.domain.people import Actor
from daypass.ledger.entry import seal
from daypass.ledger.sequencer import number
from daypass.store.opening import SQLITE, open_store

NODE = "said-before"
AT_ONCE = 2_000
STEP_MS = 20_000
TABLES = 199
KINDS: Mapping[str, str] = {"select": "read", "update": "write", "insert": "write"}


async def say(data: Path, count: int, under: Callable[[int], tuple[str, str]], until: int) -> None:
    """Append so many statements to the log, the last of them at `until` (ms). `under`: the ids of the request that
    statement `n` was said under, and of whose it is."""
    store = open_store(SQLITE, data)
    try:
        for first in range(0, count, AT_ONCE):
            part = range(first, min(first + AT_ONCE, count))
            drafts = [_draft(n, *under(n), until - (count - n) * STEP_MS) for n in part]
            await store.ship(NODE, part[0] + 1, part[-1] + 1, drafts)
            while await store.sequence(AT_ONCE, number):
                pass
    finally:
        await store.close()


def _draft(n: int, request: str, person: str, t: int) -> Draft:
    kind = list(KINDS)[n % len(KINDS)]
    table, text = f"public.table_{n % TABLES}", f"{kind} of batch {n} in table_{n % TABLES} for the refund of order {n}"
    event = Event(
        "statement.submitted",
        t,
        Actor(person, "person"),
        request=request,
        target=TargetRef("orders", "postgres"),
        body={"statement": n, "kind": kind, "effect": KINDS[kind], "reads": [table], "writes": []},
        secret={"text": text},
    )
    return replace(seal(event, os.urandom), index=IndexRow(text, table, kind, KINDS[kind], f"f{n % TABLES}"))
