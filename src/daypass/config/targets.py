"""The targets of `daypass.yaml`. Refuses inline secrets; leaves to each protocol what only it can judge."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from daypass.config.secrets import login_ref, secret_ref
from daypass.domain.documents import Node
from daypass.domain.people import ADDRESS, GROUP
from daypass.domain.target import Effect, Maintenance, Target, TargetRole

TARGET_FIELDS = (
    "name",
    "protocol",
    "address",
    "database",
    "labels",
    "roles",
    "tls",
    "tls_ca",
    "record",
    "options",
    "maintenance",
    "reassign_to",
    "owners",
    "limits",
)
ROLE_FIELDS = ("user", "password", "member_of", "login", "effect", "dangerous")
MAINTENANCE_FIELDS = ("user", "password")
LIMIT_FIELDS = ("idle",)
TARGET_KEYS: Mapping[str, tuple[str, ...]] = {
    "targets[]": TARGET_FIELDS,
    "targets[].roles.*": ROLE_FIELDS,
    "targets[].maintenance": MAINTENANCE_FIELDS,
    "targets[].limits": LIMIT_FIELDS,
}

MEMBER_OF_MAX = 16
"""Roles that one ephemeral login is a member of; who needs more makes a role for it."""

TLS_MODES = ("disable", "require", "verify-full")
RECORDS = ("statements", "results")
EFFECTS = tuple(effect.value for effect in Effect if effect is not Effect.UNKNOWN)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_NAME_RIGHT = "a name of letters, digits, dots, dashes and underscores, at most 63"
_PROTOCOL = re.compile(r"[a-z][a-z0-9]*")
NAMED = re.compile(rf"group:[A-Za-z0-9][A-Za-z0-9._-]{{0,62}}|{ADDRESS.pattern}")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?")


def read_targets(node: Node | None, beside: Path, sources: Sequence[str] = ()) -> Mapping[str, Target]:
    """Read `targets`, by name. `sources` are the stores of secrets there are. Raises ConfigError."""
    targets: dict[str, Target] = {}
    for item in node.sequence() if node is not None else ():
        target = _target(item, beside, sources)
        if target.name in targets:
            raise item.mapping()["name"].wrong(f"must be one target only, but {target.name} stands above already")
        targets[target.name] = target
    return targets


def _target(node: Node, beside: Path, sources: Sequence[str]) -> Target:
    keys = node.mapping(TARGET_FIELDS, needs=("name", "protocol", "address", "roles"))
    name = keys["name"].text(_NAME, _NAME_RIGHT)
    maintained = "maintenance" in keys
    host, port = _address(keys["address"])
    return Target(
        name=name,
        protocol=keys["protocol"].text(_PROTOCOL, "a protocol's name"),
        host=host,
        port=port,
        database=keys["database"].text() if "database" in keys else name,
        labels={label: at.text() for label, at in keys["labels"].mapping().items()} if "labels" in keys else {},
        roles=_roles(keys["roles"], beside, maintained, sources),
        tls=_tls(keys.get("tls"), host),
        tls_ca=_file(keys["tls_ca"], beside) if "tls_ca" in keys else None,
        record=keys["record"].one_of(RECORDS) if "record" in keys else "statements",
        options=keys["options"].plain() if "options" in keys and keys["options"].mapping() else {},
        maintenance=_maintenance(keys["maintenance"], beside, sources) if maintained else None,
        idle_ms=_idle(keys.get("limits")),
        reassign_to=keys["reassign_to"].text() if "reassign_to" in keys else None,
        owners=_owners(keys["owners"]) if "owners" in keys else (),
    )


def _owners(node: Node) -> tuple[str, ...]:
    return tuple(named(item.text(NAMED, "group:NAME or an address")) for item in node.sequence())


def named(name: str) -> str:
    """A group or an address, as people are found by it."""
    return name if name.startswith(GROUP) else name.lower()


def _idle(node: Node | None) -> int | None:
    keys = node.mapping(LIMIT_FIELDS) if node is not None else {}
    return keys["idle"].duration_ms() if "idle" in keys else None


def _maintenance(node: Node, beside: Path, sources: Sequence[str]) -> Maintenance:
    keys = node.mapping(MAINTENANCE_FIELDS, needs=("user",))
    password = secret_ref(keys["password"], beside, sources) if "password" in keys else None
    return Maintenance(keys["user"].text(), password)


def _address(node: Node) -> tuple[str, int]:
    """Host and port; port 0 stands for the protocol's own, which app.py fills in."""
    found = _ADDRESS.fullmatch(node.text())
    if not found or (found[2] and not 0 < int(found[2]) < 65536):
        raise node.wrong("must be an address with a port, like 10.0.0.7:5432")
    return found[1].strip("[]"), int(found[2] or 0)


def _roles(node: Node, beside: Path, maintained: bool, sources: Sequence[str]) -> Mapping[str, TargetRole]:
    roles = {name: _role(name, at, beside, maintained, sources) for name, at in node.mapping().items()}
    if not roles:
        raise node.wrong("must hold at least one role, like read: { user: app_ro, password: { env: NAME } }")
    return roles


def _role(name: str, node: Node, beside: Path, maintained: bool, sources: Sequence[str]) -> TargetRole:
    if not _NAME.fullmatch(name):
        raise node.wrong(f"a role must be {_NAME_RIGHT}")
    keys = node.mapping(ROLE_FIELDS)
    member_of = _member_of(keys["member_of"]) if "member_of" in keys else ()
    lends = [one for one in ("member_of", "login") if one in keys]
    if len(lends) > 1 or (lends and ("user" in keys or "password" in keys)):
        raise node.wrong("must be either member_of (a login for each grant) or user and password, not both; or login")
    if lends and not maintained:
        raise keys[lends[0]].wrong("needs maintenance: { user: NAME, password: { env: NAME } } on its target")
    if not lends and "user" not in keys:
        raise node.wrong("must have user, or member_of for a login of its own for each grant")
    return TargetRole(
        name=name,
        user=keys["user"].text() if "user" in keys else "",
        member_of=member_of,
        login=login_ref(keys["login"], sources) if "login" in keys else None,
        password=secret_ref(keys["password"], beside, sources) if "password" in keys else None,
        effect=Effect(keys["effect"].one_of(EFFECTS)) if "effect" in keys else Effect.WRITE,
        dangerous=keys["dangerous"].flag() if "dangerous" in keys else False,
    )


def _member_of(node: Node) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(item.text() for item in node.sequence()))
    if not 0 < len(names) <= MEMBER_OF_MAX:
        raise node.wrong(f"must name 1 to {MEMBER_OF_MAX} roles of the target, like [app_rw]")
    return names


def _tls(node: Node | None, host: str) -> str:
    """As set; otherwise nothing to a target on this machine, and the strictest to any other."""
    return node.one_of(TLS_MODES) if node is not None else ("disable" if _is_here(host) else "verify-full")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _file(node: Node, beside: Path) -> str:
    path = beside / node.text()
    if not path.is_file():
        raise node.wrong(f"there is no file {path}; must be a PEM file")
    return str(path)
