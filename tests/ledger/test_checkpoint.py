"""Checkpoints."""

from __future__ import annotations

import base64

import pytest

from daypass.ledger.checkpoint import Checkpoint, open_checkpoint
from daypass.ledger.merkle import EMPTY_ROOT
from daypass.ledger.note import Note, NoteError, keypair, sign

KEY, SIGNER = keypair("acme.test/prod", bytes(32))
ROOT = base64.b64encode(bytes(range(32))).decode()


def signed(text: str) -> bytes:
    return str(Note(text, (sign(text, KEY, SIGNER),))).encode()


def test_a_checkpoint_is_three_lines() -> None:
    head = Checkpoint("acme.test/prod", 20852163, bytes(range(32)))
    assert head.text == f"acme.test/prod\n20852163\n{ROOT}\n"
    assert open_checkpoint(signed(head.text), KEY).head == head


def test_the_empty_log_has_a_checkpoint() -> None:
    head = Checkpoint("acme.test/prod", 0, EMPTY_ROOT)
    assert open_checkpoint(signed(head.text), KEY).head == head
    with pytest.raises(NoteError, match="no entries"):
        Checkpoint.parse(f"acme.test/prod\n0\n{ROOT}\n")


def test_extension_lines_are_allowed_and_ignored() -> None:
    assert Checkpoint.parse(f"acme.test/prod\n7\n{ROOT}\nmore\n").size == 7


def test_the_largest_size_is_below_2_63() -> None:
    assert Checkpoint.parse(f"acme.test/prod\n{2**63 - 1}\n{ROOT}\n").size == 2**63 - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme.test/prod\n7\n",
        f"\n7\n{ROOT}\n",
        f"acme.test/prod\n07\n{ROOT}\n",
        f"acme.test/prod\n-7\n{ROOT}\n",
        f"acme.test/prod\n+7\n{ROOT}\n",
        f"acme.test/prod\n7 \n{ROOT}\n",
        f"acme.test/prod\n٧\n{ROOT}\n",
        f"acme.test/prod\n{2**63}\n{ROOT}\n",
        f"acme.test/prod\n7\n{ROOT[:-4]}\n",
        f"acme.test/prod\n7\n{ROOT[:-2]}9=\n",
        f"acme.test/prod\n7\n{ROOT}\n\n",
        f"acme.test/prod\n7\n{ROOT}",
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_another_origin_or_no_signature_is_refused() -> None:
    with pytest.raises(NoteError, match="is of other"):
        open_checkpoint(signed(f"other\n7\n{ROOT}\n"), KEY)
    other, signer = keypair("acme.test/prod", b"\x01" * 32)
    text = f"acme.test/prod\n7\n{ROOT}\n"
    with pytest.raises(NoteError, match="no signature"):
        open_checkpoint(str(Note(text, (sign(text, other, signer),))).encode(), KEY)
