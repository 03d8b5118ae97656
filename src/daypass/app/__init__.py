"""The composition root: settings in, a running gateway out. The only room that names concrete classes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daypass.config import Settings

if TYPE_CHECKING:
    from daypass.app.checking import Checked


def check(settings: Settings) -> dict[str, int]:
    """Whether these settings are good to run with; how much of what is in them. Raises ConfigError."""
    from daypass.app.certificates import check_tls
    from daypass.app.telling import outlets_of

    checked = _checked(settings)
    check_tls(settings)
    return {
        "people": len(settings.people),
        "targets": len(checked.targets),
        "policies": len(checked.policies.policies),
        "cases": sum(len(policy.expect) for policy in checked.policies.policies),
        "channels": len(outlets_of(settings)),
    }


def check_lending(settings: Settings) -> list[dict[str, Any]]:
    """What is to be said of each target that lends logins; asks their servers. Raises ConfigError."""
    from daypass.app.lending import look

    return look(_checked(settings))


def told_over(settings: Settings) -> list[dict[str, Any]]:
    """The channels that people are told over, besides the one inside; nobody is asked whether they are there."""
    from daypass.app.telling import outlets_of

    return [
        {"id": one.name, "to": "its readers" if one.shared else "each person", "only": list(one.only)}
        for one in outlets_of(settings)
    ]


def check_channels(settings: Settings) -> list[dict[str, str]]:
    """What each channel is that people are told over, and whether it is there. Raises ConfigError."""
    from daypass.app.telling import check_channels as look

    return look(settings)


def send_test(settings: Settings, channel: str, email: str) -> dict[str, Any]:
    """Send a test over a channel. Raises DaypassError."""
    from daypass.app.telling import send_test as sent

    return sent(settings, channel, email)


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit status: 1 if the record could not be kept."""
    checked = _checked(settings)
    from daypass.app.running import run

    return run(checked)


def issue_token(settings: Settings, email: str, lasts_ms: int, label: str, scopes: list[str]) -> dict[str, Any]:
    """A new token for a local person: made by the running Daypass, or by ourselves if none runs."""
    from daypass.app.ordering import order_token

    return order_token(settings, email, lasts_ms, label, scopes)


def set_password(settings: Settings, order: dict[str, Any]) -> dict[str, Any]:
    """A link by which somebody sets their password, or their password removed: by the running Daypass, or by us.
    Raises DaypassError."""
    from daypass.app.ordering import order as ordered

    return ordered(settings, "passwords", order)


def make_codes(settings: Settings, target: str, count: int) -> dict[str, Any]:
    """Sealed one-time codes that break the glass of a target: made by the running Daypass, or by us.
    Raises DaypassError."""
    from daypass.app.ordering import order as ordered

    return ordered(settings, "codes", {"target": target, "count": count})


def keep_secret(settings: Settings, order: dict[str, Any]) -> dict[str, Any]:
    """Set, remove or list sealed secrets: the running Daypass does, or we do if none runs. Raises DaypassError."""
    from daypass.app.ordering import order as ordered

    return ordered(settings, "secrets", order)


def recover_log(settings: Settings, identity: str | None) -> dict[str, Any]:
    """Take the published entries back into a store that is behind them, and make its search index anew; `identity`
    opens encrypted bodies for that. Raises DaypassError."""
    from daypass.app.recovering import recover

    return recover(_checked(settings), identity)


def erase(settings: Settings, order: dict[str, Any]) -> dict[str, Any]:
    """Erase bodies: the running Daypass does, or we do if none runs. Raises DaypassError."""
    from daypass.app.ordering import order as ordered

    return ordered(settings, "erasures", order)


def reindex(settings: Settings, identity: str | None) -> dict[str, Any]:
    """Make the search index anew: the running Daypass does, or we do if none runs. Raises DaypassError."""
    from daypass.app.ordering import order as ordered

    return ordered(settings, "index", {"identity": identity})


def back_up(settings: Settings, to: Path) -> dict[str, Any]:
    """Copy the whole of this Daypass into a folder. Raises DaypassError."""
    from daypass.app.keeping import backup

    return backup(_checked(settings), to)


def restore(settings: Settings, of: Path) -> dict[str, Any]:
    """Put a backup into an empty data directory. Raises DaypassError."""
    from daypass.app.keeping import restore as put

    return put(_checked(settings), of)


def _checked(settings: Settings) -> Checked:
    from daypass.app.checking import check_settings

    return check_settings(settings, time.time_ns() // 1_000_000)
