"""Draws a state table as a Mermaid state diagram, so that the docs show what the program does and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)
Action = TypeVar("Action", bound=StrEnum)


def mermaid(transitions: Mapping[tuple[State, Action], State], starts: tuple[State, ...]) -> str:
    """The table as Mermaid text: starts first, steps in the order of the table, ends last; steps between the same two
    states share one arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (before, action), after in transitions.items():
        arrows.setdefault((before, after), []).append(action.value)
    ends = dict.fromkeys(after for after in transitions.values() if not any(start is after for start, _ in transitions))
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {start}" for start in starts]
    lines += [f"    {before} --> {after}: {', '.join(actions)}" for (before, after), actions in arrows.items()]
    lines += [f"    {end} --> [*]" for end in ends]
    return "\n".join(lines)
