"""What can be reached: a target, its roles, and the login that a role stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Effect(StrEnum):
    """The most that a role, or a statement, can do."""

    READ = "read"
    WRITE = "write"
    DDL = "ddl"
    ADMIN = "admin"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is (`env` or `file`), never the secret."""

    source: str
    name: str


@dataclass(frozen=True, slots=True)
class TargetRole:
    """One way into a target. `dangerous` admits a login that could become anybody (superuser and the like)."""

    name: str
    user: str
    password: SecretRef | None
    effect: Effect
    dangerous: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A production system. `options` are the keys that only its protocol knows (it checks them)."""

    name: str
    protocol: str
    host: str
    port: int
    database: str
    labels: Mapping[str, str]
    roles: Mapping[str, TargetRole]
    tls: str = "disable"
    """`disable`, `require` or `verify-full`."""
    tls_ca: str | None = None
    record: str = "statements"
    """`statements`, or `results` to keep the rows that the client saw as well."""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens a target for one session. Lives in memory only; `password` is never shown or logged."""

    user: str
    password: str | None = field(default=None, repr=False)
