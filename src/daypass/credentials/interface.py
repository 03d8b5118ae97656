"""What opens a target: all that services ask of this room, in no protocol's terms.

A role's login is static (it is there already; only its secret is read) or ephemeral (made for one grant, taken away at
its end). Whoever asks need not know which: `issue` before a session dials, `withdraw` when the grant is over, `drift`
now and then. Everything here may be asked twice, by two nodes at once, and after a crash half way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from typing import Protocol as Interface

from daypass.domain.target import Credential, Target, TargetRole

KEY_BYTES = 32
"""The key of a lease: what a login's password is made from."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One grant's claim to a login until `expires_at` (ms since 1970).

    `key` is a secret of this grant alone, the same on every node. `marks` are the grant's sessions at the target, those
    that are over too when it is withdrawn; `opening` says that one of them is being opened and has no mark yet.
    `before` is what `issue` said of the target as it was then; `prepared` are names of transactions that its sessions
    are on record to have prepared there.
    """

    grant: str
    target: Target
    role: TargetRole
    expires_at: int
    key: bytes = field(repr=False)
    marks: tuple[Mapping[str, str], ...] = ()
    opening: bool = False
    before: str = ""
    prepared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A login that can be used. `made`: it was not there before. `changed`: what somebody else had changed about it,
    and was put right. `before`: what to hand to `withdraw` as the lease's `before`."""

    credential: Credential
    made: bool = False
    changed: tuple[str, ...] = ()
    before: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What came of taking a login away. `steps` maps step names, in order, to milliseconds since it began; `evidence`
    is counts; `left` is what was found to stay behind and is not ours to remove; `problem` says why it could not be
    shown that the login opens nothing more (empty: it was shown)."""

    steps: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, int] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about ephemeral logins that nobody of ours did.

    `orphan`: a login that no lease is for; `changed`: a login that somebody else changed; `missing`: one that somebody
    else took away; `stranger`: a connection under such a login that no gateway opened (it was terminated).
    """

    kind: Literal["orphan", "changed", "missing", "stranger"]
    user: str
    grant: str | None
    what: str


class Credentials(Interface):
    """Finds or makes the login for a role at the moment that it is needed, and keeps it no longer than that."""

    async def resolve(self, target: Target, role: str) -> Credential:
        """The login that ends this role's work; for a static role, the one that opens its sessions too. Raises
        `Unavailable` if it cannot be had; never says what it is."""

    def lasting(self, target: Target) -> bool:
        """Whether sessions may leave work there that outlives them, which `withdraw` has to know from the record."""

    async def issue(self, lease: Lease) -> Issued:
        """The login that opens this lease's sessions, made if it is not there, good until the lease's deadline.
        Raises `Unavailable` if it cannot be had."""

    async def extend(self, lease: Lease) -> None:
        """The lease's deadline moved: let its login, if there is one, be good until then. Raises `Unavailable`."""

    async def withdraw(self, lease: Lease) -> Withdrawal:
        """Take the login away, or show that a static one still is what we know. Raises nothing: what could not be
        done or shown is the withdrawal's `problem`, and the same call tries it again."""

    async def drift(self, target: Target, leases: Sequence[Lease], *, whole: bool) -> Sequence[Finding]:
        """What is not as these live leases of the target have it. `whole`: sign in with each as well, which shows
        whether its password still is ours. Raises `Unavailable`."""

    async def close(self) -> None:
        """Let go of connections."""
