"""`daypass check` says what is wrong with a target that lends logins, and prints the pg_hba.conf lines."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from daypass.credentials.checking import check_target
from daypass.credentials.logins import GATE
from daypass.credentials.postgres_roles import PostgresRoles
from daypass.credentials.secrets.sources import Secrets
from daypass.domain.target import Effect, TargetRole
from tests.credentials.conftest import Place


def with_role(place: Place, *member_of: str, dangerous: bool = False) -> Place:
    role = TargetRole("r", "", None, Effect.WRITE, dangerous=dangerous, member_of=member_of)
    return replace(place, target=replace(place.target, roles={"r": role}))


def old(place: Place) -> bool:
    return int(place.orders("show server_version_num")[0][0]) < 160_000


@pytest.mark.parametrize(
    ("made", "danger"),
    [
        ("create role danger createrole", "danger (CREATEROLE)"),
        ("create role danger replication", "danger (REPLICATION)"),
        ("create role danger bypassrls", "danger (BYPASSRLS)"),
        ("create role danger superuser", "danger (SUPERUSER)"),
        ("create role danger; grant pg_signal_backend to danger", "pg_signal_backend (pg_signal_backend)"),
        ("create role danger; grant pg_write_server_files to danger", "pg_write_server_files (pg_write_server_files)"),
    ],
)
async def test_a_closure_that_holds_too_much_is_refused(place: Place, made: str, danger: str) -> None:
    place.server.psql(f"{made}; create role innocent; grant danger to innocent")
    try:
        found = await check_target(with_role(place, "innocent").target, Secrets())
        assert any(danger in problem for problem in found.problems)
        allowed = await check_target(with_role(place, "innocent", dangerous=True).target, Secrets())
        assert not any("danger" in problem for problem in allowed.problems)
    finally:
        place.server.psql("drop role innocent; drop role danger")


async def test_subscriptions_outlive_their_session(place: Place) -> None:
    if old(place):  # there is no such role before version 16
        return
    found = await check_target(with_role(place, "pg_create_subscription").target, Secrets())
    assert any("pg_create_subscription" in problem for problem in found.problems)


async def test_a_good_target_gets_lines_that_let_only_the_gateway_in(place: Place, roles: PostgresRoles) -> None:
    place.server.execute(f"create role {GATE} nologin")
    try:
        found = await check_target(with_role(place, "app_rw").target, Secrets())
        assert found.problems == ()
        assert found.pg_hba[0].split()[-2:] == ["127.0.0.1/32", "scram-sha-256"]
        assert bool(found.warnings) is old(place)  # app_rw has a login of its own
        lease = place.lease()
        await roles.issue(lease)
        place.server.hba(*found.pg_hba, "host all all 127.0.0.1/32 scram-sha-256")
        place.connect(lease).close()
        elsewhere = (line.replace("127.0.0.1", "10.9.9.9") for line in found.pg_hba)
        place.server.hba(*elsewhere, "host all all 127.0.0.1/32 scram-sha-256")
        with pytest.raises(psycopg.OperationalError, match="pg_hba"):
            place.connect(lease)
        assert (await roles.withdraw(lease)).problem == ""
    finally:
        place.server.hba("host all all 127.0.0.1/32 scram-sha-256")
        place.server.execute(f"drop role if exists {GATE}")


async def test_what_the_maintenance_login_lacks_is_named(place: Place) -> None:
    place.server.execute("create role distant")
    try:
        found = await check_target(with_role(place, "distant", "nobody").target, Secrets())
        assert "role r: there is no role nobody at orders" in found.problems
        assert any('GRANT "distant" TO "keeper" WITH ADMIN OPTION' in problem for problem in found.problems)
    finally:
        place.server.execute("drop role distant")


async def test_a_static_login_whose_work_the_maintenance_login_could_not_end_is_named(place: Place) -> None:
    place.server.execute("create role apart login")
    try:
        static = TargetRole("r", "apart", None, Effect.WRITE)
        found = await check_target(replace(place.target, roles={"r": static}), Secrets())
        assert found.problems == () and found.pg_hba == ()
        (warned,) = found.warnings
        assert warned.endswith('GRANT pg_signal_backend, pg_read_all_stats TO "keeper"')
        ours = TargetRole("r", "app_rw", None, Effect.WRITE)  # which keeper is a member of
        assert (await check_target(replace(place.target, roles={"r": ours}), Secrets())).warnings == ()
    finally:
        place.server.execute("drop role apart")
