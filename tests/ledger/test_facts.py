"""Facts survive the journal's binary form whole; bytes that are no fact are refused."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.errors import Invalid
from daypass.domain.statement import Completed, Fact, Prepared, Rows, StatementRefused, Submitted
from daypass.ledger.facts import Recorded, decode, encode

SESSION = uuid.UUID("0192f0c1-2f00-7abc-8def-000000000001")
T_US = 1_795_000_000_000_123

small = st.integers(0, 2**32 - 1)
large = st.integers(0, 2**64 - 1)
names = st.text(max_size=20)
bodies = st.binary(max_size=200)

facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(Prepared, name=names, text=bodies),
    st.builds(
        Submitted,
        n=small,
        via=st.sampled_from(("query", "bind", "execute", "call")),
        text=bodies,
        name=names,
        values=bodies,
        same_as=small,
        verified=st.booleans(),
        resolved=bodies,
    ),
    st.builds(
        Completed,
        n=small,
        tags=st.lists(names, max_size=4).map(tuple),
        rows=large,
        bytes=large,
        duration_us=large,
        error=st.text(max_size=5),
        message=names,
        columns=st.lists(names, max_size=6).map(tuple),
        copied_bytes=large,
        copied_sha256=st.sampled_from((b"", b"\x01" * 32)),
    ),
    st.builds(Rows, n=small, data=bodies, cut=st.booleans()),
    st.builds(StatementRefused, n=small, text=bodies, reason=names),
)


@given(session=st.uuids(), t_us=large, fact=facts)
def test_what_is_encoded_is_decoded(session: uuid.UUID, t_us: int, fact: Fact) -> None:
    assert decode(encode(session.bytes, t_us, fact)) == Recorded(str(session), t_us, fact)


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_is_a_fact(payload: bytes) -> None:
    try:
        decode(payload)
    except Invalid:
        pass


@given(fact=facts, data=st.data())
def test_a_payload_cut_inside_its_fixed_part_is_refused(fact: Fact, data: st.DataObject) -> None:
    payload = encode(SESSION.bytes, T_US, fact)
    with pytest.raises(Invalid):
        decode(payload[: data.draw(st.integers(0, 28))])


def test_text_with_lone_surrogates_passes() -> None:
    fact = Completed(1, ("SELECT 1",), 1, 2, 3, message="bad \udcff byte")
    assert decode(encode(SESSION.bytes, T_US, fact)).fact == fact


def test_the_layout_is_fixed_for_good() -> None:
    fact = Submitted(7, "query", b"select 1", name="p", values=b"v", same_as=3, resolved=b"r")
    assert encode(SESSION.bytes, 2, fact).hex() == (
        "0192f0c12f007abc8def000000000001" "0200000000000000" "02" "07000000" "03000000" "01"
        "05000000" "01000000" "01000000" "01000000" "7175657279" "70" "76" "72" "73656c6563742031"
    )  # fmt: skip


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Invalid, match="not a journal fact"):
        decode(SESSION.bytes + bytes(8) + b"\xfe")
