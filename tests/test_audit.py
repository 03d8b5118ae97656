"""`make audit` takes no silence for a good word, and no silence for a vulnerability."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

LOADER = SourceFileLoader("audit", str(Path(__file__).parent.parent / "scripts" / "audit"))
SPEC = spec_from_loader("audit", LOADER)
assert SPEC is not None
audit: Any = module_from_spec(SPEC)
LOADER.exec_module(audit)

GOOD = {"name": "anyio", "version": "4.0", "vulns": []}
BAD = {"name": "jinja2", "version": "3.1.2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.3"]}]}
UNKNOWN = {"name": "alembic", "skip_reason": "Dependency not found on PyPI and could not be audited: alembic (1.2)"}


@pytest.mark.parametrize(
    ("dependencies", "vulnerable", "unasked"),
    [
        ([GOOD], [], ""),
        ([GOOD, BAD], ["jinja2 3.1.2: PYSEC-1, mended in 3.1.3"], ""),
        ([GOOD, UNKNOWN], [], f"1 of 2 packages, as: {UNKNOWN['skip_reason']}"),
        ([BAD, UNKNOWN], ["jinja2 3.1.2: PYSEC-1, mended in 3.1.3"], f"1 of 2 packages, as: {UNKNOWN['skip_reason']}"),
    ],
)
def test_what_pip_audit_says(dependencies: list[Any], vulnerable: list[str], unasked: str) -> None:
    assert audit.python_verdict({"dependencies": dependencies}) == (vulnerable, unasked)


@pytest.mark.parametrize(
    ("said", "vulnerable", "unasked"),
    [
        ({"vulnerabilities": {}}, [], ""),
        ({"vulnerabilities": {"vite": {"severity": "high", "range": "<8"}}}, ["vite: high, <8"], ""),
        ({"message": "405 Method Not Allowed", "statusCode": 405}, [], "405 Method Not Allowed"),
        ({"error": {"code": "ENOLOCK"}}, [], "{'code': 'ENOLOCK'}"),
    ],
)
def test_what_npm_audit_says(said: dict[str, Any], vulnerable: list[str], unasked: str) -> None:
    assert audit.npm_verdict(said) == (vulnerable, unasked)


def test_a_program_that_is_not_there_was_not_asked(tmp_path: Path) -> None:
    said, why = audit.asked((str(tmp_path / "none"),), tmp_path)
    assert said is None and "No such file" in why
    said, why = audit.asked(("sh", "-c", "echo no route to host >&2; exit 1"), tmp_path)
    assert said is None and why == "no route to host"
