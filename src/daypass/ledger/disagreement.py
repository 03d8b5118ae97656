"""The one alarm of the log's own side: what is published, signed and stored are not one log."""

from __future__ import annotations

from daypass.domain.errors import DaypassError


class Disagreement(DaypassError):
    """Says what differs and, in the hint, what to do about it. Until then nothing is signed and no session opens."""

    kind = "ledger_disagreement"
    http_status = 503

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or RESTORE)


RESTORE = (
    "restore the data directory and the store from one backup, or see docs/verify.md; "
    "`daypass ledger recover` takes the published entries back into the store"
)
