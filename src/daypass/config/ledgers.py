"""The `ledger` part of the settings: who may read the published log, and who witnesses it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from daypass.domain.documents import Node

LEDGER_KEYS = ("public", "witnesses", "quorum")
WITNESS_KEYS = ("vkey", "url")
WITNESSES_MAX = 16
"""Each is asked about every checkpoint."""


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """A witness: its verifier key, and the URL below which it takes `add-checkpoint`."""

    vkey: str
    url: str


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """`public`: whether anybody who reaches the web listener may read `/ledger`. `quorum`: how many of the witnesses
    must have cosigned what counts as published."""

    public: bool = True
    witnesses: tuple[WitnessSettings, ...] = ()
    quorum: int = 0


def read_ledger(node: Node | None) -> LedgerSettings:
    """Raises ConfigError."""
    if node is None:
        return LedgerSettings()
    keys = node.mapping(LEDGER_KEYS)
    witnesses = tuple(_witness(item) for item in keys["witnesses"].sequence()) if "witnesses" in keys else ()
    if len(witnesses) > WITNESSES_MAX:
        raise keys["witnesses"].wrong(f"must be at most {WITNESSES_MAX} witnesses")
    if len({witness.vkey for witness in witnesses}) < len(witnesses):
        raise keys["witnesses"].wrong("must name each witness once")
    quorum = keys["quorum"].integer(0, len(witnesses)) if "quorum" in keys else 0
    return LedgerSettings(keys["public"].flag() if "public" in keys else True, witnesses, quorum)


def _witness(node: Node) -> WitnessSettings:
    keys = node.mapping(WITNESS_KEYS, needs=WITNESS_KEYS)
    url = keys["url"].text()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise keys["url"].wrong("must be a URL, like https://witness.acme.test")
    return WitnessSettings(keys["vkey"].text(), url)
