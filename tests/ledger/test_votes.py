"""Entries about votes and keys that are of no such form: whoever holds the log's key can write them. They are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.ledger.logs import Log

from daypass.domain.ssh_signature import fingerprint, read_public_key
from daypass.ledger.note import VerifierKey
from daypass.ledger.source import Directory
from daypass.ledger.tampering import Tampered
from daypass.ledger.verify import Asked, verify_log
from daypass.ledger.votes import Votes

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


def enrolled(person: str, public: str, mark: str, by: str = "ana") -> bytes:
    body = {"fingerprint": mark, "person": person, "public": public}
    return json.dumps({"actor": {"id": by}, "body": body, "type": "key.enrolled", "v": 1}).encode()


def test_a_key_is_enrolled_as_itself_and_by_its_person() -> None:
    def made(seed: int) -> tuple[str, str]:
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32).public_key()
        line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        return line, fingerprint(read_public_key(line)[1])

    (line, own), (_, other) = made(1), made(2)
    Votes().follow(0, enrolled("ana", line, own))
    for wrong in (enrolled("ana", line, other), enrolled("ben", line, own), enrolled("ana", line, own, by="ben")):
        with pytest.raises(Tampered, match=r"^entry 7: enrols another key, or for another person, than it says$"):
            Votes().follow(7, wrong)
    with pytest.raises(Tampered, match=r"^entry 7: enrols a key that is none: "):
        Votes().follow(7, enrolled("ana", line[:40], own))
