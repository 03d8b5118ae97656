"""A recording whose bodies only its reader can open: fetched as it is stored, checked by digest, opened here."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from hashlib import sha256

from daypass.cli.client import Api, Json
from daypass.cli.opening import identity
from daypass.domain.errors import Unavailable
from daypass.domain.session import LIVE
from daypass.ledger.entry import BodyDamaged, open_blob
from daypass.ledger.recording import COLUMNS, MEDIA, ROWS, ended_lines


def opened_recording(here: Api, session: Json, file: str) -> Iterator[str]:
    """The lines of a session's recording (asciicast v3). Raises Invalid, Unavailable."""
    unlock = identity(file)
    yield json.dumps({"version": 3, "term": {"cols": COLUMNS, "rows": ROWS}, "timestamp": session["opened_at"] // 1000})
    since: str | None = "0"
    while since is not None:
        page = here.get(f"sessions/{session['id']}/bodies", since=since)
        for one in page["items"]:
            stored = base64.b64decode(one["content"])
            if one["media"] != MEDIA:
                continue
            if sha256(stored).hexdigest() != one["id"]:
                raise Unavailable(f"the body {one['id']} is damaged")
            try:
                yield from open_blob(stored, unlock).decode().removesuffix("\n").split("\n")
            except (BodyDamaged, UnicodeDecodeError) as problem:
                raise Unavailable(f"the body {one['id']} cannot be opened: {problem}") from None
        since = page["next"]
    if session["state"] not in LIVE:
        yield from ended_lines(session["recording"], session["end_reason"] or "").decode().splitlines()
