"""Undocumented is broken: every setting, command, route, event and protocol stands in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daypass.cli.verbs import PLACES
from daypass.config import DURABILITIES, KEYS
from daypass.domain.events import CATALOGUE
from daypass.domain.telling import KINDS
from daypass.protocols import PROTOCOLS

DOCS = Path(__file__).parent.parent / "docs"


def words(name: str) -> set[str]:
    """Everything that stands in backticks, and each word of it."""
    quoted = re.findall(r"`([^`]+)`", (DOCS / name).read_text())
    return {word for text in quoted for word in [text, *re.split(r"[\s|\[\]]+", text)]}


@pytest.mark.parametrize("key", sorted({key for keys in KEYS.values() for key in keys}))
def test_every_setting_is_documented(key: str) -> None:
    assert key in words("configuration.md")


@pytest.mark.parametrize("durability", DURABILITIES)
def test_every_durability_is_documented(durability: str) -> None:
    assert durability in words("configuration.md")


@pytest.mark.parametrize("verb", sorted(PLACES))
def test_every_command_is_documented(verb: str) -> None:
    assert verb in words("cli.md")


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_every_protocol_is_documented(protocol: str) -> None:
    assert protocol in words("configuration.md")
    assert (DOCS / "protocols" / f"{protocol}.md").exists()


@pytest.mark.parametrize("event", sorted(CATALOGUE))
def test_every_event_is_documented(event: str) -> None:
    text = (DOCS / "events.md").read_text()
    assert f"`{event}`" in text and CATALOGUE[event] in text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_message_is_documented(kind: str) -> None:
    assert f"`{kind}`" in (DOCS / "telling.md").read_text()
