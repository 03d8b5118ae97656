"""Every promise of docs/threat-model.md is held by a test that is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "threat-model.md"
AGAINST = (
    "An outsider",
    "A directory, and who holds its token",
    "A person without a grant",
    "A person with a grant",
    "An approver",
    "The operator",
    "The owner of a target",
    "A stolen laptop",
    "A stolen backup",
    "A compromised gateway host",
)
PROMISE = re.compile(r"^\| (?P<promise>[^|]+) \| (?P<held>[^|]*) \|$", re.M)
HEAD = "| promise | held by |\n|---|---|\n"


def promises() -> list[tuple[str, str, list[str]]]:
    """Against whom, what, and the tests that hold it."""
    found = []
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.M)[1:]:
        whom, _, rest = section.partition("\n")
        table = rest.partition(HEAD)[2].partition("\n\n")[0] + "\n"
        found += [(whom, row["promise"], re.findall(r"`([^`]+)`", row["held"])) for row in PROMISE.finditer(table)]
    return found


@cache
def defined_in(file: str) -> frozenset[str]:
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    defined = ast.walk(ast.parse(path.read_text()))
    return frozenset(one.name for one in defined if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def test_everybody_it_is_against_has_promises() -> None:
    assert {whom for whom, _, _ in promises()} == set(AGAINST)
    rows = PAGE.read_text().count("::test_")
    assert sum(len(held) for _, _, held in promises()) == rows  # no row that this does not read


@pytest.mark.parametrize(("whom", "promise", "held"), promises())
def test_a_promise_is_held_by_tests_that_are_there(whom: str, promise: str, held: list[str]) -> None:
    assert held, f"nothing holds: {promise}"
    for one in held:
        file, _, name = one.partition("::")
        assert name.startswith("test_") and name in defined_in(file), f"{one} is not there"
