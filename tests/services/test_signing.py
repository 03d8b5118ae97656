"""Signed votes: with the very ssh-keygen that anybody has, counted here, checked by it and by the ledger's verifier."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from daypass.cli.signing import sign
from daypass.domain.errors import Conflict, DaypassError, Invalid, Refused
from daypass.domain.request import Request, RequestState
from daypass.domain.ssh_signature import NAMESPACE, holds, read_public_key, read_signature
from daypass.domain.vote_statement import read_statement, statement
from daypass.ledger.entry import seal
from daypass.ledger.tampering import Tampered
from daypass.ledger.votes import MARKS, Votes
from daypass.services.requests import Narrowed
from daypass.services.signing import Signed
from tests.domain.things import HOUR, request
from tests.services.conftest import SIMPLE, World

SIGNED = SIMPLE.replace("undecided_after: 4h", "undecided_after: 4h\n      signed: true")


def keygen(folder: Path, *kind: str, name: str = "key") -> Path:
    file = folder / name
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-C", "", "-f", str(file), *kind], check=True)
    return file


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return keygen(tmp_path, "-t", "ed25519")


def said(asked: Request, **more: object) -> str:
    given = {
        "request": asked.id,
        "digest": asked.digest,
        "decision": "approve",
        "deadline": asked.decide_by,
        "nonce": "0123456789abcdef",
        "checkpoint": "",
    }
    return statement(**{**given, **more})  # type: ignore[arg-type]


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text()


async def test_a_signed_vote_decides_where_policy_wants_one(world: World, key: Path) -> None:
    world.use(SIGNED)
    asked, lea = await world.asked(), await world.who("lea")
    enrolled = await world.signing.enrol(lea, public(key))
    assert world.last("key.enrolled").body["fingerprint"] == enrolled.fingerprint
    with pytest.raises(Refused, match="signed votes only"):
        await world.requests.approve(lea, asked.id)
    text = said(asked, narrowed_ms=HOUR // 2)
    signed = Signed(text, sign(text, key))
    with pytest.raises(Refused, match="its narrowed_ms is another"):
        await world.requests.approve(lea, asked.id, signed=signed)
    approved = await world.requests.approve(lea, asked.id, narrowed=Narrowed(HOUR // 2), signed=signed)
    assert approved.state is RequestState.APPROVED
    assert world.last("request.voted").body["signed"] == {"statement": text, "signature": signed.signature}


def test_plain_ssh_keygen_verifies_it(key: Path, tmp_path: Path) -> None:
    text = said(request())
    signature = sign(text, key)
    (tmp_path / "allowed").write_text(f"lea@acme.test {public(key)}")
    (tmp_path / "sig").write_text(signature)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "lea@acme.test", "-n", NAMESPACE]
    done = subprocess.run(
        [*command, "-s", str(tmp_path / "sig")], input=text.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert holds(read_signature(signature), text.encode())


WRONG = [
    ({"digest": "0" * 64}, "its digest is another"),
    ({"decision": "deny"}, "its decision is another"),
    ({"request": "x"}, "its request is another"),
    ({"deadline": 5}, "its deadline is another"),
    ({"narrowed_role": "read"}, "its narrowed_role is another"),
    ({"nonce": "short"}, "no nonce"),
]


@pytest.mark.parametrize(("more", "why"), WRONG)
async def test_approved_text_differs_from_executed_text(
    world: World, key: Path, more: dict[str, object], why: str
) -> None:
    """What is signed is what is decided, to the letter."""
    asked, lea = await world.asked(), await world.who("lea")
    await world.signing.enrol(lea, public(key))
    text = said(asked, **more)
    with pytest.raises(Refused, match=why):
        await world.requests.approve(lea, asked.id, signed=Signed(text, sign(text, key)))
    assert (await world.request(asked.id)).votes == ()


async def test_whose_key_it_is(world: World, key: Path, tmp_path: Path) -> None:
    asked, lea, ben = await world.asked(), await world.who("lea"), await world.who("ben")
    text = said(asked)
    signed = Signed(text, sign(text, key))
    with pytest.raises(Refused, match="not enrolled for you"):
        await world.requests.approve(lea, asked.id, signed=signed)
    enrolled = await world.signing.enrol(ben, public(key))
    with pytest.raises(Refused, match="not enrolled for you"):
        await world.requests.approve(lea, asked.id, signed=signed)
    with pytest.raises(Conflict, match="enrolled already"):
        await world.signing.enrol(lea, public(key))
    await world.signing.revoke(ben, enrolled.id[-8:])
    assert world.last("key.revoked").body["fingerprint"] == enrolled.fingerprint
    with pytest.raises(Refused, match="not enrolled for you"):
        await world.requests.approve(ben, asked.id, signed=signed)


async def test_a_signature_for_something_else(world: World, key: Path) -> None:
    asked, lea = await world.asked(), await world.who("lea")
    await world.signing.enrol(lea, public(key))
    other = sign("something else\n", key)
    with pytest.raises(Refused, match="does not hold"):
        await world.requests.approve(lea, asked.id, signed=Signed(said(asked), other))
    for armour in ("", "x", other[:-20], other.replace("U1NIU0lH", "AAAAAAAA")):
        with pytest.raises(Invalid):
            await world.requests.approve(lea, asked.id, signed=Signed(said(asked), armour))


KINDS = [("-t", "ed25519"), ("-t", "ecdsa", "-b", "256"), ("-t", "ecdsa", "-b", "521"), ("-t", "rsa", "-b", "3072")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind[1::2]))
def test_every_kind_of_key(tmp_path: Path, kind: Sequence[str]) -> None:
    key = keygen(tmp_path, *kind)
    signature = read_signature(sign("a vote\n", key))
    line, raw = read_public_key(public(key))
    assert signature.key == raw and line in public(key)
    assert holds(signature, b"a vote\n")
    assert not holds(signature, b"a vote")
    assert not holds(signature, b"a vote\n", "file")
    assert not holds(
        replace(signature, signature=signature.signature[:-1] + bytes([signature.signature[-1] ^ 1])), b"a vote\n"
    )
    assert not holds(replace(signature, key=signature.key[:-1]), b"a vote\n")
    assert not holds(replace(signature, hash=b"md5"), b"a vote\n")


@pytest.mark.parametrize(
    "line", ["", "ssh-dss AAAA", "ssh-ed25519", "ssh-ed25519 !!", "ssh-ed25519 AAAA", "ssh-rsa AAAAC3Nz"]
)
def test_what_is_no_key_to_sign_with(line: str) -> None:
    with pytest.raises(Invalid):
        read_public_key(line)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"v":1}\n', "{" * 5000])
def test_what_is_no_statement(text: str) -> None:
    with pytest.raises(DaypassError):
        read_statement(text)


def test_only_the_canonical_form_is_signed() -> None:
    text = statement(request="r", digest="d", decision="approve", deadline=1, nonce="n" * 16, checkpoint="c")
    assert read_statement(text)["request"] == "r"
    with pytest.raises(Invalid, match="canonical"):
        read_statement(text.replace(",", ", "))
    with pytest.raises(Invalid, match="nothing else"):
        read_statement(json.dumps({**json.loads(text), "more": 1}))


def entries(world: World) -> list[bytes]:
    """The entries about keys and votes, as they are sealed."""
    sealed = [seal(event, os.urandom).entry for event in world.told]
    return [entry for entry in sealed if entry.endswith(MARKS)]


async def test_the_ledger_verifier_checks_signatures_and_enrolments(world: World, key: Path) -> None:
    lea = await world.who("lea")
    asked = await world.asked()
    enrolled = await world.signing.enrol(lea, public(key))
    text = said(asked)
    await world.requests.approve(lea, asked.id, signed=Signed(text, sign(text, key)))
    found = entries(world)
    assert len(found) == 2

    def follow(*those: bytes) -> int:
        votes = Votes()
        for index, entry in enumerate(those):
            votes.follow(index, entry)
        return votes.signed

    assert follow(*found) == 1
    enrolment, vote = found
    with pytest.raises(Tampered, match="entry 0: the vote is signed with a key that its person has not enrolled"):
        follow(vote)
    with pytest.raises(Tampered, match="not what was voted on: its decision"):
        follow(enrolment, vote.replace(b'"decision":"approve"', b'"decision":"deny"', 1))
    with pytest.raises(Tampered, match="has not enrolled"):
        follow(enrolment, vote.replace(lea.id.encode(), b"0" * len(lea.id)))
    with pytest.raises(Tampered, match="does not hold"):
        follow(enrolment, vote.replace(b"0123456789abcdef", b"fedcba9876543210"))
    with pytest.raises(Tampered, match="another key"):
        follow(enrolment.replace(b"SHA256:", b"SHA256:x", 1), vote)
    await world.signing.revoke(lea, enrolled.id)
    with pytest.raises(Tampered, match="has not enrolled"):
        follow(enrolment, entries(world)[-1], vote)
