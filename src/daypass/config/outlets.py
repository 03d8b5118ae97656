"""What becomes of bodies (`bodies`, `retention`), and where entries go besides the log (`exports`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from daypass.config.secrets import secret_ref
from daypass.domain.documents import Node
from daypass.domain.durations import DAY_MS
from daypass.domain.events import CATALOGUE
from daypass.domain.target import SecretRef

BODY_KEYS = ("recipients",)
RETENTION_KEYS = ("bodies",)
EXPORT_KEYS = ("name", "to", "form", "types", "token", "ca")

OUTLET_KEYS: Mapping[str, tuple[str, ...]] = {
    "bodies": BODY_KEYS,
    "retention": RETENTION_KEYS,
    "exports[]": EXPORT_KEYS,
}

FORMS = ("ocsf", "cloudevents", "entries")
"""How an entry is written: an OCSF event, a CloudEvent, or the entry itself with its place."""
SCHEMES: Mapping[str, int] = {"https": 443, "http": 80, "syslog+tls": 6514, "syslog+tcp": 601}
"""How an export travels, with the usual ports (RFC 5425, RFC 6587)."""
PLAIN = ("http", "syslog+tcp")
EXPORTS_MAX = 16
"""Each reads the whole log for itself."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_RECIPIENT = re.compile(r"age1[a-z0-9]{40,100}")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """One place that entries are sent to. `types`: names or patterns like `grant.*`; empty: all."""

    name: str
    to: str
    form: str
    types: tuple[str, ...] = ()
    token: SecretRef | None = None
    ca: Path | None = None


def read_recipients(node: Node | None) -> tuple[str, ...]:
    """The age recipients that bodies are encrypted to; none: they are not."""
    keys = node.mapping(BODY_KEYS) if node is not None else {}
    items = keys["recipients"].sequence() if "recipients" in keys else ()
    return tuple(item.text(_RECIPIENT, "an age recipient, like age1… (age-keygen prints one)") for item in items)


def read_retention(node: Node | None) -> int | None:
    """How long bodies are kept, in ms; None: until somebody erases them."""
    keys = node.mapping(RETENTION_KEYS) if node is not None else {}
    if "bodies" not in keys:
        return None
    kept = keys["bodies"].duration_ms()
    if kept < DAY_MS:
        raise keys["bodies"].wrong("must be a day (1d) or longer")
    return kept


def read_exports(node: Node | None, beside: Path) -> tuple[ExportSettings, ...]:
    found: dict[str, ExportSettings] = {}
    items = node.sequence() if node is not None else ()
    if node is not None and len(items) > EXPORTS_MAX:
        raise node.wrong(f"must be at most {EXPORTS_MAX} exports")
    for item in items:
        keys = item.mapping(EXPORT_KEYS, needs=("name", "to", "form"))
        name = keys["name"].text(_NAME, "a name of small letters, digits, dots and dashes")
        if name in found:
            raise keys["name"].wrong(f"must be one export only, but {name} stands above already")
        found[name] = ExportSettings(
            name,
            _to(keys["to"]),
            keys["form"].one_of(FORMS),
            _types(keys.get("types")),
            secret_ref(keys["token"], beside) if "token" in keys else None,
            beside / keys["ca"].text() if "ca" in keys else None,
        )
    return tuple(found.values())


def _to(node: Node) -> str:
    url = node.text()
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname or parts.username:
        raise node.wrong("must be https://…, syslog+tls://host:6514, or http://… or syslog+tcp://… on this machine")
    if parts.scheme in PLAIN and not _LOOPBACK.fullmatch(parts.hostname):
        raise node.wrong(f"{parts.hostname} is another machine, and {parts.scheme} is plain text; use TLS")
    return url


def _types(node: Node | None) -> tuple[str, ...]:
    items = node.sequence() if node is not None else ()
    for item in items:
        name = item.text()
        if name not in CATALOGUE and not (name.endswith(".*") and any(t.startswith(name[:-1]) for t in CATALOGUE)):
            raise item.wrong("must be a type of entry, like grant.ended or grant.* (docs/events.md has them all)")
    return tuple(item.text() for item in items)
