"""From `daypass.yaml` to `Settings`. Refuses all that it does not know, in one line: where, and what is right."""

from __future__ import annotations

import glob
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from daypass.config.ledgers import LEDGER_KEYS, WITNESS_KEYS, read_ledger
from daypass.config.outlets import OUTLET_KEYS, read_exports, read_recipients, read_retention
from daypass.config.outside import OUTSIDE_KEYS, read_on_call, read_tickets
from daypass.config.provisioning import SCIM_KEYS, read_scim
from daypass.config.secrets import read_secret, secret_ref
from daypass.config.settings import (
    DURABILITIES,
    WEB,
    WEB_PORT,
    Address,
    LimitSettings,
    OidcSettings,
    PersonSettings,
    Settings,
    TlsSettings,
)
from daypass.config.targets import NAMED, TARGET_KEYS, named, read_targets
from daypass.config.telling import TELLING_KEYS, read_notify
from daypass.config.vaults import STORE_KEYS, read_secret_stores
from daypass.domain.documents import Node, load
from daypass.domain.errors import ConfigError
from daypass.domain.people import ADDRESS
from daypass.domain.roles import STANDING, USUAL, Role
from daypass.domain.target import SecretRef

SETTINGS_KEYS = (
    "site",
    "data",
    "store",
    "node",
    "listen",
    "public_url",
    "proxies",
    "tls",
    "durability",
    "limits",
    "ledger",
    "identity",
    "targets",
    "policies",
    "bodies",
    "retention",
    "exports",
    "tickets",
    "on_call",
    "notify",
    "secrets",
)
LIMIT_KEYS = ("message", "sessions", "request", "disk_reserve", "drain", "warn_before")
PERSON_KEYS = ("email", "name", "groups", "subject", "agent_of")
IDENTITY_KEYS = ("people", "groups", "roles", "oidc", "scim", "tokens_last", "local")
TOKENS_LAST_MS_MAX = 366 * 24 * 3_600_000
GROUP_KEYS = ("owners",)
OIDC_KEYS = ("issuer", "client_id", "client_secret", "groups_claim", "scopes", "trust_email", "ca")

KEYS: Mapping[str, tuple[str, ...]] = {
    "": SETTINGS_KEYS,
    "tls": ("cert", "key"),
    "limits": LIMIT_KEYS,
    "ledger": LEDGER_KEYS,
    "ledger.witnesses[]": WITNESS_KEYS,
    "identity": IDENTITY_KEYS,
    "identity.groups.*": GROUP_KEYS,
    "identity.people[]": PERSON_KEYS,
    "identity.roles": tuple(STANDING),
    "identity.oidc": OIDC_KEYS,
    "identity.scim": SCIM_KEYS,
    **TARGET_KEYS,
    **OUTLET_KEYS,
    **OUTSIDE_KEYS,
    **TELLING_KEYS,
    **STORE_KEYS,
}
"""Every key there is, by the place it stands in. docs/configuration.md tells of each."""

WARNINGS_MAX = 8
"""Somebody who is told more often than this stops listening."""

_SITE = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[A-Za-z0-9._~-]+)*")
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")


def read_settings(file: Path) -> Settings:
    """Read and check the settings. Raises ConfigError. Paths in the file start from the file's own folder."""
    file = file.absolute()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigError(f"{file}: cannot be read: {problem.strerror}", hint="daypass init writes a new one") from None
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{file}: is not UTF-8 text (byte {problem.start})") from None
    root = load(text, file.name)
    keys = root.mapping(SETTINGS_KEYS, needs=("site",))
    identity = keys["identity"].mapping(IDENTITY_KEYS) if "identity" in keys else {}
    beside = file.parent
    secrets = read_secret_stores(keys.get("secrets"), beside)
    people = _people(identity.get("people"))
    scim = read_scim(identity["scim"], {one.email: one for one in people}) if "scim" in identity else None
    settings = Settings(
        file=file,
        site=keys["site"].text(_SITE, "the ledger's origin, like acme.test/prod"),
        data=beside / (keys["data"].text() if "data" in keys else "var"),
        store=_store(keys.get("store"), beside),
        node=keys["node"].text(_NODE, "a name of letters, digits, dots and dashes") if "node" in keys else "one",
        listen=_listen(keys.get("listen")),
        public_url=_public_url(keys.get("public_url"), "tls" in keys),
        proxies=tuple(_proxy(item) for item in keys["proxies"].sequence()) if "proxies" in keys else (),
        tls=_tls(keys["tls"], beside) if "tls" in keys else None,
        durability=keys["durability"].one_of(DURABILITIES) if "durability" in keys else "synced",
        limits=_limits(keys.get("limits")),
        people=people,
        group_owners=_owners(identity.get("groups")),
        standing={**_standing(identity.get("roles")), Role.PROVISIONER: (scim.account,) if scim else ()},
        scim=scim,
        tokens_last_ms=_tokens_last(identity["tokens_last"]) if "tokens_last" in identity else 12 * 3_600_000,
        oidc=_oidc(identity["oidc"], beside) if "oidc" in identity else None,
        local=identity["local"].flag() if "local" in identity else "oidc" not in identity,
        targets=read_targets(keys.get("targets"), beside, secrets.sources),
        policies=_policies(keys.get("policies"), beside),
        recipients=read_recipients(keys.get("bodies")),
        retention_ms=read_retention(keys.get("retention")),
        exports=read_exports(keys.get("exports"), beside),
        tickets=read_tickets(keys.get("tickets"), beside),
        on_call=read_on_call(keys.get("on_call"), beside),
        ledger=read_ledger(keys.get("ledger")),
        secrets=secrets,
        notify=read_notify(keys.get("notify"), beside),
        nodes={node.path: node for node in root.walk()},
    )
    _refuse_plain_text(settings)
    return settings


def read_address(text: str) -> Address:
    """Read `host:port`. ValueError says what would be right."""
    host, colon, port = text.rpartition(":")
    if not colon or not _HOST.fullmatch(host) or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError("an address and a port, like 127.0.0.1:8420")
    return Address(host.strip("[]"), int(port))


def _store(node: Node | None, beside: Path) -> str:
    if node is None:
        return "sqlite"
    url = read_secret(secret_ref(node, beside)) if node.is_mapping() else node.text()
    parts = urlsplit(url)
    if url != "sqlite" and (parts.scheme != "postgresql" or not parts.hostname or not parts.path.strip("/")):
        raise node.wrong("must be sqlite, or postgresql://user:password@host/database")
    return url


def _listen(node: Node | None) -> Mapping[str, Address]:
    given = {} if node is None else {name: at.read(read_address) for name, at in node.mapping().items()}
    seen: dict[Address, str] = {}
    for name, address in given.items():
        if node is not None and address in seen:
            raise node.mapping()[name].wrong(f"must be another address than listen.{seen[address]}'s {address}")
        seen[address] = name
    return {WEB: Address("127.0.0.1", WEB_PORT), **given}


def _public_url(node: Node | None, tls: bool) -> str:
    if node is None:
        return f"http{'s' if tls else ''}://localhost:{WEB_PORT}"
    url = node.text().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.username:
        raise node.wrong("must be a URL without a path, like https://daypass.acme.test")
    return url


def _tls(node: Node, beside: Path) -> TlsSettings:
    keys = node.mapping(("cert", "key"), needs=("cert", "key"))
    for place in keys.values():
        if not (beside / place.text()).is_file():
            raise place.wrong(f"there is no file {beside / place.text()}; must be a PEM file")
    return TlsSettings(beside / keys["cert"].text(), beside / keys["key"].text())


def _limits(node: Node | None) -> LimitSettings:
    keys = node.mapping(LIMIT_KEYS) if node is not None else {}
    usual = LimitSettings()
    return LimitSettings(
        message_bytes=keys["message"].size_bytes() if "message" in keys else usual.message_bytes,
        sessions=keys["sessions"].integer(1, 100_000) if "sessions" in keys else usual.sessions,
        request_bytes=keys["request"].size_bytes() if "request" in keys else usual.request_bytes,
        disk_reserve_bytes=keys["disk_reserve"].size_bytes() if "disk_reserve" in keys else usual.disk_reserve_bytes,
        drain_ms=keys["drain"].duration_ms() if "drain" in keys else usual.drain_ms,
        warn_before_ms=_warnings(keys["warn_before"]) if "warn_before" in keys else usual.warn_before_ms,
    )


def _warnings(node: Node) -> tuple[int, ...]:
    found = tuple(item.duration_ms() for item in node.sequence())
    if len(found) > WARNINGS_MAX:
        raise node.wrong(f"must hold at most {WARNINGS_MAX} lengths of time, like [5m, 1m]")
    return found


def _people(node: Node | None) -> tuple[PersonSettings, ...]:
    people: dict[str, PersonSettings] = {}
    for item in node.sequence() if node is not None else ():
        keys = item.mapping(PERSON_KEYS, needs=("email",))
        email = keys["email"].text(ADDRESS, "an address, like ana@acme.test").lower()
        if email in people:
            raise keys["email"].wrong(f"must be one person only, but {email} stands above already")
        groups = keys["groups"].sequence() if "groups" in keys else ()
        names = frozenset(group.text(_GROUP, "a group's name of letters, digits, dots and dashes") for group in groups)
        people[email] = PersonSettings(
            email,
            keys["name"].text() if "name" in keys else email,
            names,
            subject=keys["subject"].text() if "subject" in keys else "",
            agent_of=keys["agent_of"].text(ADDRESS, "the address of its owner").lower() if "agent_of" in keys else "",
        )
    for item in node.sequence() if node is not None else ():
        _check_owner(item, people)
    return tuple(people.values())


def _check_owner(item: Node, people: Mapping[str, PersonSettings]) -> None:
    owned = item.mapping(PERSON_KEYS).get("agent_of")
    if owned is None:
        return
    owner = people.get(owned.text().lower())
    if owner is None or owner.agent_of:
        raise owned.wrong(f"must be a person who is listed here and nobody's agent, not {owned.text()}")


def _owners(node: Node | None) -> Mapping[str, frozenset[str]]:
    owners: dict[str, frozenset[str]] = {}
    for name, item in node.mapping().items() if node is not None else ():
        if not _GROUP.fullmatch(name):
            raise item.wrong("must stand under a group's name of letters, digits, dots and dashes")
        given = item.mapping(GROUP_KEYS, needs=GROUP_KEYS)["owners"].sequence()
        owners[name] = frozenset(one.text(ADDRESS, "an address, like ana@acme.test").lower() for one in given)
    return owners


def _tokens_last(node: Node) -> int:
    found = node.duration_ms()
    if not 0 < found <= TOKENS_LAST_MS_MAX:
        raise node.wrong("must be at most 366d, like 12h")
    return found


def _standing(node: Node | None) -> Mapping[Role, tuple[str, ...]]:
    keys = node.mapping(tuple(STANDING)) if node is not None else {}
    given = {
        Role(name): tuple(one.text(NAMED, "group:NAME or an address") for one in at.sequence())
        for name, at in keys.items()
    }
    return {**USUAL, **{role: tuple(map(named, of)) for role, of in given.items()}}


def _oidc(node: Node, beside: Path) -> OidcSettings:
    keys = node.mapping(OIDC_KEYS, needs=("issuer", "client_id", "client_secret"))
    issuer = urlsplit(keys["issuer"].text())
    if issuer.scheme not in ("http", "https") or not issuer.hostname:
        raise keys["issuer"].wrong("must be a URL, like https://login.acme.test")
    if issuer.scheme == "http" and not Address(issuer.hostname, 0).is_loopback():
        raise keys["issuer"].wrong("must be https: whoever is between us and it could sign in as anybody")
    usual = OidcSettings("", "", SecretRef("env", ""))
    scopes = keys["scopes"].text() if "scopes" in keys else usual.scopes
    if "openid" not in scopes.split():
        raise keys["scopes"].wrong(f"must hold openid, like {usual.scopes!r}")
    ca = beside / keys["ca"].text() if "ca" in keys else None
    if ca is not None and not ca.is_file():
        raise keys["ca"].wrong(f"there is no file {ca}; must be a PEM file")
    return OidcSettings(
        issuer=keys["issuer"].text(),
        client_id=keys["client_id"].text(),
        client_secret=secret_ref(keys["client_secret"], beside),
        groups_claim=keys["groups_claim"].text() if "groups_claim" in keys else usual.groups_claim,
        scopes=scopes,
        trust_email=keys["trust_email"].flag() if "trust_email" in keys else False,
        ca=ca,
    )


def _proxy(node: Node) -> str:
    try:
        network = ipaddress.ip_network(node.text())
    except ValueError:
        raise node.wrong("must be an address or a network, like 127.0.0.1 or 10.0.7.0/24") from None
    if not network.prefixlen:
        raise node.wrong("would let everybody say where they come from; must be your proxies only")
    return str(network)


def _policies(node: Node | None, beside: Path) -> tuple[Path, ...]:
    files: dict[Path, None] = {}
    for item in node.sequence() if node is not None else ():
        found = sorted(glob.glob(str(beside / item.text()), recursive=True))
        if not found:
            raise item.wrong(f"no file is there ({beside / item.text()}); must name policy files")
        files.update((Path(name), None) for name in found)
    return tuple(files)


def _refuse_plain_text(settings: Settings) -> None:
    for name, address in settings.listen.items():
        if not settings.tls and not address.is_loopback():
            problem = f"{address} is not loopback, and without tls it would speak plain text; set tls or use 127.0.0.1"
            raise settings.nodes[f"listen.{name}"].wrong(problem)
