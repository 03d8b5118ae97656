"""Writes docs/events.md from the catalogue in domain/events.py: `.venv/bin/python scripts/events_page.py`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from daypass.domain.events import CATALOGUE

PAGE = Path(__file__).parent.parent / "docs" / "events.md"
HEAD = """\
# Events

Every entry of the ledger has one of these types. This page is written by `scripts/events_page.py` from
`src/daypass/domain/events.py`; change it there.

What each `body` holds is in [the format](audit-format.md) and in the pages of the capabilities.

`late`: 1 in the body of an entry of a session that turned up after its `session.ended` (and so perhaps after
`grant.ended`): the node that carried it was gone, was closed for by another one (`unshipped_after` in that
`session.ended` says how far its journal was known), and shipped the rest when it came back. Nothing is left out, and
nothing that was told before is taken back.
"""


def page() -> str:
    """The text of docs/events.md."""
    parts = [HEAD]
    for noun, types in groupby(CATALOGUE, key=lambda name: name.partition(".")[0]):
        parts.append(f"\n## {noun}\n\n| type | what happened |\n|---|---|\n")
        parts += [f"| `{name}` | {CATALOGUE[name]} |\n" for name in types]
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
