"""Other systems that conditions of policy may ask: `tickets` (Jira, GitHub) and `on_call` schedules."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from daypass.config.secrets import read_secret, secret_ref
from daypass.domain.documents import Node
from daypass.domain.people import ADDRESS
from daypass.domain.target import SecretRef

TICKET_KEYS = ("name", "system", "url", "user", "token", "projects", "repository", "people", "webhook", "ca")
ON_CALL_KEYS = ("name", "group", "file", "calendar", "pagerduty", "url", "token", "ca")

OUTSIDE_KEYS: Mapping[str, tuple[str, ...]] = {"tickets[]": TICKET_KEYS, "on_call[]": ON_CALL_KEYS}

SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "jira": ("name", "system", "url", "user", "token", "projects", "webhook", "ca"),
    "github": ("name", "system", "url", "token", "repository", "people", "webhook", "ca"),
}
"""The ticket systems there are, with the keys that each has."""

SOURCES: Mapping[str, tuple[str, ...]] = {
    "file": ("name", "group", "file"),
    "calendar": ("name", "group", "calendar", "ca"),
    "pagerduty": ("name", "group", "pagerduty", "url", "token", "ca"),
}
"""Where an on-call schedule can come from, with the keys that each has."""

URLS = {"github": "https://api.github.com", "pagerduty": "https://api.pagerduty.com"}
EACH_MAX = 50
"""Ticket systems, or schedules: each is something to wait for."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_NAME_RIGHT = "a name of small letters, digits, dots and dashes"
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,49}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_SCHEDULE = re.compile(r"[A-Z0-9]{1,40}")


@dataclass(frozen=True, slots=True)
class TicketSettings:
    """One ticket system. `projects` are Jira's, `repository` and `people` (logins to addresses) GitHub's; `webhook`
    is what its webhooks are signed with."""

    name: str
    system: str
    url: str
    token: SecretRef
    user: str = ""
    projects: tuple[str, ...] = ()
    repository: str = ""
    people: Mapping[str, str] = field(default_factory=dict)
    webhook: SecretRef | None = None
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class OnCallSettings:
    """One schedule: what it is read from (`source`), and where that is. `group`: whose duty it shows."""

    name: str
    source: str
    place: str | SecretRef
    group: str = ""
    url: str = ""
    token: SecretRef | None = None
    ca: Path | None = None


def read_tickets(node: Node | None, beside: Path) -> tuple[TicketSettings, ...]:
    found: dict[str, TicketSettings] = {}
    for item in _items(node):
        keys = item.mapping(TICKET_KEYS, needs=("name", "system", "token"))
        system = keys["system"].one_of(tuple(SYSTEMS))
        keys = item.mapping(SYSTEMS[system], needs=("url",) if system == "jira" else ("repository",))
        one = TicketSettings(
            _named(keys["name"], found),
            system,
            read_url(keys["url"]) if "url" in keys else URLS[system],
            secret_ref(keys["token"], beside),
            user=keys["user"].text(ADDRESS, "an address, like bot@acme.test") if "user" in keys else "",
            projects=_each(keys.get("projects"), _PROJECT, "a project's key, like INC"),
            repository=keys["repository"].text(_REPOSITORY, "owner/name") if "repository" in keys else "",
            people=_logins(keys.get("people")),
            webhook=secret_ref(keys["webhook"], beside) if "webhook" in keys else None,
            ca=_file(keys["ca"], beside) if "ca" in keys else None,
        )
        found[one.name] = one
    return tuple(found.values())


def read_on_call(node: Node | None, beside: Path) -> tuple[OnCallSettings, ...]:
    found: dict[str, OnCallSettings] = {}
    for item in _items(node):
        keys = item.mapping(ON_CALL_KEYS, needs=("name",))
        sources = [source for source in SOURCES if source in keys]
        if len(sources) != 1:
            raise item.wrong(f"must say where it is read from, by one of {', '.join(SOURCES)}")
        source = sources[0]
        keys = item.mapping(SOURCES[source], needs=("token",) if source == "pagerduty" else ())
        one = OnCallSettings(
            _named(keys["name"], found),
            source,
            _place(keys[source], source, beside),
            group=keys["group"].text(_GROUP, "a group's name") if "group" in keys else "",
            url=read_url(keys["url"]) if "url" in keys else URLS.get(source, ""),
            token=secret_ref(keys["token"], beside) if "token" in keys else None,
            ca=_file(keys["ca"], beside) if "ca" in keys else None,
        )
        found[one.name] = one
    return tuple(found.values())


def read_url(node: Node, url: str | None = None) -> str:
    """A URL of another system: TLS, or on this machine. Not one by which machines in a cloud tell of themselves."""
    url = (node.text() if url is None else url).rstrip("/")
    parts = urlsplit(url)
    try:
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError:
        raise node.wrong("must have a port from 1 to 65535, or none") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.fragment:
        raise node.wrong("must be a URL, like https://acme.atlassian.net")
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        address = None
    here = address.is_loopback if address is not None else parts.hostname == "localhost"
    if parts.scheme == "http" and not here:
        raise node.wrong(f"{parts.hostname} is another machine, and http is plain text; must be https")
    if address is not None and (address.is_link_local or address.is_multicast or address.is_unspecified):
        raise node.wrong(f"{parts.hostname} is no address of a system that could be asked")
    return url


def _items(node: Node | None) -> tuple[Node, ...]:
    items = node.sequence() if node is not None else ()
    if node is not None and len(items) > EACH_MAX:
        raise node.wrong(f"must be at most {EACH_MAX}")
    return items


def _named(node: Node, found: Mapping[str, object]) -> str:
    name = node.text(_NAME, _NAME_RIGHT)
    if name in found:
        raise node.wrong(f"must be another name, as {name} stands above already")
    return name


def _each(node: Node | None, pattern: re.Pattern[str], right: str) -> tuple[str, ...]:
    return tuple(item.text(pattern, right) for item in node.sequence()) if node is not None else ()


def _logins(node: Node | None) -> Mapping[str, str]:
    pairs = node.mapping() if node is not None else {}
    return {login: at.text(ADDRESS, "an address, like ana@acme.test").lower() for login, at in pairs.items()}


def _place(node: Node, source: str, beside: Path) -> str | SecretRef:
    """A file's path, a schedule's id, or a calendar's URL, which may be a secret itself."""
    if source == "pagerduty":
        return node.text(_SCHEDULE, "a schedule's id, like PI7DH85")
    if source == "calendar" and node.is_mapping():
        ref = secret_ref(node, beside)
        read_url(node, read_secret(ref))
        return ref
    if source == "calendar" and "://" in node.text():
        return read_url(node)
    return str(_file(node, beside))


def _file(node: Node, beside: Path) -> Path:
    path = beside / node.text()
    if not path.is_file():
        raise node.wrong(f"there is no file {path}")
    return path
