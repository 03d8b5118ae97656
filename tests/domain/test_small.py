"""Matching, conditions, lengths of time, grants, sessions, obligations: the small pure parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain import durations, matching, obligation
from daypass.domain import grant as grants
from daypass.domain import session as sessions
from daypass.domain.conditions import ConditionFailed, compile_condition
from daypass.domain.errors import Conflict, Invalid
from daypass.domain.grant import EndReason, Grant, GrantAction, GrantState
from daypass.domain.people import ADDRESS
from daypass.domain.request import Stage
from daypass.domain.session import Session, SessionState
from daypass.domain.wording import ask_command, ended_message
from tests.domain.things import HOUR, NOW

GRANT = Grant("g1", GrantState.READY, "r1", "p1", "orders", "write", HOUR, None, NOW + 24 * HOUR, NOW, "p", "r")
SESSION = Session("s1", SessionState.OPENING, "g1", "r1", "p1", "t1", "orders", "wire", "write", "n", "c", NOW, {})


@given(st.lists(st.tuples(st.integers(1, 2), st.frozensets(st.sampled_from("abcde"))), max_size=3))
def test_matching_agrees_with_trying_everything(given_stages: list[tuple[int, frozenset[str]]]) -> None:
    stages = [Stage(need, (), tuple(sorted(eligible))) for need, eligible in given_stages]
    wanted = matching.places(stages)
    possible = bool(wanted) and any(
        all(person in stages[place].eligible for person, place in zip(order, wanted, strict=True))
        for order in permutations("abcde", len(wanted))
    )
    assert matching.satisfied(stages, "abcde") is possible
    assert sum(matching.missing(stages, "abcde")) == len(wanted) - len(matching.assignment(stages, "abcde"))


@pytest.mark.parametrize("local", ["ana", "o'hara+x", "ana.maría", "Ж", "a" * 64])
def test_an_address_may_have_any_letters(local: str) -> None:
    assert ADDRESS.fullmatch(f"{local}@acme.test")


HIDING = (
    0x202E,
    0x2066,
    0x200B,
    0x200D,
    0xAD,
    0xFEFF,
    0x2060,
    0x115F,
    0x3164,
    0xFE0F,
    0x7F,
    0x9B,
    0xE0041,
    0x2028,
    0x85,
    0xA0,
)


@pytest.mark.parametrize("sign", [*map(chr, HIDING), " ", "\n", "@", ":", "/"], ids=ascii)
def test_no_address_has_a_sign_that_hides_or_turns(sign: str) -> None:
    assert not ADDRESS.fullmatch(f"an{sign}a@acme.test")


@pytest.mark.parametrize("source", ["", "a +", "x" * 2001, "tickets.open", "past.size() > 0", "1 == "])
def test_conditions_that_do_not_compile(source: str) -> None:
    with pytest.raises(Invalid):
        compile_condition(source)


def test_a_condition_answers_or_fails() -> None:
    assert compile_condition("request.a == 1").test({"request": {"a": 1}})
    for source in ("request.b == 1", "request.a", "1 / (request.a - 1) == 1", "nosuch(request)"):
        with pytest.raises(ConditionFailed):
            compile_condition(source).test({"request": {"a": 1}})


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "less than a second"), (1000, "1 second"), (5_400_000, "1 hour 30 minutes"), (172_800_000, "2 days")],
)
def test_lengths_are_said_in_words(ms: int, said: str) -> None:
    assert durations.spoken_duration(ms) == said


@pytest.mark.parametrize(("text", "t"), [("1970-01-01T00:00:01Z", 1000), ("2026-11-23T14:05:00+01:00", 1795439100000)])
def test_instants(text: str, t: int) -> None:
    assert durations.instant_ms(text) == t


@pytest.mark.parametrize("text", ["", "noon", "2026-11-23", "2026-11-23T14:05:00", "1969-12-31T00:00:00Z"])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match="an instant with its zone"):
        durations.instant_ms(text)


class TestGrant:
    def test_the_clock_starts_at_activation(self) -> None:
        active = grants.activate(GRANT, NOW + 5)
        assert (active.state, active.activated_at, active.expires_at) == (GrantState.ACTIVE, NOW + 5, NOW + 5 + HOUR)

    def test_it_lapses_unused(self) -> None:
        with pytest.raises(Conflict, match="lapsed"):
            grants.activate(GRANT, GRANT.activate_by)
        with pytest.raises(Conflict):
            grants.lapse(GRANT, GRANT.activate_by - 1)
        assert grants.lapse(GRANT, GRANT.activate_by).state is GrantState.LAPSED

    def test_a_scheduled_one_waits_for_its_start(self) -> None:
        later = replace(GRANT, state=GrantState.SCHEDULED, start_at=NOW + 10)
        assert not grants.opens(later, NOW)
        with pytest.raises(Conflict):
            grants.activate(later, NOW)
        assert grants.opens(later, NOW + 10)
        assert grants.activate(later, NOW + 10).state is GrantState.ACTIVE

    def test_it_opens_nothing_from_its_deadline_on(self) -> None:
        active = grants.activate(GRANT, NOW)
        assert grants.opens(active, NOW + HOUR - 1)
        assert not grants.opens(active, NOW + HOUR)

    @pytest.mark.parametrize("state", [state for state in GrantState if state not in grants.LIVE])
    def test_what_is_not_live_opens_nothing(self, state: GrantState) -> None:
        assert not grants.opens(replace(GRANT, state=state), NOW)

    def test_only_what_was_seen_ends_it(self) -> None:
        ending = grants.begin_end(GRANT, EndReason.REVOKED, "p2", "why", NOW)
        missed = grants.close(ending, {}, False, NOW + 1)
        assert (missed.state, missed.ended_at) == (GrantState.END_UNCONFIRMED, None)
        assert grants.close(missed, {}, True, NOW + 2).state is GrantState.ENDED

    @pytest.mark.parametrize("state", GrantState)
    @pytest.mark.parametrize("action", GrantAction)
    def test_every_step_that_is_not_in_the_table_is_a_conflict(self, state: GrantState, action: GrantAction) -> None:
        if (state, action) in grants.TRANSITIONS:
            assert grants.step(replace(GRANT, state=state), action).state is grants.TRANSITIONS[state, action]
        else:
            with pytest.raises(Conflict):
                grants.step(replace(GRANT, state=state), action)

    def test_nothing_leads_back_to_active(self) -> None:
        assert {before for (before, _), after in grants.TRANSITIONS.items() if after is GrantState.ACTIVE} == {
            GrantState.READY
        }


class TestSession:
    @pytest.mark.parametrize(
        ("reason", "state"),
        [(reason, SessionState.ENDED if reason in sessions.LEFT else SessionState.CUT) for reason in EndReason],
    )
    def test_who_ended_it(self, reason: EndReason, state: SessionState) -> None:
        assert sessions.ended(SESSION, sessions.Over(SESSION.id, reason), NOW).state is state

    def test_it_opens_once(self) -> None:
        is_open = sessions.opened(SESSION, {"pid": "1"}, NOW)
        assert is_open.state is SessionState.OPEN
        with pytest.raises(Conflict):
            sessions.opened(is_open, {}, NOW)

    @pytest.mark.parametrize("state", sessions.TERMINAL)
    def test_terminal_is_terminal(self, state: SessionState) -> None:
        over = replace(SESSION, state=state)
        attempts: tuple[Callable[[], Session], ...] = (
            lambda: sessions.opened(over, {}, NOW),
            lambda: sessions.ended(over, sessions.Over(over.id, EndReason.EXPIRED), NOW),
        )
        for attempt in attempts:
            with pytest.raises(Conflict):
                attempt()


@pytest.mark.parametrize("state", obligation.ObligationState)
@pytest.mark.parametrize("action", obligation.ObligationAction)
def test_obligations_follow_their_table(state: obligation.ObligationState, action: obligation.ObligationAction) -> None:
    owed = obligation.Obligation("o1", state, "sign_off", "r1", "g1", ("group:leads",), NOW)
    if (state, action) in obligation.TRANSITIONS:
        assert obligation.step(owed, action).state is obligation.TRANSITIONS[state, action]
    else:
        with pytest.raises(Conflict):
            obligation.step(owed, action)


def test_the_words_for_clients() -> None:
    assert ask_command("orders", "write", HOUR // 2) == 'daypass request orders --role write --for 30m --reason "…"'
    active = grants.activate(GRANT, NOW)
    assert "expired at 2026-11-23" in ended_message(active, EndReason.EXPIRED)
    assert "g1" in ended_message(active, EndReason.REVOKED) and "revoked" in ended_message(active, EndReason.REVOKED)
