"""Sentences that several rooms say to people, and the commands that they name. One place, so that they never differ."""

from __future__ import annotations

import shlex

from daypass.domain.durations import duration_text, spoken_time
from daypass.domain.grant import EndReason, Grant


def ask_command(target: str, role: str, duration_ms: int) -> str:
    """The command that asks for this access."""
    words = shlex.join(["daypass", "request", target, "--role", role, "--for", duration_text(duration_ms)])
    return f'{words} --reason "…"'


EXTEND_MS = 30 * 60_000
"""By how much an extension is suggested, where policy allows as much."""


def extend_command(grant: str, most_ms: int) -> str:
    """The command that asks for more time. `most_ms`: what policy allows at once."""
    return f'daypass extend {grant} --by {duration_text(min(most_ms, EXTEND_MS))} --reason "…"'


def ended(grant: Grant, reason: EndReason) -> tuple[EndReason, str, str]:
    """How a grant's sessions are cut: the reason, and the message and the hint that their clients are told."""
    return reason, ended_message(grant, reason), ended_hint(grant)


def ended_message(grant: Grant, reason: EndReason) -> str:
    """Why a session ends, for its client."""
    if reason is EndReason.EXPIRED and grant.expires_at is not None:
        return f"access to {grant.target} expired at {spoken_time(grant.expires_at)} (grant {grant.id})"
    return f"access to {grant.target} has ended: {reason.value} (grant {grant.id})"


def ended_hint(grant: Grant) -> str:
    """What the client of an ended session can type."""
    if grant.end_reason == EndReason.LOCKED:
        return "security locked it; who connects again is told until when"
    return f"ask again: {ask_command(grant.target, grant.role, grant.duration_ms)}"
