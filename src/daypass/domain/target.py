"""What can be reached: a target, its roles, and the login that a role stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Effect(StrEnum):
    """The most that a role, or a statement, can do: each more than those before it."""

    READ = "read"
    WRITE = "write"
    DDL = "ddl"
    ADMIN = "admin"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is (`env`, `file`, `vault`, `aws`, `sealed`), never the secret."""

    source: str
    name: str


@dataclass(frozen=True, slots=True)
class TargetRole:
    """One way into a target. `dangerous` admits a login that could become anybody (superuser and the like).

    `member_of`: its logins are ephemeral, one made for each grant as a member of these roles of the target. `login`:
    they are lent by Vault's database engine. `user` is empty then.
    """

    name: str
    user: str
    password: SecretRef | None
    effect: Effect
    dangerous: bool = False
    member_of: tuple[str, ...] = ()
    login: SecretRef | None = None

    @property
    def lent(self) -> bool:
        """Whether each grant has a login of its own."""
        return bool(self.member_of) or self.login is not None


_RANKS = {Effect.READ: 0, Effect.WRITE: 1, Effect.DDL: 2, Effect.ADMIN: 3}


def less(role: TargetRole, than: TargetRole) -> bool:
    """Whether a role can surely do less than another: what the other can do at most is more."""
    known = role.effect in _RANKS and than.effect in _RANKS
    return known and _RANKS[role.effect] < _RANKS[than.effect] and not (role.dangerous and not than.dangerous)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The login that makes and takes away ephemeral logins at a target. No session ever opens with it."""

    user: str
    password: SecretRef | None


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
    maintenance: Maintenance | None = None
    """Needed where a role has `member_of`."""
    idle_ms: int | None = None
    """How long a session's client may say nothing while nothing of it is at work; None: as its policy says."""
    reassign_to: str | None = None
    """Who gets what an ephemeral login leaves behind; None: the first role that it was a member of."""
    owners: tuple[str, ...] = ()
    """Who answers for it (`group:NAME` or addresses): they see what is asked for here, and may end it. No decision is
    theirs by that."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens a target for one session. Lives in memory only; `password` is never shown or logged.

    `ender` is the login that ends its work at the target, where it is another one: an ephemeral login cannot sign in
    any more when it is needed most, at its deadline. `spare` is one that may end it as well, for when its own is kept
    from that.
    """

    user: str
    password: str | None = field(default=None, repr=False)
    ender: Credential | None = None
    spare: Credential | None = None
