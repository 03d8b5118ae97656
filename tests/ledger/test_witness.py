"""The witness: the answers of C2SP tlog-witness, and a memory that survives crashes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.ledger.failing import FailingFiles, input_output, no_space
from tests.ledger.logs import ORIGIN, SEED, Log

from daypass.ledger.checkpoint import Checkpoint, open_checkpoint
from daypass.ledger.merkle import EMPTY_ROOT, consistency_proof
from daypass.ledger.note import COSIGNATURE_V1, Note, Signature, cosign, keypair, sign, signed_at
from daypass.ledger.witness import SIZE_MEDIA, Witness, encode_submission

KEY, SIGNER = keypair("witness.test/one", b"\x09" * 32, COSIGNATURE_V1)
LOG_KEY, LOG_SIGNER = keypair(ORIGIN, SEED)
NOW = 1_790_000_000
LOG = Log(Path("/data"), FailingFiles()).grow(7, 300, 600)
AT = {0: LOG.published[0], 7: LOG.published[1], 300: LOG.published[2], 600: LOG.published[3]}
NODES = LOG.publisher.nodes()


def witness(files: FailingFiles) -> Witness:
    return Witness(KEY, SIGNER, {ORIGIN: LOG_KEY}, Path("/witness"), files)


def submission(old: int, new: int) -> bytes:
    return encode_submission(old, consistency_proof(old, new, NODES) if old else [], AT[new])


def signed(text: str) -> bytes:
    return str(Note(text, (sign(text, LOG_KEY, LOG_SIGNER),))).encode()


def test_it_follows_a_log() -> None:
    files = FailingFiles()
    for old, new in ((0, 0), (0, 7), (7, 7), (7, 300), (300, 600)):
        answer = witness(files).add_checkpoint(submission(old, new), NOW + new)
        assert answer.status == 200, answer.body
        line = Signature.parse(answer.body.removesuffix("\n"))
        assert signed_at(line, Note.parse(AT[new]).text, KEY) == NOW + new
        head = open_checkpoint(AT[new], LOG_KEY).head
        assert witness(files).last(ORIGIN) == (head.size, head.root)


def test_a_first_checkpoint_may_be_of_any_size() -> None:
    assert witness(FailingFiles()).add_checkpoint(submission(0, 300), NOW).status == 200


def test_the_cosignature_covers_extension_lines() -> None:
    text = Checkpoint(ORIGIN, 0, EMPTY_ROOT).text + "more\n"
    answer = witness(FailingFiles()).add_checkpoint(encode_submission(0, [], signed(text)), NOW)
    assert answer.body == str(cosign(text, KEY, SIGNER, NOW))


def other(size: int) -> bytes:
    return signed(Checkpoint(ORIGIN, size, b"\x01" * 32).text)


PROOF = consistency_proof(7, 300, NODES)
REFUSED = {
    "not a submission": (b"", 400),
    "no old size": (submission(7, 300).replace(b"old 7", b"new 7"), 400),
    "leading zero": (submission(7, 300).replace(b"old 7", b"old 07"), 400),
    "a loose proof line": (submission(7, 300).replace(b"\n", b"\nx\n", 1), 400),
    "too many lines": (encode_submission(7, [bytes(32)] * 64, AT[300]), 400),
    "no checkpoint": (encode_submission(7, PROOF, b"hello"), 400),
    "old beyond new": (encode_submission(8, [], AT[7]), 400),
    "another log": (encode_submission(7, PROOF, AT[300].replace(ORIGIN.encode(), b"other.test", 1)), 404),
    "no signature of the log": (
        encode_submission(7, PROOF, AT[300].replace(f"— {ORIGIN}".encode(), "— x".encode())),
        403,
    ),
    "a wrong signature": (encode_submission(7, PROOF, AT[300].replace(b"\n300\n", b"\n301\n")), 403),
    "an older size": (submission(0, 300), 409),
    "a later size": (submission(300, 600), 409),
    "another root at the same size": (encode_submission(7, [], other(7)), 409),
    "another root later": (encode_submission(7, PROOF, other(300)), 422),
    "no proof": (encode_submission(7, [], AT[300]), 422),
    "a proof too long": (encode_submission(7, [*PROOF, bytes(32)], AT[300]), 422),
    "a proof where none is due": (encode_submission(7, PROOF, AT[7]), 422),
}


@pytest.mark.parametrize(("raw", "status"), REFUSED.values(), ids=REFUSED)
def test_it_refuses(raw: bytes, status: int) -> None:
    files = FailingFiles()
    one = witness(files)
    assert one.add_checkpoint(submission(0, 7), NOW).status == 200
    answer = one.add_checkpoint(raw, NOW)
    assert answer.status == status, answer.body
    if status == 409:
        assert (answer.body, answer.media) == ("7\n", SIZE_MEDIA)
    assert one.last(ORIGIN)[0] == 7


def test_a_first_submission_has_no_proof() -> None:
    one = witness(FailingFiles())
    assert one.add_checkpoint(encode_submission(0, [bytes(32)], AT[7]), NOW).status == 422
    assert one.add_checkpoint(encode_submission(0, [], other(0)), NOW).status == 400


@pytest.mark.parametrize("failure", [no_space, input_output], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("operation", [1, 2])
def test_it_gives_no_cosignature_that_it_could_forget(failure: type[OSError], operation: int) -> None:
    files = FailingFiles()
    one = witness(files)
    one.add_checkpoint(submission(0, 7), NOW)
    files.fail(operation, failure())
    with pytest.raises(OSError, match=r"error|space"):
        one.add_checkpoint(submission(7, 300), NOW)
    for seed in range(4):
        files.crash(Random(seed))
        assert witness(files).last(ORIGIN)[0] in (7, 300)
    assert witness(files).add_checkpoint(submission(witness(files).last(ORIGIN)[0], 600), NOW).status == 200


def test_a_damaged_memory_cosigns_nothing() -> None:
    files = FailingFiles()
    one = witness(files)
    one.add_checkpoint(submission(0, 7), NOW)
    [path] = files.there
    for raw in (b"", b"{}", files.there[path].replace(b'"size": 7', b'"size": "7"')):
        files.there[path] = raw
        with pytest.raises((ValueError, KeyError)):
            one.add_checkpoint(submission(7, 300), NOW)
