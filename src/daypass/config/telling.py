"""The `notify` part of the settings: over which channels people are told, and what goes there."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from daypass.config.secrets import read_secret, secret_ref
from daypass.domain.documents import Node
from daypass.domain.durations import DAY_MS, MINUTE_MS
from daypass.domain.people import ADDRESS
from daypass.domain.target import SecretRef
from daypass.domain.telling import KINDS

NOTIFY_KEYS = ("email", "slack", "teams", "webhooks", "ending_soon")
EMAIL_KEYS = ("server", "tls", "ca", "user", "password", "from", "only")
SLACK_KEYS = ("token", "signing_secret", "channel", "people", "api", "only")
TEAMS_KEYS = ("name", "url", "private", "ca", "only")
WEBHOOK_KEYS = ("name", "url", "secret", "former_secret", "private", "ca", "only", "callbacks")

TELLING_KEYS: Mapping[str, tuple[str, ...]] = {
    "notify": NOTIFY_KEYS,
    "notify.email": EMAIL_KEYS,
    "notify.slack": SLACK_KEYS,
    "notify.teams[]": TEAMS_KEYS,
    "notify.webhooks[]": WEBHOOK_KEYS,
}

TLS_PORTS: Mapping[str, int] = {"starttls": 587, "tls": 465, "none": 25}
"""How mail is encrypted on its way, with the usual ports."""
CHANNELS_MAX = 16
"""Channels of one kind; each gets every message that it takes."""
SLACK_API = "https://slack.com/api"
SOON_MS = 10 * MINUTE_MS
SECRET = "whsec_"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_RESERVED = ("email", "slack", "slack-channel", "inside")
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_SENDER = re.compile(r"(?:[^<>\x00-\x1f]{1,100} )?<?[^\s@<>]{1,64}@[A-Za-z0-9.-]{1,190}>?")
_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_SLACK_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,20}")


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """The server that takes our mail. `tls`: `starttls`, `tls`, or `none` on this machine."""

    host: str
    port: int
    tls: str
    sender: str
    user: str = ""
    password: SecretRef | None = None
    ca: Path | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """Our app in a workspace. `people`: Slack's ids by address, where Slack has another address of somebody."""

    token: SecretRef
    signing_secret: SecretRef | None = None
    channel: str = ""
    people: Mapping[str, str] = field(default_factory=dict)
    api: str = SLACK_API
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Where messages are POSTed to: a URL, or a secret that holds one. `private`: it may be in a private network;
    `callbacks`: who asks over AuthZEN may name its URL to be called back at."""

    name: str
    url: SecretRef | str
    secrets: tuple[SecretRef, ...] = ()
    private: bool = False
    ca: Path | None = None
    only: tuple[str, ...] = ()
    callbacks: bool = False


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """`ending_soon_ms`: how long before its end the holder of access is told; 0: never."""

    email: EmailSettings | None = None
    slack: SlackSettings | None = None
    teams: tuple[HookSettings, ...] = ()
    webhooks: tuple[HookSettings, ...] = ()
    ending_soon_ms: int = SOON_MS


def read_notify(node: Node | None, beside: Path) -> NotifySettings:
    """Raises ConfigError."""
    keys = node.mapping(NOTIFY_KEYS) if node is not None else {}
    seen: dict[str, str] = dict.fromkeys(_RESERVED, "the name of another channel")
    return NotifySettings(
        _email(keys["email"], beside) if "email" in keys else None,
        _slack(keys["slack"], beside) if "slack" in keys else None,
        _hooks(keys.get("teams"), beside, TEAMS_KEYS, seen),
        _hooks(keys.get("webhooks"), beside, WEBHOOK_KEYS, seen),
        _soon(keys["ending_soon"]) if "ending_soon" in keys else SOON_MS,
    )


def _soon(node: Node) -> int:
    if node.is_text() and node.value == "never":
        return 0
    soon = node.duration_ms()
    if soon > DAY_MS:
        raise node.wrong("must be a day (1d) or shorter, or never")
    return soon


def _email(node: Node, beside: Path) -> EmailSettings:
    keys = node.mapping(EMAIL_KEYS, needs=("server", "from"))
    tls = keys["tls"].one_of(tuple(TLS_PORTS)) if "tls" in keys else "starttls"
    host, port = keys["server"].read(_server)
    if tls == "none" and not _here(host):
        raise keys["tls"].wrong(f"{host} is another machine, and mail to it would be plain text; use starttls or tls")
    if ("user" in keys) is not ("password" in keys):
        raise node.wrong("user and password go together")
    return EmailSettings(
        host,
        port or TLS_PORTS[tls],
        tls,
        keys["from"].text(_SENDER, "an address, like Daypass <daypass@acme.test>"),
        keys["user"].text() if "user" in keys else "",
        secret_ref(keys["password"], beside) if "password" in keys else None,
        _file(keys.get("ca"), beside),
        _only(keys.get("only")),
    )


def _server(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if not found or int(found[2] or 1) not in range(1, 65536):
        raise ValueError("a mail server, like smtp.acme.test or smtp.acme.test:587")
    return found[1].strip("[]"), int(found[2] or 0)


def _slack(node: Node, beside: Path) -> SlackSettings:
    keys = node.mapping(SLACK_KEYS, needs=("token",))
    people = keys["people"].mapping() if "people" in keys else {}
    for email, id in people.items():
        if not ADDRESS.fullmatch(email):
            raise id.wrong("must stand under an address, like ana@acme.test: U012AB3CD")
    api = keys["api"].text().rstrip("/") if "api" in keys else SLACK_API
    if "api" in keys:
        _check_url(keys["api"], api)
    return SlackSettings(
        secret_ref(keys["token"], beside),
        secret_ref(keys["signing_secret"], beside) if "signing_secret" in keys else None,
        keys["channel"].text(_SLACK_CHANNEL, "a channel's id, like C012AB3CD") if "channel" in keys else "",
        {email.lower(): id.text(_SLACK_USER, "a member's id, like U012AB3CD") for email, id in people.items()},
        api,
        _only(keys.get("only")),
    )


def _hooks(node: Node | None, beside: Path, known: tuple[str, ...], seen: dict[str, str]) -> tuple[HookSettings, ...]:
    items = node.sequence() if node is not None else ()
    if node is not None and len(items) > CHANNELS_MAX:
        raise node.wrong(f"must be at most {CHANNELS_MAX}")
    return tuple(_hook(item, beside, known, seen) for item in items)


def _hook(item: Node, beside: Path, known: tuple[str, ...], seen: dict[str, str]) -> HookSettings:
    keys = item.mapping(known, needs=("name", "url", *(("secret",) if "secret" in known else ())))
    name = keys["name"].text(_NAME, "a name of small letters, digits, dots and dashes")
    if name in seen:
        raise keys["name"].wrong(f"must be one channel only, but {name} is {seen[name]}")
    seen[name] = item.path
    # A Teams URL lets anybody who knows it post: it is a secret like any other.
    secret = "secret" not in known or keys["url"].is_mapping()
    url: SecretRef | str = secret_ref(keys["url"], beside) if secret else keys["url"].text()
    _check_url(keys["url"], read_secret(url) if isinstance(url, SecretRef) else url)
    secrets = tuple(keys[one] for one in ("secret", "former_secret") if one in keys)
    return HookSettings(
        name,
        url,
        tuple(_whsec(one, beside) for one in secrets),
        keys["private"].flag() if "private" in keys else False,
        _file(keys.get("ca"), beside),
        _only(keys.get("only")),
        keys["callbacks"].flag() if "callbacks" in keys else False,
    )


def _whsec(node: Node, beside: Path) -> SecretRef:
    ref = secret_ref(node, beside)
    said = read_secret(ref)
    try:
        size = len(base64.b64decode(said.removeprefix(SECRET), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not said.startswith(SECRET) or not 24 <= size <= 64:
        raise node.wrong(f"the secret must be {SECRET} and the base64 of 24 to 64 random bytes")
    return ref


def _check_url(node: Node, url: str) -> None:
    """The complaint never quotes the URL, which may be a secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.fragment:
        raise node.wrong("must be https://…, or http://… on this machine")
    if parts.scheme == "http" and not _here(parts.hostname):
        raise node.wrong("is another machine, and http is plain text; use https")


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _file(node: Node | None, beside: Path) -> Path | None:
    if node is None:
        return None
    file = beside / node.text()
    if not file.is_file():
        raise node.wrong(f"there is no file {file}; must be a PEM file")
    return file


def _only(node: Node | None) -> tuple[str, ...]:
    items = node.sequence() if node is not None else ()
    for item in items:
        pattern = item.text()
        if not any(fnmatchcase(kind, pattern) for kind in KINDS):
            raise item.wrong("must be a kind of message, like decide or glass.* (docs/telling.md has them all)")
    return tuple(item.text() for item in items)
