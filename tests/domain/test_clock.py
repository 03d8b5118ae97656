"""A clock that is stepped while it runs: what is kept by it neither ends early nor late."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.clock import SteadyClock

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = 1_795_400_000 * SECOND


@dataclass
class Machine:
    """A machine's two clocks."""

    wall: int = START
    counter: int = 77 * SECOND

    def passes(self, ns: int) -> None:
        self.wall += ns
        self.counter += ns

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.counter)


def test_time_passes() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(90 * SECOND)
    assert (clock.now_ms(), clock.now_us()) == ((START + 90 * SECOND) // 10**6, (START + 90 * SECOND) // 1000)
    assert clock.stepped_ms() == 0


def test_a_step_of_an_hour_either_way_changes_nothing() -> None:
    for step in (HOUR, -HOUR):
        machine = Machine()
        clock = machine.clock()
        machine.wall += step
        machine.passes(10 * SECOND)
        assert clock.now_ns() == START + 10 * SECOND
        assert clock.stepped_ms() == step // 10**6


def test_a_suspend_counts() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(2 * HOUR)  # the counter is one that went on meanwhile
    assert clock.now_ns() == START + 2 * HOUR


def test_after_a_restart_the_time_of_day_rules() -> None:
    machine = Machine()
    machine.clock()
    machine.wall += HOUR
    assert machine.clock().now_ns() == START + HOUR


def test_small_differences_are_followed_slowly() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += SECOND // 2
    machine.passes(100 * SECOND)
    assert clock.now_ns() == START + 100 * SECOND + SECOND // 10
    machine.passes(HOUR)
    assert clock.now_ns() == machine.wall


@given(st.lists(st.tuples(st.integers(0, 60 * SECOND), st.integers(-2 * SECOND, 2 * SECOND)), max_size=60))
def test_it_never_runs_backwards_and_gains_no_more_than_a_thousandth(moves: list[tuple[int, int]]) -> None:
    machine = Machine()
    clock = machine.clock()
    said, passed = clock.now_ns(), 0
    for ns, step in moves:
        machine.passes(ns)
        machine.wall += step
        passed += ns
        now = clock.now_ns()
        assert now >= said
        assert abs(now - START - passed) <= passed // 1000 + 1
        said = now
