"""Everything that Daypass says no with. Each carries one sentence for the person and one for what to do next."""

from __future__ import annotations


class DaypassError(Exception):
    """`message` says what is wrong, in one line; `hint` says what would be right or what to type."""

    kind = "error"
    http_status = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class Invalid(DaypassError):
    """What was sent cannot be understood or is out of bounds."""

    kind = "invalid"
    http_status = 422


class Unauthenticated(DaypassError):
    """Nobody we know. Says nothing about which part was wrong."""

    kind = "unauthenticated"
    http_status = 401


class Refused(DaypassError):
    """Somebody we know who may not do this."""

    kind = "refused"
    http_status = 403


class NotFound(DaypassError):
    """No such thing, or none that this person may know of."""

    kind = "not_found"
    http_status = 404


class Conflict(DaypassError):
    """The thing is no longer in the state that this needs."""

    kind = "conflict"
    http_status = 409


class TooMany(DaypassError):
    """Too many tries in too short a time; nothing was looked at. `wait_ms`: how long until the next may be made."""

    kind = "too_many"
    http_status = 429

    def __init__(self, message: str, *, hint: str = "", wait_ms: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.wait_ms = wait_ms


class NotYet(DaypassError):
    """A named capability that this version does not have."""

    kind = "not_yet"
    http_status = 501


class Unavailable(DaypassError):
    """The store, the journal or a target cannot be reached; nothing was done."""

    kind = "unavailable"
    http_status = 503


class ConfigError(DaypassError):
    """A setting is wrong: the message names the file, the path in it, and what would be right. Exit status 2."""

    kind = "config"
