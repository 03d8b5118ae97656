"""A recording of any length, put behind the session of a gateway that is stopped: real chunks, sealed and named by
entries as the shipper's are, without the hour that it would take to have them all said."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from daypass.domain.events import Actor, Draft, Event
from daypass.domain.session import Session
from daypass.ledger.entry import SALT_BYTES, seal, seal_blob
from daypass.ledger.recording import CHUNK_BYTES, MEDIA, Tape
from daypass.store.opening import SQLITE, open_store

ROWS = [[f"{n} " + "a cell that is rather long " * 40] for n in range(60)]
"""Result rows of each statement: with their data some 128 KiB of recording."""
_DATA = json.dumps(ROWS)
STEP_US = 2_000_000


def text_of(n: int) -> str:
    """What statement `n` of a long recording says."""
    return f"select * from orders where batch = {n}"


async def lengthen(data: Path, id: str, size: int) -> int:
    """Append so many bytes of recording to a session, with statements of their own. Returns the number of the last."""
    store = open_store(SQLITE, data)
    try:
        async with store.begin() as tx:
            session = await tx.session(id)
            assert session is not None
            made, last = 0, session.statements
            tape = Tape("orders=> ", session.opened_at * 1000)
            while made < size:
                last += 1
                _say(tape, session, last)
                if tape.size >= CHUNK_BYTES:
                    made += tape.size
                    await tx.append(_draft(tape, session))
            await tx.save_session(replace(session, statements=last))
    finally:
        await store.close()
    return last


def _say(tape: Tape, session: Session, n: int) -> None:
    t_us = session.opened_at * 1000 + n * STEP_US
    salt = {"text": os.urandom(SALT_BYTES).hex()}
    tape.question(t_us, text_of(n), json.dumps({"n": n, "t": t_us // 1000, "text": text_of(n), "salt": salt}))
    tape.rows(t_us + 500, ROWS, False, f'{{"n":{n},"cut":0,"rows":{_DATA}}}')
    told = {"n": n, "t": t_us // 1000, "tags": [f"SELECT {len(ROWS)}"], "rows": len(ROWS), "duration_us": 900}
    tape.result(t_us + 900, f"SELECT {len(ROWS)}, 0.9 ms", json.dumps(told))


def _draft(tape: Tape, session: Session) -> Draft:
    event = Event(
        "recording.kept",
        session.opened_at,
        Actor(session.person, "person"),
        request=session.request,
        grant=session.grant,
        session=session.id,
    )
    blob = seal_blob(tape.take(), MEDIA, os.urandom(SALT_BYTES), session.id)
    return replace(seal(event, os.urandom), blobs=(blob,))
