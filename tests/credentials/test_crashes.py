"""Whatever step the power fails at, the next attempt finishes: nothing stays open, nothing is half made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from daypass.credentials.interface import Lease
from daypass.credentials.logins import login_name
from daypass.credentials.postgres_roles import PostgresRoles
from daypass.credentials.servers import Failed, PostgresServer
from daypass.domain.errors import Unavailable
from daypass.domain.target import Credential, Target
from tests.credentials.conftest import Place

STEPS_MAX = 60
"""More than either way takes; reaching it means that the failure was never reached."""


@dataclass
class Power:
    """Fails at the `at`-th step, before it reaches the server (`after`: once it has)."""

    at: int
    after: bool = False
    steps: int = 0

    def serve(self, target: Target, login: Credential) -> PostgresServer:
        return Frail(target, login, self)

    @property
    def failed(self) -> bool:
        return self.steps >= self.at


class Frail(PostgresServer):
    """The real server, until the power fails."""

    def __init__(self, target: Target, login: Credential, power: Power) -> None:
        super().__init__(target, login)
        self._power = power

    def _step(self, after: bool) -> None:
        self._power.steps += not after
        if self._power.steps == self._power.at and self._power.after is after:
            raise Failed("the power failed")

    async def rows(self, sql: str, *values: Any) -> Sequence[Sequence[Any]]:
        self._step(False)
        found = await super().rows(sql, *values)
        self._step(True)
        return found

    async def together(self, statements: Sequence[str]) -> None:
        self._step(False)
        await super().together(statements)
        self._step(True)

    async def apart(self, database: str, statements: Sequence[str], asked: str = "") -> Sequence[Sequence[Any]]:
        rows = await super().apart(database, (), asked)
        for statement in statements:
            self._step(False)
            await super().apart(database, _with_role(statements, statement))
            self._step(True)
        return rows


def _with_role(statements: Sequence[str], statement: str) -> Sequence[str]:
    """One statement alone, as the role that the earlier ones set."""
    first = statements[0]
    return [first, statement] if first.startswith("SET ROLE") and statement != first else [statement]


def _busy(place: Place, lease: Lease) -> psycopg.Connection[Any]:
    """An open session that leaves everything behind that a session can."""
    session = place.connect(lease)
    session.execute("create table if not exists crumbs (n int)")
    session.execute("begin")
    session.execute("update orders set note = 'prepared' where id = 11")
    session.execute(f"prepare transaction 'crumbs {lease.grant}'")
    session.execute("begin")
    session.execute("update orders set note = 'open' where id = 12")
    return session


@pytest.mark.parametrize("after", [False, True])
async def test_a_failure_at_any_step_of_withdrawing(place: Place, roles: PostgresRoles, after: bool) -> None:
    for at in range(1, STEPS_MAX):
        lease = place.lease()
        await roles.issue(lease)
        session = _busy(place, lease)
        power = Power(at, after)
        frail = PostgresRoles(power.serve)
        first = await frail.withdraw(lease)
        await frail.close()
        if power.failed:
            assert "the power failed" in first.problem
            assert (await roles.withdraw(lease)).problem == ""  # another process, with nothing remembered
        assert login_name(lease.grant) not in place.roles()
        assert place.orders("select count(*) from pg_prepared_xacts") == [(0,)]
        assert place.orders("select count(*) from orders where note is not null") == [(0,)]
        assert place.orders("select relowner::regrole::text from pg_class where relname = 'crumbs'") == [("app_rw",)]
        with pytest.raises(psycopg.Error):
            session.execute("select 1")
        place.orders("drop table crumbs")
        if not power.failed:
            assert first.problem == ""
            return
    raise AssertionError("withdrawing never got to its end")


@pytest.mark.parametrize("after", [False, True])
async def test_a_failure_at_any_step_of_issuing(place: Place, roles: PostgresRoles, after: bool) -> None:
    for at in range(1, STEPS_MAX):
        lease = place.lease("any")
        power = Power(at, after)
        frail = PostgresRoles(power.serve)
        if not await _issued(frail, lease):
            assert (await roles.issue(lease)).changed == ()
        await frail.close()
        place.connect(lease).close()
        assert (await roles.withdraw(replace(lease, before=""))).problem == ""
        assert login_name(lease.grant) not in place.roles()
        if not power.failed:
            return
    raise AssertionError("issuing never got to its end")


async def _issued(roles: PostgresRoles, lease: Lease) -> bool:
    try:
        await roles.issue(lease)
    except Unavailable:
        return False
    return True
