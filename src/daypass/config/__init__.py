"""The settings, read once from `daypass.yaml`. Knows no protocol: what only a protocol can judge, app.py checks."""

from daypass.config.outlets import ExportSettings
from daypass.config.outside import OnCallSettings, TicketSettings
from daypass.config.reading import KEYS, read_settings
from daypass.config.secrets import read_secret
from daypass.config.settings import (
    DURABILITIES,
    WEB,
    Address,
    LimitSettings,
    OidcSettings,
    PersonSettings,
    Settings,
    TlsSettings,
)

__all__ = [
    "DURABILITIES",
    "KEYS",
    "WEB",
    "Address",
    "ExportSettings",
    "LimitSettings",
    "OidcSettings",
    "OnCallSettings",
    "PersonSettings",
    "Settings",
    "TicketSettings",
    "TlsSettings",
    "read_secret",
    "read_settings",
]
