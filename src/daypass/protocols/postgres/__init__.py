"""PostgreSQL's protocol, versions 3.0 and 3.2 (PostgreSQL documentation, "Frontend/Backend Protocol").

This file is what the other rooms see of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from daypass.domain.errors import Invalid
from daypass.domain.scope import Scope
from daypass.domain.statement import Analysis, Value
from daypass.domain.target import Target
from daypass.protocols.console import Console
from daypass.protocols.ending import Ender
from daypass.protocols.interface import ConnectHelp, Limits, Session
from daypass.protocols.postgres import analyse, connect, rows, scope, shape
from daypass.protocols.postgres.console import PostgresConsole
from daypass.protocols.postgres.ender import PostgresEnder
from daypass.protocols.postgres.session import ALLOW_PREPARE_TRANSACTION, PostgresSession
from daypass.protocols.postgres.startup import Entrance


class Postgres:
    """See `protocols.interface.Protocol`."""

    name = "postgres"
    title = "PostgreSQL"
    port = 8432
    target_port = 5432
    event = "statement"

    def session(self, *, entropy: bytes, tls: bool, plain: bool, limits: Limits) -> Session:
        return PostgresSession(Entrance(entropy, tls, plain), limits)

    def ender(self) -> Ender:
        return PostgresEnder()

    def console(self, *, person: str, target: str, role: str | None, token: str, entropy: bytes) -> Console | None:
        return PostgresConsole(person, f"{target}:{role}" if role else target, token, entropy)

    def check(self, target: Target) -> None:
        """A target needs a database and one of the TLS modes; of options there is one."""
        if not target.database:
            raise Invalid(f"target {target.name}: database is missing", hint="Name the database to connect to.")
        if ":" in target.name:
            raise Invalid(f"target {target.name}: a name cannot hold a colon", hint="The colon separates the role.")
        if target.tls not in ("disable", "require", "verify-full"):
            raise Invalid(f"target {target.name}: tls is {target.tls}", hint="Use disable, require or verify-full.")
        for key, value in target.options.items():
            if key == ALLOW_PREPARE_TRANSACTION:
                if not isinstance(value, bool):
                    raise Invalid(f"target {target.name}: {key} is {value!r}", hint="Use true or false.")
                continue
            raise Invalid(f"target {target.name}: unknown key {key}", hint="Remove it, or correct its spelling.")

    def scope(self, names: Sequence[str]) -> Scope:
        return scope.read_scope(names)

    def analyse(self, text: str) -> Analysis:
        return analyse.analyse(text)

    def shape(self, text: str) -> str:
        return shape.shape(text)

    def values(self, packed: bytes) -> tuple[Value, ...]:
        return rows.unpack_values(packed)

    def rows(self, packed: bytes) -> tuple[tuple[str | None, ...], ...]:
        return rows.unpack_rows(packed)

    def connect(
        self, *, host: str, port: int, person: str, target: str, role: str | None, token: str, ca: str | None
    ) -> ConnectHelp:
        return connect.connect_help(host=host, port=port, person=person, target=target, role=role, token=token, ca=ca)


POSTGRES = Postgres()
