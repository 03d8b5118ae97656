"""Access that is limited inside its target, by real clients on real servers: what is outside cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daypass.cli.demo.gateway import ANA, BEN
from tests.servers.daypass import Daypass


@pytest.fixture
def limited(daypass: Daypass) -> Iterator[Daypass]:
    """Ana may read, of two tables that she asked for, the one that Ben let her."""
    asked = daypass.object(
        ANA, "request", "orders", "--role", "read", "--for", "10m", "--reason", "a look",
        "--scope", "public.orders", "--scope", "public.customers",
    )  # fmt: skip
    if asked["state"] == "PENDING":
        daypass.say(BEN, "approve", asked["id"], "--scope", "public.orders")
    shown = daypass.object(ANA, "show", asked["id"])
    yield daypass
    daypass.say(ANA, "return", shown["grant"])


def refused(daypass: Daypass, *statements: str) -> str:
    done = daypass.psql(*statements, target="orders:read")
    assert done.returncode, done.stdout
    return done.stderr


def test_inside_works_and_outside_does_not(limited: Daypass) -> None:
    done = limited.psql("select count(*) from orders", r"\d orders", "discard all", "select 1", target="orders:read")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "30000"), done.stderr
    said = refused(limited, "select * from payments")
    assert "limited to" in said and "payments may be public.payments, which is not within it" in said


@pytest.mark.parametrize(
    "statements",
    [
        ("set search_path = pg_catalog",),
        ("do $$ begin perform * from public.payments; end $$",),
        ("prepare p as select * from public.payments", "execute p"),
        ("select query_to_xml('select * from payments', true, true, '')",),
        ("copy (select * from public.payments) to stdout",),
        ("update pg_settings set setting = 'x' where name = 'search_path'",),
    ],
)
def test_no_way_around(limited: Daypass, statements: tuple[str, ...]) -> None:
    assert "limited to" in refused(limited, *statements)


def test_nor_by_what_a_client_says_at_its_start(limited: Daypass) -> None:
    for env in ({"PGOPTIONS": "-c search_path=pg_catalog"}, {"PGCLIENTENCODING": "SJIS"}):
        done = limited.psql("select 1", target="orders:read", env=env)
        assert done.returncode and "cannot set" in done.stderr
