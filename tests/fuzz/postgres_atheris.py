"""Coverage-guided fuzzing of PostgreSQL sessions. Not part of the suite, and atheris is no dependency of the project.

    uv pip install atheris
    .venv/bin/python tests/fuzz/postgres_atheris.py -max_total_time=600 CORPUS_DIRECTORY

The input is a sequence of turns: a byte that says whose (even: client, odd: target), a byte of length, and bytes. It
fails on an exception, or if a statement that was submitted is not completed exactly once.
"""

from __future__ import annotations

import sys
from typing import Any

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports():
    from daypass.domain.statement import Completed, Submitted
    from daypass.protocols.interface import Ending, Limits, Received, Record, Side
    from daypass.protocols.postgres import POSTGRES
    from daypass.protocols.postgres.relay import Relay
    from daypass.protocols.postgres.rows import unpack_rows, unpack_values


def turns(data: bytes) -> list[tuple[Side, bytes]]:
    """Cut the input into turns."""
    found: list[tuple[Side, bytes]] = []
    pos = 0
    while pos + 2 <= len(data):
        side = Side.TARGET if data[pos] & 1 else Side.CLIENT
        found.append((side, data[pos + 2 : pos + 2 + data[pos + 1]]))
        pos += 2 + data[pos + 1]
    return found


def one_input(data: bytes) -> None:
    """Feed one input to a new session, to a relay, and to what unpacks records."""
    session = POSTGRES.session(entropy=bytes(64), tls=True, plain=True, limits=Limits(message_bytes=4096))
    relay = Relay(Limits(message_bytes=4096), results=bool(data[:1] > b"\x7f"), parameters={})
    effects: list[Any] = []
    for side, chunk in turns(data):
        session.handle(Received(side, chunk, 1.0))
        effects += relay.received(side, chunk, 1.0)
    if not relay.ended:
        effects += relay.end(Ending("expired", "the end"))
    facts = [effect.fact for effect in effects if isinstance(effect, Record)]
    submitted = sorted(fact.n for fact in facts if isinstance(fact, Submitted))
    assert submitted == sorted(fact.n for fact in facts if isinstance(fact, Completed))
    unpack_values(data)
    unpack_rows(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
