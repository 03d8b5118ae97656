"""What a verifier can come to say against a log."""

from __future__ import annotations

from collections.abc import Sequence


class Tampered(Exception):
    """The log is not what it says it is. One line says where; `evidence` is what to keep: signed notes, whole."""

    def __init__(self, message: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.evidence = tuple(evidence)
