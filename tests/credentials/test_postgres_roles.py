"""Logins are made for one grant, open what their roles open, and are gone afterwards with all that was theirs."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from daypass.credentials.logins import login_name, password
from daypass.credentials.postgres_roles import PostgresRoles
from daypass.domain.errors import Unavailable
from tests.credentials.conftest import KEEPER, Place


async def test_a_login_is_what_its_roles_are_until_the_deadline(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    issued = await roles.issue(lease)
    assert issued.made and not issued.changed
    assert issued.credential.user == login_name(lease.grant)
    assert issued.credential.ender is not None and issued.credential.ender.user == KEEPER
    assert issued.credential.password is not None and issued.credential.password not in repr(issued)
    with place.connect(lease) as session:
        session.execute("update orders set note = note where id = 1")
        assert session.execute("select count(*) from orders").fetchone() == (30_000,)
    ((until, limit, can),) = place.orders(
        "select (extract(epoch from rolvaliduntil) * 1000)::bigint, rolconnlimit, rolcanlogin"
        " from pg_roles where rolname = %s",
        issued.credential.user,
    )
    assert (until, limit, can) == (lease.expires_at, 200, True)


async def test_the_password_is_in_no_statement(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    place.server.setting("password_encryption", "md5")
    try:
        await roles.issue(lease)
    finally:
        place.server.setting("password_encryption", None)
    said = "\n".join(place.server.statements())
    assert login_name(lease.grant) in said and password(lease.key) not in said
    ((kept,),) = place.orders("select rolpassword from pg_authid where rolname = %s", login_name(lease.grant))
    assert kept.startswith("SCRAM-SHA-256$")


async def test_asking_again_makes_nothing_new(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    first = await roles.issue(lease)
    again = await roles.issue(lease)
    other = PostgresRoles()
    elsewhere = await other.issue(lease)  # another node, or this one after a crash
    await other.close()
    assert (again.made, elsewhere.made, elsewhere.changed) == (False, False, ())
    assert first.credential == again.credential == elsewhere.credential
    place.connect(lease).close()


async def test_a_deadline_moves(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    later = replace(lease, expires_at=lease.expires_at + 60_000)
    await roles.extend(later)
    said = "select (extract(epoch from rolvaliduntil) * 1000)::bigint from pg_roles where rolname = %s"
    assert place.orders(said, login_name(lease.grant)) == [(later.expires_at,)]


async def test_after_the_deadline_nobody_signs_in(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease(expires_at=1_000_000)
    await roles.issue(lease)
    with pytest.raises(psycopg.OperationalError):
        place.connect(lease)


async def test_a_login_goes_with_its_open_sessions_and_their_work(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    session = place.connect(lease)
    session.autocommit = False
    session.execute("update orders set note = 'unfinished' where id = 7")
    gone = await roles.withdraw(lease)
    assert gone.problem == ""
    assert gone.evidence["terminated"] == 1 and gone.evidence["backends_left"] == 0
    assert list(gone.steps) == [
        "logins_refused", "terminated", "prepared_rolled_back", "reassigned", "dropped", "credential_read_back",
    ]  # fmt: skip
    assert login_name(lease.grant) not in place.roles()
    with pytest.raises(psycopg.OperationalError):
        session.execute("select 1")
    assert place.orders("select note from orders where id = 7") == [(None,)]
    with pytest.raises(psycopg.OperationalError):
        place.connect(lease)


async def test_what_it_owns_goes_to_its_role_in_every_database(place: Place, roles: PostgresRoles) -> None:
    place.server.execute("create database second")
    place.server.execute("grant create on schema public to app_rw", database="second")
    lease = place.lease()
    await roles.issue(lease)
    name = login_name(lease.grant)
    with place.connect(lease) as session:
        session.execute("create table leftover (n int); create schema mine; create view mine.all_of as table leftover")
        session.execute("create function sneaky() returns text language sql security definer as 'select user::text'")
        session.execute("grant select on leftover to public")
        session.execute("alter default privileges grant select on tables to app_ro")
    with psycopg.connect(place.server.url(name, "second").replace(place.server.password, password(lease.key))) as other:
        other.execute("create table there (n int)")
    gone = await roles.withdraw(lease)
    assert gone.problem == ""
    assert gone.evidence["databases"] == 2 and gone.evidence["objects_reassigned"] >= 5
    assert gone.left[0] == "function public.sneaky() (it runs with its owner's rights) now belongs to app_rw"
    named = {f"{what} now belongs to app_rw" for what in ("schema mine", "view mine.all_of", "table public.leftover")}
    assert {*named, "table public.there in second now belongs to app_rw"} < set(gone.left)
    owner = "select relowner::regrole::text from pg_class where relname = %s"
    assert place.orders(owner, "leftover") == [("app_rw",)]
    assert place.server.execute(owner, "there", database="second") == [("app_rw",)]
    assert place.orders("select sneaky()") == [("app_rw",)]
    place.orders("drop view mine.all_of; drop schema mine; drop table leftover; drop function sneaky()")
    place.server.execute("drop database second")
    assert name not in place.roles()


async def test_a_named_heir_gets_it(place: Place, roles: PostgresRoles) -> None:
    place.server.psql(f"create role heir; grant heir to {KEEPER} with admin option", database="orders")
    lease = place.lease()
    lease = replace(lease, target=replace(place.target, reassign_to="heir"))
    await roles.issue(lease)
    with place.connect(lease) as session:
        session.execute("create table willed (n int)")
    assert (await roles.withdraw(lease)).problem == ""
    assert place.orders("select relowner::regrole::text from pg_class where relname = 'willed'") == [("heir",)]
    place.orders("drop table willed; drop role heir")


async def test_what_it_prepared_is_rolled_back(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    with place.connect(lease) as session:
        session.execute("begin")
        session.execute("update orders set note = 'prepared' where id = 9")
        session.execute(r"prepare transaction 'it''s \ mine'")
    gone = await roles.withdraw(lease)
    assert gone.problem == ""
    assert gone.evidence["prepared_rolled_back"] == 1
    assert place.orders("select count(*) from pg_prepared_xacts") == [(0,)]
    assert place.orders("select note from orders where id = 9") == [(None,)]


async def test_withdrawing_twice_and_what_never_was(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    assert (await roles.withdraw(lease)).problem == ""
    await roles.issue(lease)
    assert (await roles.withdraw(lease)).problem == ""
    again = await roles.withdraw(lease)
    assert again.problem == "" and "dropped" not in again.steps


async def test_an_open_session_of_a_dropped_role_is_found(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    with place.connect(lease) as session:
        mark = session.execute(
            "select pid::text, usesysid::text from pg_stat_activity where pid = pg_backend_pid()"
        ).fetchone()
        assert mark is not None
        place.orders(f"drop owned by {login_name(lease.grant)}; drop role {login_name(lease.grant)}")
        assert session.execute("select 1").fetchone() == (1,)  # it can go on
        gone = await roles.withdraw(replace(lease, marks=({"pid": mark[0], "usesysid": mark[1]},)))
        assert gone.problem == "" and gone.evidence["terminated"] == 1
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")


async def test_what_cannot_be_handed_on_is_said_and_tried_again(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    await roles.issue(lease)
    with place.connect(lease) as session:
        session.execute("create table held (n int)")
    with psycopg.connect(place.server.url("admin", "orders")) as other:
        other.execute("lock table held")
        blocked = await roles.withdraw(lease)
        assert "handing on what it owns in orders" in blocked.problem
    assert (await roles.withdraw(lease)).problem == ""
    place.orders("drop table held")


async def test_roles_that_a_session_makes_or_changes_are_found(place: Place, roles: PostgresRoles) -> None:
    place.server.execute("create role climber createrole; create role victim login valid until '2020-01-01'")
    lease = place.lease("any")
    issued = await roles.issue(lease)
    assert "victim" in issued.before
    name = login_name(lease.grant)
    # The server lets nobody give himself this power: somebody who has it does.
    place.server.execute(f'alter role "{name}" createrole')
    version = int(place.orders("show server_version_num")[0][0]) // 10_000
    if version >= 16:
        place.server.execute(f'grant victim to "{name}" with admin option')
    with place.connect(lease) as session:
        session.execute("create role mallory login password 'x'")
        session.execute("alter role victim valid until 'infinity'")
    gone = await roles.withdraw(replace(lease, before=issued.before))
    assert gone.problem == ""
    left = " | ".join(gone.left)
    assert "role mallory was made: login" in left
    assert "role victim was changed" in left and "until infinity" in left
    place.server.execute("drop role mallory; drop role victim; drop role climber")


async def test_a_server_that_is_gone_is_said_to_be(place: Place, roles: PostgresRoles) -> None:
    lease = place.lease()
    nowhere = replace(lease, target=replace(place.target, name="nowhere", port=1))
    with pytest.raises(Unavailable):
        await roles.issue(nowhere)
    assert "nowhere, as keeper" in (await roles.withdraw(nowhere)).problem
