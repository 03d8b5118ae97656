"""Recordings in parts: every piece is in exactly one, in order, and each but the last has its size."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from daypass.ledger.entry import SALT_BYTES, seal_blob
from daypass.ledger.locking import locking
from daypass.ledger.parts import BEGINNING_BYTES, PART_BYTES, begins_with, parts_of, questions_in, unpacked_bytes
from daypass.ledger.recording import MEDIA, Tape

SALT = bytes(SALT_BYTES)


@given(st.lists(st.integers(0, 2 * PART_BYTES), max_size=60))
def test_parts_follow_one_another_and_leave_nothing_out(lengths: list[int]) -> None:
    pieces = [(10 * n, length) for n, length in enumerate(lengths, 1)]
    parts = list(parts_of(pieces))
    assert parts[0][0] == 0 and all(one[1] == following[0] for one, following in pairwise(parts))
    assert parts[-1][1] == (pieces[-1][0] if pieces else 0)
    for after, last in parts[:-1]:
        inside = [length for place, length in pieces if after < place <= last]
        assert sum(inside) >= PART_BYTES > sum(inside[:-1])


def test_a_piece_says_its_length_in_its_beginning() -> None:
    for size in (0, 1, 300, 70_000, 3_000_000):
        stored = seal_blob(b"x" * size, MEDIA, SALT).content
        assert unpacked_bytes(stored[:BEGINNING_BYTES]) == size + SALT_BYTES
    assert unpacked_bytes(b"no frame at all...") == 0


def test_what_is_encrypted_has_no_length() -> None:
    import pyrage

    lock = locking([str(pyrage.x25519.Identity.generate().to_public())])
    assert unpacked_bytes(seal_blob(b"x", MEDIA, SALT, None, lock).content[:BEGINNING_BYTES]) == 0


def test_where_a_part_begins() -> None:
    tape = Tape("orders=> ", 0)
    tape.rows(5, [["'sql.q'", "1"]], False, json.dumps({"n": 6, "cut": 0, "rows": [['"sql.q"', "1"]]}))
    tape.question(7_000, "select 7", json.dumps({"n": 7, "t": 7, "text": "select 7"}))
    content = tape.take()
    assert begins_with(content) == (7, 7)
    (line,) = questions_in(content).splitlines()
    assert json.loads(json.loads(line)[2])["text"] == "select 7"
    tape.rows(5, [["1"]], False, json.dumps({"n": 6, "cut": 0, "rows": [["1"]]}))
    assert begins_with(tape.take()) == (None, None) == begins_with(b"") == begins_with(b'[0.1,"sql.q","no JSON"]\n')
