"""What stands in for something that is refused, towards the target, and what the client is told instead.

A refusal inside a pipeline has to look to both sides as if the target had refused by itself: it gets something in that
place that fails there, ignores the rest up to Sync and rolls back.
"""

from __future__ import annotations

from typing import Final

from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.messages import shown

POISON: Final = messages.describe(b"!", b"")
"""A Describe that fails at any target (SQLSTATE 08P01), sent where something is refused inside a pipeline."""
POISON_QUERY: Final = messages.query(b"daypass refuses this statement")
"""The same for a simple query: a syntax error at any target."""
POISONED: Final = frozenset(("08P01", "42601"))
"""What the target says to these."""

LEAVES: Final = "a prepared transaction would outlive the session"
LEFT: Final = errors.error(
    errors.FEATURE_NOT_SUPPORTED,
    "PREPARE TRANSACTION is refused: a prepared transaction would outlive this session",
    hint="The operator can allow it with the target's option allow_prepare_transaction.",
    severity="ERROR",
)


def unknown_reason(names: tuple[bytes, ...]) -> str:
    """Why, for the record."""
    return f"unknown prepared statement {', '.join(map(shown, names))}"


def unknown_error(names: tuple[bytes, ...]) -> bytes:
    """Why, for the client."""
    quoted = ", ".join(f'"{shown(name)}"' for name in names)
    return errors.error(
        errors.UNKNOWN_STATEMENT,
        f"prepared statement {quoted} does not exist",
        hint="Daypass forwards only names whose text it has seen in this session.",
        severity="ERROR",
    )
