"""Scopes: what lies within what, and that narrowing never widens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain import deciding
from daypass.domain.deciding import granted_scope
from daypass.domain.errors import Invalid, Refused
from daypass.domain.request import Item, RequestState
from daypass.domain.scope import WHOLE, common, scope_of, within
from tests.domain.things import LEA, SAM, by_id, request, stage, vote

NAMES = st.sampled_from(["a.*", "a.x", "a.y", "a.xy", "b.*", "b.x", '"a.".x', '"a.".*', "ab.x"])
SCOPES = st.lists(NAMES, max_size=5).map(scope_of)


@pytest.mark.parametrize(
    ("narrow", "wide", "holds"),
    [
        (("a.x",), ("a.*",), True),
        (("a.*",), ("a.x",), False),
        (("a.x", "b.x"), ("a.*",), False),
        (("ab.x",), ("a.*",), False),
        (('"a.".x',), ("a.*",), False),
        (("a.xy",), ("a.x",), False),
        (("a.x",), WHOLE, True),
        (WHOLE, ("a.*",), False),
        (WHOLE, WHOLE, True),
    ],
)
def test_what_lies_within_what(narrow: tuple[str, ...], wide: tuple[str, ...], holds: bool) -> None:
    assert within(narrow, wide) is holds


@given(st.lists(SCOPES, max_size=4), NAMES)
def test_common_is_exactly_what_lies_within_all(scopes: list[tuple[str, ...]], name: str) -> None:
    found = common(scopes)
    assert all(found is None or within(found, one) for one in scopes)
    inside = all(within((name,), one) for one in scopes)
    assert inside == (found is not None and within((name,), found))


def test_no_longer_than_anybody_reads() -> None:
    with pytest.raises(Invalid, match="at most 50"):
        scope_of(f"a.t{n}" for n in range(51))


ASKED = Item("orders", "write", ("billing.*", "public.orders"))


def test_an_approver_narrows_the_scope_and_never_widens_it() -> None:
    asked = request(stage(1, LEA), items=(ASKED,))
    for wider in (("public.*",), ("public.customers",), ("billing.*", "public.customers")):
        with pytest.raises(Refused, match="never widen"):
            deciding.approve(asked, vote(asked, LEA, narrowed_scope=wider), LEA, by_id())
    narrowed = deciding.approve(asked, vote(asked, LEA, narrowed_scope=("billing.rates",)), LEA, by_id())
    assert granted_scope(narrowed) == ("billing.rates",)
    whole = deciding.approve(asked, vote(asked, LEA), LEA, by_id())
    assert granted_scope(whole) == ASKED.scope


def test_of_several_approvers_what_all_agree_to() -> None:
    asked = request(stage(1, LEA), stage(1, SAM), items=(ASKED,))
    half = deciding.approve(asked, vote(asked, LEA, narrowed_scope=("billing.*",)), LEA, by_id())
    with pytest.raises(Refused, match="nothing in common"):
        deciding.approve(half, vote(half, SAM, narrowed_scope=("public.orders",)), SAM, by_id())
    both = deciding.approve(half, vote(half, SAM, narrowed_scope=("billing.rates", "public.orders")), SAM, by_id())
    assert (both.state, granted_scope(both)) == (RequestState.APPROVED, ("billing.rates",))


def test_the_scope_is_part_of_what_is_voted_on() -> None:
    assert request(items=(ASKED,)).digest != request().digest


def test_more_time_takes_the_scope_as_it_is() -> None:
    asked = request(stage(1, LEA), extends="g1")
    with pytest.raises(Invalid, match="more time"):
        deciding.approve(asked, vote(asked, LEA, narrowed_scope=("a.x",)), LEA, by_id())
