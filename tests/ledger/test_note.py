"""Signed notes and cosignatures."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.ledger.note import (
    COSIGNATURE_V1,
    Note,
    NoteError,
    Signature,
    VerifierKey,
    cosign,
    cosigned_at,
    cosigned_message,
    key_id,
    keypair,
    sign,
    signed_at,
    verify,
)

TEXT = "acme.test/prod\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
KEY, SIGNER = keypair("acme.test/prod", bytes(32))
WITNESS, WITNESS_SIGNER = keypair("witness.test/w1", b"\x01" * 32, COSIGNATURE_V1)
RAW = str(Note(TEXT, (sign(TEXT, KEY, SIGNER), cosign(TEXT, WITNESS, WITNESS_SIGNER, 1679315147)))).encode()


def test_a_note_is_read_as_it_was_written() -> None:
    note = Note.parse(RAW)
    assert str(note).encode() == RAW
    assert verify(note, (KEY, WITNESS)) == (KEY, WITNESS)
    assert cosigned_at(note, (WITNESS,)) == ((WITNESS, 1679315147),)


def test_the_note_of_the_specification() -> None:
    """The example of C2SP signed-note: its key is not given, its form is."""
    raw = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj9"
        "9ihAQwaqP3ZekRwNtIc=\n"
    )
    note = Note.parse(raw.encode())
    assert note.text.endswith("sera.\n") and "\n\n" in note.text
    assert note.signatures[0].name == "quasimodo.example/salvatore"
    assert str(note) == raw


def test_a_key_is_read_as_it_was_written() -> None:
    for key in (KEY, WITNESS):
        assert VerifierKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme.test/prod",
        str(KEY).replace("acme", "bcme"),
        str(KEY).replace("+", "+0", 1),
        str(KEY)[:-4],
        str(KEY).upper(),
        "a b" + str(KEY),
        f"x+{KEY.id.hex()}+{base64.b64encode(bytes([2]) + KEY.public).decode()}",
    ],
)
def test_a_damaged_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(text)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_note_is_seen(position: int, change: int) -> None:
    damaged = bytearray(RAW)
    damaged[position] ^= change
    try:
        signed = verify(Note.parse(bytes(damaged)), (KEY, WITNESS))
    except NoteError:
        return
    assert set(signed) != {KEY, WITNESS}, f"byte {position} could be changed"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        TEXT.encode(),
        TEXT.encode() + b"\n",
        RAW[:-1],
        RAW + b"\n",
        RAW.replace(b"\n\n", b"\n"),
        RAW.replace(b"7", b"7\r"),
        RAW.replace(b"acme", b"\xff"),
        RAW.replace("—".encode(), b"-"),
        RAW + b"\xe2\x80\x94 name\n",
        RAW + b"\xe2\x80\x94 na+me AAAAAAA=\n",
        RAW + b"\xe2\x80\x94 name AAAA\n",
        RAW + b"\xe2\x80\x94 name !!!!!!!!\n",
        TEXT.encode() + b"\n" + RAW.split(b"\n\n")[1] * 40,
    ],
)
def test_a_malformed_note_is_refused(raw: bytes) -> None:
    with pytest.raises(NoteError):
        Note.parse(raw)


def test_unknown_keys_are_ignored_and_known_ones_must_be_right() -> None:
    note = Note.parse(RAW)
    other, _ = keypair("acme.test/prod", b"\x02" * 32)
    assert verify(note, (other,)) == ()
    assert verify(note, (KEY,)) == (KEY,)
    wrong = Signature(KEY.name, KEY.id, bytes(64))
    with pytest.raises(NoteError, match="is wrong"):
        verify(Note(TEXT, (*note.signatures, wrong)), (KEY,))


def test_base64_has_one_form() -> None:
    line = str(sign(TEXT, KEY, SIGNER)).rstrip("\n")
    assert line.endswith("=")
    last = line[-2]
    loose = line[:-2] + chr(ord(last) + 1) + "="
    assert base64.b64decode(loose.split()[2]) == base64.b64decode(line.split()[2])
    with pytest.raises(NoteError, match="canonical"):
        Signature.parse(loose)


def test_what_a_witness_signs() -> None:
    assert cosigned_message(TEXT, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()
    plain, _ = keypair("witness.test/w1", b"\x01" * 32)
    assert plain.id != WITNESS.id, "one key in two algorithms has two ids"
    signature = cosign(TEXT, WITNESS, WITNESS_SIGNER, 5)
    assert len(signature.data) == 72 and signature.data[:8] == (5).to_bytes(8, "big")


@pytest.mark.parametrize("data", [b"", bytes(64), bytes(71), b"\x80" + bytes(71), bytes(72)])
def test_a_wrong_cosignature_is_refused(data: bytes) -> None:
    with pytest.raises(NoteError):
        verify(Note(TEXT, (Signature(WITNESS.name, WITNESS.id, data),)), (WITNESS,))


def test_a_cosignature_beyond_time_is_refused() -> None:
    signature = cosign(TEXT, WITNESS, WITNESS_SIGNER, 2**63)
    with pytest.raises(NoteError):
        verify(Note(TEXT, (signature,)), (WITNESS,))


# -- limits, from both sides


def test_the_algorithms_are_those_of_the_specifications() -> None:
    first = [base64.b64decode(str(key).split("+", 2)[2])[0] for key in (KEY, WITNESS)]
    assert first == [0x01, 0x04]


def test_a_key_of_another_kind_or_length_is_refused() -> None:
    for raw in (b"\x01" + bytes(31), b"\x01" + bytes(33), b"\x02" + bytes(32)):
        id = key_id("a", raw[0], raw[1:]).hex()
        with pytest.raises(NoteError, match="the byte 01 or 04 and 32 bytes"):
            VerifierKey.parse(f"a+{id}+{base64.b64encode(raw).decode()}")


def test_a_key_with_a_name_that_none_can_have_is_refused() -> None:
    id = key_id("a b", 1, KEY.public).hex()
    with pytest.raises(NoteError, match="a verifier key is name"):
        VerifierKey.parse(f"a b+{id}+{base64.b64encode(bytes([1]) + KEY.public).decode()}")


def test_a_note_has_at_most_64_signatures() -> None:
    line = str(sign(TEXT, KEY, SIGNER))
    assert len(Note.parse(f"{TEXT}\n{64 * line}".encode()).signatures) == 64
    with pytest.raises(NoteError, match="more than 64"):
        Note.parse(f"{TEXT}\n{65 * line}".encode())


def test_a_signature_has_a_byte_at_least_behind_its_key_id() -> None:
    assert Signature.parse(f"— a {base64.b64encode(bytes(5)).decode()}").data == b"\0"
    with pytest.raises(NoteError, match="a signature of 4 bytes"):
        Signature.parse(f"— a {base64.b64encode(bytes(4)).decode()}")


@pytest.mark.parametrize("control", ["\t", "\r", "\0", "\x1f"])
def test_a_control_character_is_refused(control: str) -> None:
    text = TEXT.replace("acme", f"ac{control}me")
    with pytest.raises(NoteError, match="no control characters"):
        Note.parse(str(Note(text, (sign(text, KEY, SIGNER),))).encode())


def test_the_last_time_that_can_be_said() -> None:
    last = 2**63 - 1
    assert signed_at(cosign(TEXT, WITNESS, WITNESS_SIGNER, last), TEXT, WITNESS) == last
    assert signed_at(cosign(TEXT, WITNESS, WITNESS_SIGNER, last + 1), TEXT, WITNESS) is None
    assert signed_at(sign(TEXT, KEY, SIGNER), TEXT, KEY) == 0
