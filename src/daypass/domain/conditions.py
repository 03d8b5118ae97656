"""Conditions in CEL (the Common Expression Language), behind an interface of our own.

A condition is compiled when its policy is loaded and tested against plain facts. It answers yes, no, or fails; a
failure is for the caller to refuse on, it is never taken for a no. This is the only file that knows the CEL library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daypass.domain.errors import Invalid

if TYPE_CHECKING:
    import cel

VARIABLES = ("request", "requester", "target", "now", "ticket", "history", "on_call")
"""What a condition may speak of; docs/policy.md lists the fields of each."""

SOURCE_CHARS_MAX = 2000
"""A condition is one line that a reviewer reads; a longer one is a program, and would cost on every decision."""

_SCHEDULE = re.compile(r"""\bon_call\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:"([^"\\]+)"|'([^'\\]+)')\s*\])""", re.ASCII)
_BOUND = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter|transformList)\s*\(\s*([A-Za-z_]\w*)\s*,", re.ASCII)


class ConditionFailed(Exception):
    """The condition could be answered with neither yes nor no: what is asked of it must be refused."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. Equal when its source is equal."""

    source: str
    _program: cel.Program = field(compare=False, repr=False)
    names: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """Those of `VARIABLES` that it speaks of."""

    def test(self, facts: Mapping[str, object]) -> bool:
        """Answer over these facts (a mapping for each of `VARIABLES`). Raise `ConditionFailed` on any error."""
        for name in sorted(self.names - facts.keys()):
            raise ConditionFailed(f"nothing is known of the {name}")
        try:
            # Only what it speaks of: most of its cost is carrying facts over into the library.
            answer = self._program.execute({name: facts[name] for name in self.names})
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            # A panic inside the library is not an `Exception`; it too must refuse, and not end the process.
            raise ConditionFailed(_one_line(error)) from error
        if not isinstance(answer, bool):
            raise ConditionFailed(f"it is {type(answer).__name__}, not true or false")
        return answer


def compile_condition(source: str) -> Condition:
    """Compile, or raise `Invalid` for what cannot be parsed or speaks of things that there are not."""
    if len(source) > SOURCE_CHARS_MAX:
        raise Invalid(f"a condition has at most {SOURCE_CHARS_MAX} characters, this one has {len(source)}")
    import cel  # at the first condition: with it comes a command line of its own, the slowest part of a start

    try:
        program = cel.compile(source)
        names = set(program.variables())
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise Invalid(f"not a CEL condition: {_one_line(error)}") from error
    unknown = sorted(names - set(VARIABLES) - set(_BOUND.findall(source)))
    if unknown:
        raise Invalid(f"a condition knows no {unknown[0]!r}; it may speak of {', '.join(VARIABLES)}")
    return Condition(source, program, frozenset(names) & frozenset(VARIABLES))


def schedules_named(source: str) -> frozenset[str] | None:
    """The on-call schedules that a condition names; None: it speaks of them in a way that only its running shows."""
    named = [next(name for name in found if name) for found in _SCHEDULE.findall(source)]
    return frozenset(named) if len(named) == len(re.findall(r"\bon_call\b", source)) else None


def _one_line(error: BaseException) -> str:
    """The first line of what the library says, which may draw a picture below it."""
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}" if error.args else "a field is missing"
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
