"""What can be set, as values. Refuses to read anything: `reading` does."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from daypass.config.ledgers import LedgerSettings
from daypass.config.outlets import ExportSettings
from daypass.config.outside import OnCallSettings, TicketSettings
from daypass.config.provisioning import ScimSettings
from daypass.config.telling import NotifySettings
from daypass.config.vaults import SecretSettings
from daypass.domain.documents import Node
from daypass.domain.roles import USUAL, Role
from daypass.domain.target import SecretRef, Target

WEB = "web"
"""The listener that is no protocol: API, web app, `/ledger`."""

WEB_PORT = 8420

DURABILITIES = ("written", "synced", "ledger")
"""Where a fact must be before its bytes are forwarded: in the operating system, on disk, in the store as well."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host (an address or a name) and a TCP port."""

    host: str
    port: int

    def is_loopback(self) -> bool:
        """Whether only this machine can reach it. Names other than `localhost` are taken as reachable."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """PEM files: the certificate with its chain, and its key."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class PersonSettings:
    """A person of a small team, known from the file."""

    email: str
    name: str
    groups: frozenset[str]
    subject: str = ""
    """Accounts with one subject are one human being."""
    agent_of: str = ""
    """The address of the person whose agent this is."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Where people of a real organisation sign in."""

    issuer: str
    client_id: str
    client_secret: SecretRef
    groups_claim: str = "groups"
    scopes: str = "openid email profile"
    trust_email: bool = False
    """Whether an address counts that the provider does not say to have verified."""
    ca: Path | None = None
    """The authority of its certificate, if not the machine's."""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What the gateway holds at most."""

    message_bytes: int = 64 << 20
    """The longest message that is decoded; a longer one ends its session."""
    sessions: int = 1000
    """Sessions open at once on this node; each holds two sockets and up to two buffers."""
    request_bytes: int = 1 << 20
    """The longest body of an HTTP request."""
    disk_reserve_bytes: int = 256 << 20
    """Below this much free space no session opens, so that endings still fit."""
    drain_ms: int = 10_000
    """How long open sessions may go on after SIGTERM before they are cut."""
    warn_before_ms: tuple[int, ...] = (300_000, 60_000)
    """How long before its deadline a session's client is told how much time is left."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `daypass.yaml` says. Paths are absolute. `nodes` finds a setting's line again, by its path."""

    file: Path
    site: str
    data: Path
    store: str
    """`sqlite`, or a `postgresql://` URL."""
    node: str
    """This gateway's name, of which its journal's numbers are."""
    listen: Mapping[str, Address]
    public_url: str
    tls: TlsSettings | None
    durability: str
    limits: LimitSettings
    people: tuple[PersonSettings, ...]
    oidc: OidcSettings | None
    local: bool
    """Whether people whom no provider keeps sign in by a password, or by a passkey alone."""
    targets: Mapping[str, Target]
    policies: tuple[Path, ...]
    proxies: tuple[str, ...] = ()
    """Addresses and networks of reverse proxies before the web listener, which say where calls come from."""
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    group_owners: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each group that somebody owns, the addresses of those who say who is in it."""
    standing: Mapping[Role, tuple[str, ...]] = field(default_factory=lambda: dict(USUAL))
    """Who is security, auditor and operator: groups and addresses."""
    tokens_last_ms: int = 12 * 3_600_000
    """How long a token of `people token` is good for unless it says otherwise: a day's work."""
    scim: ScimSettings | None = None
    """How a directory says who there is; None: it does not."""
    recipients: tuple[str, ...] = ()
    """The age recipients that bodies are encrypted to; none: they are not."""
    retention_ms: int | None = None
    """How long bodies are kept; None: until somebody erases them."""
    exports: tuple[ExportSettings, ...] = ()
    tickets: tuple[TicketSettings, ...] = ()
    """The systems that know tickets."""
    on_call: tuple[OnCallSettings, ...] = ()
    secrets: SecretSettings = field(default_factory=SecretSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    nodes: Mapping[str, Node] = field(repr=False, compare=False, default_factory=dict)

    @property
    def web(self) -> Address:
        return self.listen[WEB]

    @property
    def public_host(self) -> str:
        return urlsplit(self.public_url).hostname or "localhost"
