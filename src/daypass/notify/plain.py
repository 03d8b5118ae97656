"""Messages as plain text, and text that cannot pretend: no control characters, no turned-around writing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from daypass.notify.interface import Message

LINE_CHARS_MAX = 200
"""A subject or title; mail programs and cards cut longer ones anywhere."""
WIDTH = 12
OPEN = "Open in Daypass"
"""What a link to the web app says."""

_KEPT = "\n\t"


def clean(text: str, most: int | None = None) -> str:
    """The text without control, format and bidirectional characters, in at most so many characters."""
    kept = "".join(one for one in text if one in _KEPT or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co"))
    return kept if most is None or len(kept) <= most else kept[: most - 1] + "…"


def line(text: str, most: int = LINE_CHARS_MAX) -> str:
    """The same in one line."""
    return clean(" ".join(text.split()), most)


def plain_text(message: Message) -> str:
    """The whole message, for reading."""
    return "\n".join(_lines(message)) + "\n"


def _lines(message: Message) -> Iterator[str]:
    yield line(message.title)
    if message.facts:
        yield ""
    for label, text in message.facts:
        first, *rest = clean(text).splitlines() or [""]
        yield f"{label + ':':<{WIDTH}} {first}"
        yield from (" " * (WIDTH + 1) + more for more in rest)
    if message.commands:
        yield ""
    for command in message.commands:
        yield f"    {line(command)}"
    if message.link:
        yield ""
        yield message.link
