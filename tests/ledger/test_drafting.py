"""Facts become canonical entries whose commitments the recording opens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.sessions import PROTOCOL, T_US, Entropy, at, info, session_id

from daypass.domain.events import CATALOGUE, Draft
from daypass.domain.statement import Completed, Fact, Prepared, Rows, StatementRefused, Submitted, Value
from daypass.ledger import drafting, pieces
from daypass.ledger.bodies import values_of
from daypass.ledger.drafting import Drafting
from daypass.ledger.entry import ENTRY_BYTES_MAX, NO_CHAINS, canonical, open_blob
from daypass.ledger.facts import Recorded, decode, encode
from daypass.ledger.recording import CHUNK_BYTES, DATA, MEDIA, QUESTION, RESULT, payloads
from daypass.protocols import PROTOCOLS

TEXT = b"UPDATE public.orders SET note = 'x' WHERE id = 7"
TEXTS = st.text(max_size=40)
NAMES = st.lists(TEXTS, max_size=4).map(tuple)
FACTS = st.one_of(
    st.builds(Prepared, TEXTS, st.binary(max_size=80)),
    st.builds(
        Submitted,
        n=st.integers(1, 2**31),
        via=st.sampled_from(["query", "bind"]),
        text=st.binary(max_size=80) | st.just(TEXT),
        name=TEXTS,
        values=st.binary(max_size=40),
        same_as=st.integers(0, 5),
        verified=st.booleans(),
        resolved=st.binary(max_size=40),
    ),
    st.builds(
        Completed,
        n=st.integers(1, 2**31),
        tags=NAMES,
        rows=st.integers(0, 2**60),
        bytes=st.integers(0, 2**60),
        duration_us=st.integers(0, 2**60),
        error=TEXTS,
        message=TEXTS,
        columns=NAMES,
        copied_bytes=st.integers(0, 2**60),
        copied_sha256=st.sampled_from([b"", bytes(32)]),
    ),
    st.builds(Rows, st.integers(1, 9), st.binary(max_size=80), st.booleans()),
    st.builds(StatementRefused, st.integers(1, 9), st.binary(max_size=80), TEXTS),
)


def draft(*recorded: Recorded, known: bool = True) -> list[Draft]:
    work = Drafting(PROTOCOLS, Entropy())
    for session in dict.fromkeys(one.session for one in recorded):
        n = int(session[-12:], 16)
        work.introduce(session, info(n) if known else None)
    for one in recorded:
        work.add(one)
    return list(work.drafts())


def told(drafts: Sequence[Draft]) -> list[tuple[str, Any]]:
    return [each for one in drafts for blob in one.blobs for each in payloads(open_blob(blob.content))]


def shown(drafts: Sequence[Draft]) -> list[str]:
    lines = [line for one in drafts for blob in one.blobs for line in open_blob(blob.content).splitlines()]
    return [text for _, code, text in map(json.loads, lines) if code == "o"]


def commitment(salt: str, value: bytes) -> str:
    return sha256(bytes.fromhex(salt) + value).hexdigest()


@given(st.lists(st.tuples(FACTS, st.integers(1, 3)), min_size=1, max_size=12), st.booleans())
def test_whatever_happens_becomes_valid_entries(facts: list[tuple[Fact, int]], known: bool) -> None:
    recorded = [decode(encode(bytes(15) + bytes([n]), T_US + k, fact)) for k, (fact, n) in enumerate(facts)]
    drafts = draft(*recorded, known=known)
    blobs = {blob.sha256 for one in drafts for blob in one.blobs}
    named = set()
    for one in drafts:
        entry = json.loads(one.entry)
        assert canonical(entry) == one.entry
        assert one.entry.count(NO_CHAINS) == 1 and len(one.entry) <= ENTRY_BYTES_MAX
        assert (entry["id"], entry["type"], entry["t"], entry["session"]) == (one.id, one.type, one.t, one.session)
        assert one.type in CATALOGUE
        (ref,) = entry["blob"]
        named.add(ref["sha256"])
    assert named == blobs
    statements = [fact for fact, _ in facts if not isinstance(fact, Rows)]
    assert len([one for one in drafts if one.type != "recording.kept"]) == len(statements)
    assert len(told(drafts)) == len(facts)


def test_a_statement_and_its_outcome() -> None:
    values = b""
    submitted = Submitted(3, "bind", TEXT, "upd", values, verified=False)
    completed = Completed(3, ("UPDATE 1",), 1, 20, 1500, columns=("id", "note"))
    first, second = draft(at(0, submitted), at(1.5, completed))
    entry, outcome = json.loads(first.entry), json.loads(second.entry)
    (_, question), (_, result) = told([first, second])

    assert entry["actor"] == {"id": "ana-id", "kind": "person"}
    assert (entry["request"], entry["grant"], entry["session"]) == ("request-id", "grant-id", session_id(1))
    assert entry["target"] == {"name": "orders", "protocol": PROTOCOL}
    assert entry["t"] == T_US // 1000 and entry["v"] == 1
    body = entry["body"]
    assert (body["statement"], body["via"], body["bytes"], body["verified"]) == (3, "bind", len(TEXT), 0)
    analysis = PROTOCOLS[PROTOCOL].analyse(TEXT.decode())
    assert (body["kind"], body["effect"]) == (analysis.kind, analysis.effect.value)
    assert (body["writes"], body["fingerprint"]) == (list(analysis.writes), analysis.fingerprint)
    assert entry["commit"] == {"text": commitment(question["salt"]["text"], TEXT)}
    assert (question["n"], question["text"], question["name"]) == (3, TEXT.decode(), "upd")
    assert question["verified"] == 0
    assert TEXT not in first.entry

    assert outcome["body"] == {
        "statement": 3,
        "tags": ["UPDATE 1"],
        "rows": 1,
        "bytes": 20,
        "duration_us": 1500,
        "error": "",
        "columns": ["id", "note"],
    }
    assert (result["n"], result["tags"], result["rows"]) == (3, ["UPDATE 1"], 1)
    assert first.chains == (f"session:{session_id(1)}", "target:orders")
    assert (first.statement, second.statement, first.index is not None, second.index) == (3, 3, True, None)
    assert first.index is not None
    assert (first.index.kind, first.index.tables) == (analysis.kind, "\n".join(analysis.writes))


def test_what_stands_behind_an_executed_name_is_kept_committed_to_and_found() -> None:
    behind = b"UPDATE orders SET note = '\xff' WHERE id = $1"
    (one,) = draft(at(0, Submitted(1, "query", b"EXECUTE a(7)", "a", resolved=behind)))
    entry = json.loads(one.entry)
    ((_, question),) = told([one])
    assert (entry["body"]["kind"], entry["body"]["effect"], entry["body"]["writes"]) == ("execute", "write", ["orders"])
    assert entry["commit"] == {
        "resolved": commitment(question["salt"]["resolved"], behind),
        "text": commitment(question["salt"]["text"], b"EXECUTE a(7)"),
    }
    assert question["text"] == "EXECUTE a(7)" and "UPDATE orders" in question["resolved"]
    (blob,) = one.blobs
    held = values_of(entry, open_blob(blob.content), MEDIA)
    assert [(value.field, value.raw, value.holds) for value in held] == [
        ("resolved", behind, True),
        ("text", b"EXECUTE a(7)", True),
    ]
    assert one.index is not None and one.index.tables == "orders" and "UPDATE orders" in one.index.text
    assert shown([one]) == ["orders:write=> EXECUTE a(7)\r\n-- a: UPDATE orders SET note = '\\xff' WHERE id = $1\r\n"]


def test_what_was_copied_and_what_went_wrong_are_committed_to() -> None:
    completed = Completed(1, (), 0, 0, 5, "23505", "duplicate key “7”", copied_bytes=9, copied_sha256=b"\x01" * 32)
    (one,) = draft(at(0, completed))
    entry = json.loads(one.entry)
    ((_, result),) = told([one])
    assert entry["body"]["error"] == "23505" and entry["body"]["copied_bytes"] == 9
    assert entry["commit"] == {
        "copied": commitment(result["salt"]["copied"], ("01" * 32).encode()),
        "message": commitment(result["salt"]["message"], "duplicate key “7”".encode()),
    }
    assert (result["copied_sha256"], result["message"]) == ("01" * 32, "duplicate key “7”")
    assert one.index is not None and one.index.text == "duplicate key “7”"


def test_a_reader_sees_bind_values_and_what_is_in_doubt() -> None:
    values = b"\x00\x00\x00\x02ab" + b"\xff\xff\xff\xff" + b"\x00\x00\x00\x01\x07"
    packed = b"\x00\x00" + b"\x00\x03\x00\x00\x00\x00\x00\x01" + b"\x00\x03" + values
    facts = (
        Submitted(1, "bind", b"insert", "n", packed),
        Submitted(2, "bind", b"select 1", "n", verified=False),
        Completed(1, (), 0, 0, 0, "skipped"),
        Completed(2, ("SELECT 1",), 1, 0, 0),
    )
    assert shown(draft(*(at(0, fact) for fact in facts))) == [
        "orders:write=> insert\r\n-- $1 = 'ab', $2 = NULL, $3 = base64 Bw==\r\n",
        f"orders:write=> select 1\r\n{drafting.UNVERIFIED}\r\n",
        "ERROR skipped (0.000 ms)\r\n",
        "SELECT 1 (1 row, 0.000 ms)\r\n",
    ]


def test_many_and_long_values_are_shown_in_part() -> None:
    long = Value("x" * (pieces.VALUE_CHARACTERS + 1))
    assert pieces.values_line([long]) == f"-- $1 = '{'x' * pieces.VALUE_CHARACTERS}' … (257 characters)"
    assert pieces.values_line([Value("a\r\nDELETE 1")]) == r"-- $1 = 'a\r\nDELETE 1'"
    assert pieces.values_line([Value("y")] * 40).endswith(f"${pieces.VALUES_SHOWN} = 'y', … (40 values)")


def test_a_refused_statement_says_why_in_the_recording() -> None:
    (one,) = draft(at(0, StatementRefused(2, TEXT, "unknown name")))
    ((_, question),) = told([one])
    assert json.loads(one.entry)["commit"] == {
        "reason": commitment(question["salt"]["reason"], b"unknown name"),
        "text": commitment(question["salt"]["text"], TEXT),
    }


def test_a_text_that_is_no_utf8_is_kept_exactly() -> None:
    raw = b"SELECT '\xff\xfe'"
    (one,) = draft(at(0, Submitted(1, "query", raw)))
    ((_, question),) = told([one])
    assert question["text_base64"] == "U0VMRUNUICf//ic="
    assert json.loads(one.entry)["commit"]["text"] == commitment(question["salt"]["text"], raw)


def test_lists_of_names_are_cut_and_counted() -> None:
    columns = tuple(f"a column with a long name, number {n} \U0001f511" for n in range(2000))
    (one,) = draft(at(0, Completed(1, columns, 0, 0, 0, columns=columns)))
    body = json.loads(one.entry)["body"]
    for name in ("columns", "tags"):
        assert len(body[name]) + body[f"{name}_more"] == 2000
        assert 0 < len(json.dumps(body[name], ensure_ascii=False).encode()) <= 2 * pieces.NAMES_BYTES_MAX


def test_rows_alone_are_named_by_an_entry_of_their_own() -> None:
    work = Drafting(PROTOCOLS, Entropy())
    work.introduce(session_id(1), info())
    work.add(at(0, Rows(1, b"", cut=True)))
    (one,) = work.drafts()
    assert one.type == "recording.kept"
    (blob,) = one.blobs
    assert (blob.media, blob.session) == (MEDIA, session_id(1))
    assert b'"m","rows cut here"' in open_blob(blob.content)
    assert list(work.drafts()) == []


def test_a_session_that_nobody_knows_is_recorded_with_what_is_known() -> None:
    (one,) = draft(at(0, Submitted(1, "query", TEXT, values=b"\x00")), at(1, Rows(1, b"raw")), known=False)
    entry = json.loads(one.entry)
    assert entry["actor"]["kind"] == "system" and entry["session"] == session_id(1)
    assert "grant" not in entry and "target" not in entry
    assert (entry["body"]["kind"], one.chains) == ("unknown", (f"session:{session_id(1)}",))
    codes = dict(told([one]))
    assert codes[QUESTION]["text"] == TEXT.decode() and codes[DATA]["packed"] == "cmF3"


def test_long_chunks_are_closed_and_sessions_are_kept_apart() -> None:
    facts = [at(n, Submitted(n + 1, "query", b"SELECT '" + b"x" * 1000 + b"'"), 1 + n % 2) for n in range(100)]
    drafts = draft(*facts)
    assert [one.statement for one in drafts] == list(range(1, 101))
    blobs = [blob for one in drafts for blob in one.blobs]
    assert len(blobs) > 4
    for blob in blobs:
        content = open_blob(blob.content)
        assert len(content) < CHUNK_BYTES + 4096
        numbers = {payload["n"] for _, payload in payloads(content)}
        entries = [json.loads(one.entry) for one in drafts]
        assert numbers == {e["body"]["statement"] for e in entries if e["blob"][0]["sha256"] == blob.sha256}
        assert {e["session"] for e in entries if e["blob"][0]["sha256"] == blob.sha256} == {blob.session}


def test_time_goes_on_from_chunk_to_chunk() -> None:
    work = Drafting(PROTOCOLS, Entropy())
    work.introduce(session_id(1), info())
    intervals = []
    for ms in (0, 1500, 1200, 4000):
        work.add(at(ms, Completed(1, (), 0, 0, 0)))
        (one,) = work.drafts()
        lines = open_blob(one.blobs[0].content).splitlines()
        intervals.append(json.loads(lines[0])[0])
        assert json.loads(lines[0])[1] == RESULT
    assert intervals == [0.0, 1.5, 0.0, 2.5]


def test_only_so_many_sessions_are_remembered_the_latest_used() -> None:
    work = Drafting(PROTOCOLS, Entropy())
    for n in range(drafting.SESSIONS_KEPT):
        work.introduce(session_id(n), info(n))
    assert work.knows(session_id(0))
    work.introduce("new", None)
    assert work.knows(session_id(0)) and work.knows("new") and not work.knows(session_id(1))


@pytest.mark.parametrize("kind", ["statement.submitted", "statement.prepared", "statement.refused"])
def test_text_never_stands_in_an_entry(kind: str) -> None:
    facts: dict[str, Fact] = {
        "statement.submitted": Submitted(1, "query", TEXT),
        "statement.prepared": Prepared("p", TEXT),
        "statement.refused": StatementRefused(1, TEXT, "no"),
    }
    (one,) = draft(at(0, facts[kind]))
    assert one.type == kind and b"note" not in one.entry
    assert one.index is not None and TEXT.decode() in one.index.text
