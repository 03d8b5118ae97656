"""A static login is shown to be what we know at a grant's end, by signing in with it afresh."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from daypass.credentials.kinds import all_credentials
from tests.credentials.conftest import Place

MARKS = ({"pid": "1"},)


async def test_a_login_that_is_what_we_know(place: Place) -> None:
    done = await all_credentials().withdraw(place.lease("static", marks=MARKS))
    assert done.problem == "" and list(done.steps) == ["signed_in_afresh"]


async def test_a_password_that_the_session_changed(place: Place) -> None:
    with psycopg.connect(place.server.url("app_rw", "orders"), autocommit=True) as session:
        session.execute("alter role app_rw password 'mine now'")
    done = await all_credentials().withdraw(place.lease("static", marks=MARKS))
    assert "login app_rw is not what we know any more" in done.problem
    place.orders(f"alter role app_rw password '{place.server.password}'")
    assert (await all_credentials().withdraw(place.lease("static", marks=MARKS))).problem == ""


async def test_a_transaction_that_was_prepared_meanwhile_is_told_of(place: Place) -> None:
    """Sessions may prepare none: one that is there all the same is an application's, or came past us."""
    with psycopg.connect(place.server.url("app_rw", "orders"), autocommit=True) as session:
        session.execute("begin; update orders set note = 'kept' where id = 1; prepare transaction 'meanwhile'")
        try:
            done = await all_credentials().withdraw(place.lease("static", marks=MARKS))
            assert (done.problem, done.left) == ("", ("prepared transaction meanwhile in orders",))
        finally:
            session.execute("rollback prepared 'meanwhile'")


async def test_what_never_reached_the_target_is_not_looked_at(place: Place) -> None:
    lease = place.lease("static")
    nowhere = replace(lease, target=replace(place.target, port=1))
    assert (await all_credentials().withdraw(nowhere)).problem == ""
    assert "as app_rw" in (await all_credentials().withdraw(replace(nowhere, marks=MARKS))).problem
