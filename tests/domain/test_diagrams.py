"""The diagrams in the docs are the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.domain import grant, obligation, policy_file, request, session
from daypass.domain.diagrams import mermaid
from daypass.domain.grant import GrantState
from daypass.domain.obligation import ObligationState
from daypass.domain.request import RequestState
from daypass.domain.session import SessionState

DOCS = Path(__file__).parents[2] / "docs"

DIAGRAMS = {
    "request": mermaid(request.TRANSITIONS, (RequestState.PENDING, RequestState.BROKEN_GLASS)),
    "grant": mermaid(grant.TRANSITIONS, (GrantState.SCHEDULED, GrantState.READY)),
    "session": mermaid(session.TRANSITIONS, (SessionState.OPENING,)),
    "obligation": mermaid(obligation.TRANSITIONS, (ObligationState.DUE,)),
}


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_docs_show_what_the_tables_say(name: str) -> None:
    text = (DOCS / "requests-and-grants.md").read_text()
    assert f"```mermaid\n{DIAGRAMS[name]}\n```" in text, f"docs/requests-and-grants.md lacks:\n{DIAGRAMS[name]}"


KEYS = {key for name, keys in vars(policy_file).items() if name.endswith("_KEYS") for key in keys}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_policy_key_is_documented(key: str) -> None:
    assert f"`{key}`" in (DOCS / "policy.md").read_text()


@pytest.mark.parametrize(
    "field",
    [
        *("request.target", "request.role", "request.reason", "request.ticket", "request.minutes", "request.start"),
        *("requester.email", "requester.name", "requester.groups", "target.name", "target.protocol", "target.labels"),
        "now",
    ],
)
def test_every_variable_of_conditions_is_documented(field: str) -> None:
    assert f"`{field}`" in (DOCS / "policy.md").read_text()
