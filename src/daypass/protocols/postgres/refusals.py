"""What stands in for something that is refused, towards the target, and what the client is told instead.

A refusal inside a pipeline has to look to both sides as if the target had refused by itself: it gets something in that
place that fails there, ignores the rest up to Sync and rolls back.
"""

from __future__ import annotations

from typing import Final

from daypass.protocols.postgres import errors, messages
from daypass.protocols.postgres.messages import shown
from daypass.protocols.postgres.scope_guard import ScopeGuard

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


def forbidden(text: bytes, leaves: bool, guard: ScopeGuard | None, odd: bool) -> tuple[str, bytes] | None:
    """Why a text is not sent: for the record, and for the client. None: it is. `leaves`: a transaction that it
    prepares would outlive the session; `odd`: see `ScopeGuard.refusal`."""
    if leaves:
        return LEAVES, LEFT
    why = guard.refusal(text, odd) if guard is not None else ""
    return outside(why) if why else None


def outside(why: str) -> tuple[str, bytes]:
    """A refusal for reaching beyond the scope: for the record, and for the client."""
    hint = "Ask for more: daypass request --scope, or without one."
    return why, errors.error(errors.INSUFFICIENT_PRIVILEGE, why, hint=hint, severity="ERROR")


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
