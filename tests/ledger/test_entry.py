"""Entries: one canonical line, commitments that hold, bodies apart."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.errors import Invalid
from daypass.domain.events import Event, TargetRef
from daypass.domain.people import Actor
from daypass.ledger.entry import (
    ENTRY_BYTES_MAX,
    FIELDS_MEDIA,
    NO_CHAINS,
    BodyDamaged,
    canonical,
    marked_late,
    open_blob,
    seal,
    seal_blob,
)

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    WORDS | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4)
)
ANA = Actor("01890a5d-ac96-774b-bcce-b302099a8057", "person")
T = 1_790_000_000_000


class Bytes:
    """Entropy that never repeats and can be foretold."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")


@given(st.dictionaries(WORDS, VALUES, max_size=5))
def test_canonical_is_one_line_that_reads_back_and_is_the_only_one(value: dict[str, Any]) -> None:
    line = canonical(value)
    assert json.loads(line) == value
    assert b"\n" not in line
    assert canonical(json.loads(line)) == line
    assert canonical(dict(reversed(value.items()))) == line


@pytest.mark.parametrize("value", [1.5, None, True, b"x", {1: "x"}, [None], {"a": {"b": 0.0}}, "\ud800"])
def test_only_strings_integers_lists_and_objects_stand_in_an_entry(value: object) -> None:
    with pytest.raises(Invalid):
        canonical({"body": value})


def test_the_whole_envelope() -> None:
    event = Event(
        "request.voted",
        T,
        Actor(ANA.id, "person", on_behalf_of="b"),
        request="r",
        grant="g",
        session="s",
        target=TargetRef("orders", "wire"),
        decision="approve",
        body={"n": 1, "words": ["é"]},
        secret={"note": "because — ü"},
    )
    draft = seal(event, Bytes())
    entry = json.loads(draft.entry)
    (blob,) = draft.blobs
    fields = json.loads(open_blob(blob.content))["fields"]
    assert entry == {
        "v": 1,
        "id": draft.id,
        "t": T,
        "type": "request.voted",
        "actor": {"id": ANA.id, "kind": "person", "on_behalf_of": "b"},
        "request": "r",
        "grant": "g",
        "session": "s",
        "chains": [],
        "target": {"name": "orders", "protocol": "wire"},
        "decision": "approve",
        "body": {"n": 1, "words": ["é"]},
        "commit": {"note": sha256(bytes.fromhex(fields["note"]["salt"]) + "because — ü".encode()).hexdigest()},
        "blob": [{"sha256": sha256(blob.content).hexdigest(), "bytes": len(blob.content), "media": FIELDS_MEDIA}],
    }
    assert fields["note"]["value"] == "because — ü"
    assert canonical(entry) == draft.entry
    assert draft.entry.count(NO_CHAINS) == 1
    assert (draft.type, draft.t, draft.actor, draft.target) == ("request.voted", T, ANA.id, "orders")
    assert draft.chains == ("session:s", "target:orders")


def test_what_is_not_there_is_left_out() -> None:
    entry = json.loads(seal(Event("ledger.heartbeat", T, ANA), Bytes()).entry)
    assert set(entry) == {"v", "id", "t", "type", "actor", "chains", "body", "commit", "blob"}
    assert (entry["chains"], entry["body"], entry["commit"], entry["blob"]) == ([], {}, {}, [])


def test_the_same_secret_is_committed_to_differently_each_time() -> None:
    entropy = Bytes()
    event = Event("request.created", T, ANA, secret={"reason": "same", "ticket": "same"})
    commits = [json.loads(seal(event, entropy).entry)["commit"] for _ in range(2)]
    assert len({value for commit in commits for value in commit.values()}) == 4


def test_an_entry_that_is_too_long_is_refused() -> None:
    with pytest.raises(Invalid, match="longer"):
        seal(Event("request.created", T, ANA, body={"x": "y" * ENTRY_BYTES_MAX}), Bytes())


def test_nothing_else_in_an_entry_looks_like_its_chains() -> None:
    with pytest.raises(Invalid, match="chains"):
        seal(Event("request.created", T, ANA, body={"chains": []}), Bytes())
    quoted = seal(Event("request.created", T, ANA, body={"x": '"chains":[]'}), Bytes())
    assert quoted.entry.count(NO_CHAINS) == 1


def test_a_secret_that_is_no_text_is_refused() -> None:
    with pytest.raises(Invalid):
        seal(Event("request.created", T, ANA, secret={"reason": "\ud800"}), Bytes())


@given(st.binary(max_size=2000))
def test_a_blob_gives_back_what_was_sealed(content: bytes) -> None:
    blob = seal_blob(content, "x/y", b"s" * 32, "session")
    assert open_blob(blob.content) == content
    assert blob.sha256 == sha256(blob.content).hexdigest()


@given(st.binary(max_size=200))
def test_what_is_no_blob_is_said_to_be_damaged(stored: bytes) -> None:
    try:
        open_blob(stored)
    except BodyDamaged:
        return
    raise AssertionError("opened garbage")


def test_a_late_entry_differs_in_that_one_word() -> None:
    draft = seal(Event("statement.submitted", T, ANA, body={"kind": "select", "statement": 2}), Bytes())
    late = marked_late(draft)
    told = json.loads(late.entry)
    assert told["body"].pop("late") == 1 and canonical(told) == draft.entry
    assert late.entry == canonical(json.loads(late.entry)) and late.entry.count(NO_CHAINS) == 1
