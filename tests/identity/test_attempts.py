"""Who fails too often waits, and nobody else."""

from __future__ import annotations

import pytest

from daypass.domain.errors import DaypassError, Invalid, Refused, TooMany, Unauthenticated, Unavailable
from daypass.identity.attempts import (
    BEGUN_OF_ADDRESS,
    FAILURES_OF_ADDRESS,
    FAILURES_OF_NAME,
    KEYS_MAX,
    WINDOW_MS,
    Attempts,
    address_of,
)


def test_failing_for_a_name_shuts_out_whoever_fails_and_not_the_name() -> None:
    attempts = Attempts()
    for _ in range(FAILURES_OF_NAME):
        attempts.check("10.0.0.9:1", "ana", 0)
        attempts.failed("10.0.0.9:1", "ana", 0)
    with pytest.raises(TooMany) as refused:
        attempts.check("10.0.0.9:2", "ana", 1000)
    assert refused.value.wait_ms == WINDOW_MS - 1000
    attempts.check("10.0.0.7:1", "ana", 1000)
    attempts.check("10.0.0.9:1", "ben", 1000)
    attempts.check("10.0.0.9:1", "ana", WINDOW_MS)


def test_an_address_that_tries_many_names_waits() -> None:
    attempts = Attempts()
    for number in range(FAILURES_OF_ADDRESS):
        attempts.failed("10.0.0.9:1", f"n{number}", 0)
    with pytest.raises(TooMany):
        attempts.check("10.0.0.9:1", "anybody", 1)
    attempts.succeeded("10.0.0.9:1", "anybody")
    with pytest.raises(TooMany):
        attempts.check("10.0.0.9:1", "", 1)


def test_who_succeeds_starts_anew() -> None:
    attempts = Attempts()
    for _ in range(FAILURES_OF_NAME):
        attempts.failed("10.0.0.9:1", "ana", 0)
    attempts.succeeded("10.0.0.9:1", "ana")
    attempts.check("10.0.0.9:1", "ana", 1)


def test_what_counts_as_one_address() -> None:
    assert address_of("[2001:db8::1]:9") == address_of("2001:db8::ffff:1:9") != address_of("[2001:db8:0:1::1]:9")
    assert (address_of("127.0.0.1:9"), address_of("?")) == ("127.0.0.1", "?")
    assert address_of("::ffff:192.0.2.7:9") == address_of("[::ffff:192.0.2.7]:9") == "192.0.2.7"


@pytest.mark.parametrize("problem", [Unavailable("away"), TooMany("busy"), Refused("locked"), Invalid("no")])
def test_only_a_wrong_guess_counts(problem: DaypassError) -> None:
    attempts = Attempts()
    for _ in range(FAILURES_OF_ADDRESS):
        with pytest.raises(type(problem)), attempts.guess("10.0.0.9:1", "ana", 0):
            raise problem
    for _ in range(FAILURES_OF_NAME):
        with pytest.raises(Unauthenticated), attempts.guess("10.0.0.9:1", "ana", 0):
            raise Unauthenticated("wrong")
    with pytest.raises(TooMany), attempts.guess("10.0.0.9:1", "ana", 0):
        pass


def test_memory_is_bounded() -> None:
    attempts = Attempts()
    for number in range(KEYS_MAX + 10):
        attempts.failed(f"{number}:1", "x", 0)
    assert len(attempts._counts) == KEYS_MAX


def test_one_address_begins_so_many_sign_ins_and_others_begin_theirs() -> None:
    attempts = Attempts()
    for what, most in BEGUN_OF_ADDRESS.items():
        for port in range(most):
            attempts.begun(f"192.0.2.7:{port}", what, 0)
        with pytest.raises(TooMany):
            attempts.begun("192.0.2.7:1", what, 1)
        attempts.begun("192.0.2.8:1", what, 1)
        attempts.begun("192.0.2.7:1", what, WINDOW_MS)
    attempts.check("192.0.2.7:1", "", 1)  # to begin is no failure
