"""ErrorResponse and NoticeResponse: saying no in PostgreSQL's words, and reading what the target says.

SQLSTATE codes are those of the PostgreSQL documentation, appendix A.
"""

from __future__ import annotations

from dataclasses import dataclass

from daypass.domain.grant import EndReason
from daypass.protocols.postgres.messages import encode, message, shown

PROTOCOL_VIOLATION = "08P01"
CONNECTION_FAILURE = "08006"
FEATURE_NOT_SUPPORTED = "0A000"
UNKNOWN_STATEMENT = "26000"
INVALID_AUTHORIZATION = "28000"
INVALID_PASSWORD = "28P01"
INSUFFICIENT_PRIVILEGE = "42501"
TOO_LARGE = "54000"
ADMIN_SHUTDOWN = "57P01"
CANNOT_CONNECT_NOW = "57P03"

REFUSALS = {
    "unauthenticated": INVALID_PASSWORD,
    "refused": INVALID_AUTHORIZATION,
    "unavailable": CANNOT_CONNECT_NOW,
}
"""The code for each word of `Refused.code`. Any other word counts as refused."""

POSITION_DIGITS_MAX = 12
"""No text is so long that a place in it needs more."""


class Rejected(Exception):
    """A connection goes no further: what its client is told, and why it ended."""

    def __init__(
        self,
        sqlstate: str,
        text: str,
        *,
        hint: str = "",
        reason: EndReason = EndReason.REFUSED,
        silent: bool = False,
    ) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        self.text = text
        self.hint = hint
        self.reason = reason
        self.silent = silent


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an ErrorResponse or a NoticeResponse says."""

    severity: str
    sqlstate: str
    message: str
    hint: str = ""
    detail: str = ""
    position: int = 0
    """In characters of the text, from 1; 0: none."""


def error(sqlstate: str, text: str, *, hint: str = "", severity: str = "FATAL") -> bytes:
    """Build an ErrorResponse."""
    return message(b"E", _fields(sqlstate, text, hint, severity))


def notice(sqlstate: str, text: str, *, severity: str = "NOTICE") -> bytes:
    """Build a NoticeResponse."""
    return message(b"N", _fields(sqlstate, text, "", severity))


def _fields(sqlstate: str, text: str, hint: str, severity: str) -> bytes:
    fields = [("S", severity), ("V", severity), ("C", sqlstate), ("M", text)]
    if hint:
        fields.append(("H", hint))
    return b"".join(key.encode() + encode(value.replace("\0", " ")) + b"\0" for key, value in fields) + b"\0"


def read(body: bytes) -> Complaint:
    """Read the fields of an ErrorResponse. What is missing or malformed reads as empty: never raises."""
    fields: dict[bytes, str] = {}
    for field in body.split(b"\0"):
        if field:
            fields.setdefault(field[:1], shown(field[1:]))
    severity = fields.get(b"V") or fields.get(b"S", "ERROR")
    position = fields.get(b"P", "")
    return Complaint(
        severity,
        fields.get(b"C", ""),
        fields.get(b"M", ""),
        fields.get(b"H", ""),
        fields.get(b"D", ""),
        int(position) if position.isdecimal() and len(position) < POSITION_DIGITS_MAX else 0,
    )
