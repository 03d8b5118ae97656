"""Entries about votes and keys that are of no such form: whoever holds the log's key can write them. They are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.ledger.logs import Log

from daypass.ledger.note import VerifierKey
from daypass.ledger.source import Directory
from daypass.ledger.tampering import Tampered
from daypass.ledger.verify import Asked, verify_log

VOTED = b'"type":"request.voted","v":1}'
ENROLLED = b'"type":"key.enrolled","v":1}'
REVOKED = b'"type":"key.revoked","v":1}'


@pytest.mark.parametrize(
    "entry",
    [
        b'{"chains":[],"commit":{},' + VOTED,
        b'{"body":{},"chains":[],"commit":{},' + REVOKED,
        b'{"body":[],"chains":[],"commit":{},' + ENROLLED,
        b'{"actor":[],"body":{},"chains":[],"commit":{},' + ENROLLED,
        b'{"actor":{"id":""},"body":{"public":7},"chains":[],"commit":{},' + ENROLLED,
        b'{"actor":{},"body":{"signed":"x"},"chains":[],"commit":{},' + VOTED,
        b'{"actor":{},"body":{"signed":{}},"chains":[],"commit":{},' + VOTED,
        b'{"actor":{},"body":{"signed":{"signature":1,"statement":1}},"chains":[],"commit":{},' + VOTED,
        b'{"actor":"\xff","chains":[],"commit":{},' + VOTED,
        b'[{"chains":[],"commit":{},' + VOTED,
        b'{"a":' + b"[" * 30_000 + b',"chains":[],"commit":{},' + VOTED,
    ],
)
def test_what_is_not_of_its_form_is_told_in_one_line(tmp_path: Path, entry: bytes) -> None:
    log = Log(tmp_path).grow(5)
    log.append([entry])
    key = VerifierKey.parse((log.root / "vkey").read_text())
    with pytest.raises(Tampered, match=r"^entry 5: "):
        verify_log(Directory(log.root), Asked(key))
