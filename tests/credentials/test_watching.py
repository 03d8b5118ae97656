"""Drift is found: logins that nobody has a grant for, changed ones, connections that no gateway opened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from daypass.credentials.interface import Lease
from daypass.credentials.logins import login_name
from daypass.credentials.postgres_roles import PostgresRoles
from daypass.credentials.watching import SETTLE_SECONDS
from daypass.protocols.postgres.upstream import start_time
from tests.credentials.conftest import Place


async def look(place: Place, roles: PostgresRoles, *leases: Lease, whole: bool = True) -> list[tuple[str, str, str]]:
    found = await roles.drift(place.target, leases, whole=whole)
    return [(one.kind, one.user, one.what) for one in found]


def mark(session: psycopg.Connection[Any]) -> dict[str, str]:
    """What a gateway knows a session by."""
    sql = f"select a.pid, {start_time('a')}, a.usesysid from pg_stat_activity a where a.pid = pg_backend_pid()"
    row: Sequence[Any] = session.execute(sql).fetchone() or ()  # type: ignore[arg-type]
    return dict(zip(("pid", "backend_start", "usesysid"), map(str, row), strict=True))


async def test_nothing_is_found_where_nothing_is_wrong(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    assert await look(place, roles, lease) == []  # its login is made when its first session comes
    await roles.issue(lease)
    assert await look(place, roles, lease) == []


async def test_an_orphan(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    (found,) = await roles.drift(place.target, (), whole=False)
    assert (found.kind, found.grant) == ("orphan", lease.grant)


async def test_a_login_that_was_taken_away(place: Place, roles: PostgresRoles) -> None:
    lease = replace(place.lease(), marks=({"pid": "1", "backend_start": "1", "usesysid": "1"},))
    assert [kind for kind, _, _ in await look(place, roles, lease)] == ["missing"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("alter role {} valid until 'infinity'", "it is valid after its deadline"),
        ("alter role {} createrole createdb", "it has createrole; it has createdb"),
        ("alter role {} connection limit -1", "its connection limit is -1"),
        ("grant app_ro to {}", "it is a member of app_ro"),
        ("revoke app_rw from {} granted by keeper", "it is no member of app_rw"),
        ("grant {} to app_ro", "app_ro is a member of it"),
        ("alter role {} nologin", "it cannot log in"),
        ("alter role {} password 'other'", "its password is not ours"),
    ],
)
async def test_a_changed_login_is_found_and_put_right(
    place: Place, roles: PostgresRoles, change: str, what: str
) -> None:
    lease = place.lease()
    await roles.issue(lease)
    name = login_name(lease.grant)
    place.orders(change.format(name))
    if "createrole" in change or "grant" in change or "revoke" in change:
        # A maintenance login with fewer powers than who changed it cannot undo that: only found then.
        assert what in (await look(place, roles, lease))[0][2]
        return
    assert await look(place, roles, lease) == [("changed", name, what)]
    await roles.extend(lease)
    assert await look(place, roles, lease) == []


async def test_a_password_is_looked_at_in_whole_looks_only(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    with place.connect(lease) as session:
        session.execute("alter role current_user password 'mine'")  # the server cannot refuse this
    assert await look(place, roles, lease, whole=False) == []
    assert await look(place, roles, lease) != []


async def test_a_connection_that_no_gateway_opened_is_terminated(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    with place.connect(lease) as ours, place.connect(lease) as stranger:
        known = replace(lease, marks=(mark(ours),))
        assert await look(place, roles, known) == []  # too young: it may be one that is just being opened
        await asyncio.sleep(SETTLE_SECONDS + 1)
        assert await look(place, roles, replace(known, opening=True)) == []
        ((kind, user, what),) = await look(place, roles, known)
        assert (kind, user) == ("stranger", login_name(lease.grant))
        assert "from 127.0.0.1 was terminated" in what
        with pytest.raises(psycopg.OperationalError):
            stranger.execute("select 1")
        assert ours.execute("select 1").fetchone() == (1,)
