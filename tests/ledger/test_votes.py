"""Entries about votes and keys that are of no such form: whoever holds the log's key can write them. They are told."""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.identity.authenticator import Authenticator, b64, unb64
from tests.ledger.logs import Log

from daypass.domain.ssh_signature import NAMESPACE, fingerprint, read_public_key
from daypass.domain.vote_statement import statement
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


Entries = dict[str, dict[str, Any]]


def entries() -> Entries:
    """Lea enrols a passkey, votes with it, and takes it away."""
    key = Authenticator()
    text = statement(decision="approve", nonce="0123456789abcdef", checkpoint="", request="r", digest="d", deadline=1)
    public = {
        "kind": "passkey",
        "credential": key.id,
        "origin": key.origin,
        "public": b64(key.cose()),
        "rp_id": key.rp_id,
    }
    signed = {"statement": text, "passkey": key.vote(text) | {"enrolled": "e"}}
    lea = {"id": "lea"}
    return {
        "enrolment": {"id": "e", "type": "key.enrolled", "actor": lea, "body": public | {"person": "lea"}},
        "vote": {
            "type": "request.voted",
            "actor": lea,
            "request": "r",
            "decision": "approve",
            "body": {"digest": "d", "signed": signed},
        },
        "removal": {"type": "key.revoked", "actor": lea, "body": {"kind": "passkey", "credential": key.id}},
    }


def _string(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def ssh_entries(text: str) -> Entries:
    """Lea enrols an SSH key, votes with it, and takes it away (OpenSSH's PROTOCOL.sshsig)."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    raw = read_public_key(line)[1]
    about = NAMESPACE.encode(), b"", b"sha512"
    signature = key.sign(b"SSHSIG" + _string(*about, sha512(text.encode()).digest()))
    whole = b"SSHSIG\0\0\0\1" + _string(raw, *about, _string(b"ssh-ed25519", signature))
    armored = f"-----BEGIN SSH SIGNATURE-----\n{b64encode(whole).decode()}\n-----END SSH SIGNATURE-----\n"
    found = entries()
    mark, lea = fingerprint(raw), {"id": "lea"}
    found["enrolment"]["body"] = {"fingerprint": mark, "person": "lea", "public": line}
    found["vote"]["body"]["signed"] = {"statement": text, "signature": armored}
    found["removal"] = {"type": "key.revoked", "actor": lea, "body": {"fingerprint": mark}}
    return found


def test_a_vote_signed_with_an_ssh_key_is_held_to_its_signature_and_its_key() -> None:
    text = entries()["vote"]["body"]["signed"]["statement"]
    found = ssh_entries(text)
    assert follow(found, "enrolment", "vote", "vote", "removal") == 2
    for names in (("vote",), ("enrolment", "removal", "vote")):
        with pytest.raises(Tampered, match="signed with a key that its person has not enrolled"):
            follow(found, *names)
    found["vote"]["body"]["signed"]["signature"] = ssh_entries("another")["vote"]["body"]["signed"]["signature"]
    with pytest.raises(Tampered, match=r"^entry 1: the vote's signature does not hold$"):
        follow(found, "enrolment", "vote")
    found["vote"]["actor"] = {"id": "ben"}
    with pytest.raises(Tampered, match="signed with a key that its person has not enrolled"):
        follow(found, "enrolment", "vote")


def follow(found: Entries, *names: str) -> int:
    votes = Votes()
    for index, name in enumerate(names):
        votes.follow(index, json.dumps(found[name]).encode())
    return votes.signed


def test_a_passkey_counts_from_its_enrolment_to_its_removal() -> None:
    found = entries()
    assert follow(found) == follow(found, "enrolment", "removal") == 0
    assert follow(found, "enrolment", "vote", "vote", "removal") == 2
    with pytest.raises(Tampered, match=r"^entry 1: enrols a passkey that is enrolled already$"):
        follow(found, "enrolment", "enrolment")
    for names in (("vote",), ("enrolment", "removal", "vote")):
        with pytest.raises(Tampered, match="signed with a passkey that its person has not enrolled"):
            follow(found, *names)


def _other(raw: str) -> str:
    return b64(unb64(raw)[:-1] + bytes([unb64(raw)[-1] ^ 1]))


TAMPERED: dict[str, tuple[Callable[[Entries], Any], str]] = {
    "signature": (
        lambda e: e["vote"]["body"]["signed"]["passkey"].update(
            signature=_other(e["vote"]["body"]["signed"]["passkey"]["signature"])
        ),
        "entry 1: the vote's signature does not hold: ",
    ),
    "voter": (lambda e: e["vote"].update(actor={"id": "ben"}), "entry 1: .* has not enrolled"),
    "enrolment": (lambda e: e["enrolment"].update(id="f"), "entry 1: .* has not enrolled"),
    "key": (lambda e: e["enrolment"]["body"].update(public=b64(Authenticator().cose())), "entry 1: .* does not hold: "),
    "bytes of the key": (
        lambda e: e["enrolment"]["body"].update(public="YQ"),
        "entry 0: enrols a passkey that is none: ",
    ),
    "person": (lambda e: e["enrolment"]["body"].update(person="ben"), "entry 0: enrols a passkey for another person"),
    "site": (lambda e: e["enrolment"]["body"].update(rp_id="host"), "entry 0: .* or another site, than it says"),
    "origin": (lambda e: e["enrolment"]["body"].update(origin="http://localhost:1"), "entry 1: .* another origin"),
    "decision": (lambda e: e["vote"].update(decision="deny"), "entry 1: .* its decision is another"),
    "request": (lambda e: e["vote"].update(request="s"), "entry 1: .* its request is another"),
    "digest": (lambda e: e["vote"]["body"].update(digest="e"), "entry 1: .* its digest is another"),
    "narrowing": (lambda e: e["vote"]["body"].update(narrowed_ms=1), "entry 1: .* its narrowed_ms is another"),
    "statement": (lambda e: e["vote"]["body"]["signed"].update(statement="{}"), "entry 1: .* cannot be read: "),
}


@pytest.mark.parametrize("part", TAMPERED)
def test_a_vote_signed_by_passkey_is_held_to_every_part_of_it(part: str) -> None:
    found = entries()
    tamper, why = TAMPERED[part]
    assert follow(found, "enrolment", "vote") == 1
    tamper(changed := copy.deepcopy(found))
    with pytest.raises(Tampered, match=f"^{why}"):
        follow(changed, "enrolment", "vote")
