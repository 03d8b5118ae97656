"""Traits, values, rows, connect help and settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.errors import Invalid
from daypass.domain.statement import Value
from daypass.protocols.postgres import POSTGRES, messages
from daypass.protocols.postgres.rows import pack_rows, unpack_rows, unpack_values
from daypass.protocols.postgres.traits import (
    GLANCED_BYTES_MAX,
    NOTHING,
    OPAQUE,
    PARSED_BYTES_MAX,
    SCANNED_BYTES_MAX,
    Change,
    Traits,
    traits,
)
from tests.protocols.postgres.client import opened


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"select 1", NOTHING),
        (b"select count(*), pg_catalog.lower(x) from t where a in (1)", NOTHING),
        (b"insert into t(a) values (1) on conflict do nothing", NOTHING),
        (b"select do, prepare from x", OPAQUE),
        (b"select theirs(1)", Traits(opaque=True)),
        (b"select public.lower('x')", Traits(opaque=True)),
        (b"select theirs/**/(1)", OPAQUE),
        (b"select theirs -- into t\n(1)", OPAQUE),
        (b"select 1 + -- into\ntheirs(1)", OPAQUE),
        (b'select "x count"(1)', OPAQUE),
        (b'select "x into count"(1)', OPAQUE),
        (b'select "COUNT"(1)', OPAQUE),
        (b'select "count"(1)', NOTHING),
        (b"select u&\"the!0069rs\" uescape '!' (1)", OPAQUE),
        (b"select sx . count(1)", OPAQUE),
        (b"select sx. count(1)", OPAQUE),
        (b"select sx .count(1)", OPAQUE),
        (b"select sx./**/count(1)", OPAQUE),
        (b"select pg_catalog . count(1) /* (x) */", NOTHING),
        (b'insert into "p"."t" ("a") values (\'Hello. World (1)\')', NOTHING),
        (b"select trim(a at time zone 'utc'), a like b escape '!', a is nfc normalized -- (", NOTHING),
        (b"fetch 10 from c", Traits(fetches=True)),
        (b"fetch first from c", Traits(fetches=True)),
        (b"select a from t fetch first $1 rows only", NOTHING),
        (b"move c", Traits(fetches=True)),
        (b"select moved from t", NOTHING),
        (b"do $$ begin end $$", Traits(opaque=True)),
        (b"call p(1)", Traits(opaque=True)),
        (b"insert into t values (domain(1))", Traits(opaque=True)),
        (b'prepare "P" (int) as select $1', Traits((Change("PREPARE", b"P", b"select $1"),))),
        (b"prepare p as with x as (table y) table x; execute p",
         Traits((Change("PREPARE", b"p", b"with x as (table y) table x"),))),
        (b"explain analyze execute p(1)", Traits(executes=(b"p",))),
        (b"create table t as execute p", Traits(executes=(b"p",))),
        (b"deallocate p", Traits((Change("DEALLOCATE", b"p", None),))),
        (b"deallocate all", Traits((Change("DEALLOCATE ALL", None, None),))),
        (b"discard all", Traits((Change("DISCARD ALL", None, None),))),
        (b"discard plans", Traits()),
        (b"select 'execute p'", Traits()),
        (b"execute \xff", OPAQUE),
    ],
)  # fmt: skip
def test_traits(text: bytes, found: Traits) -> None:
    assert traits(text) == found


LONG = b"/*" + b"x" * PARSED_BYTES_MAX + b"*/"
LONGER = LONG + b" " * SCANNED_BYTES_MAX


@pytest.mark.parametrize(
    ("text", "changes", "executes"),
    [
        (b"prepare big as select 1", [(b"big", b"select 1" + LONG)], ()),
        (b'-- as\nPREPARE "B""g" (int, numeric(4, 2))As select $1', [(b'B"g', b"select $1" + LONG)], ()),
        (b"/* as */ Execute/**/Big(';execute x;')", [], (b"big",)),
        (b"select 'x;\nprepare big as select 1'", [], ()),
        (b"execute u&\"d!0061\" uescape '!'", [], ()),
    ],
)
def test_names_of_a_text_that_is_too_long_to_be_parsed(
    text: bytes, changes: list[tuple[bytes, bytes]], executes: tuple[bytes, ...]
) -> None:
    found = Traits(tuple(Change("PREPARE", *one) for one in changes), executes, opaque=True)
    assert traits(text + LONG) == found
    assert traits(text + LONGER) == found


def bound(types: bytes, values: list[bytes | None], formats: list[int]) -> bytes:
    return types + messages.bind(b"", b"", values, formats)[7:]


def test_values_are_text_where_their_type_is() -> None:
    types = b"\0\x03" + b"\0\0\0\x19" + b"\0\0\0\x17" + b"\0\0\0\x19"
    assert unpack_values(bound(types, ["hé".encode(), b"\0\0\0\x01", None], [1, 1, 1])) == (
        Value(text="hé"),
        Value(base64="AAAAAQ=="),
        Value(),
    )
    assert unpack_values(bound(types, [b"a", b"7", b"\xff"], [])) == (
        Value(text="a"),
        Value(text="7"),
        Value(base64="/w=="),
    )
    assert unpack_values(bound(b"\0\0", [b"a"], [1])) == (Value(base64="YQ=="),)
    assert unpack_values(b"") == ()
    assert unpack_values(b"\xff\xff") == (Value(base64="//8="),)


def test_rows_are_shown_as_text() -> None:
    layout = messages.row_description([messages.Column("a", 25, 1), messages.Column("b", 23, 1)])[5:]
    rows = messages.data_row([b"x", b"\0\0\0\x01"]) + messages.data_row([None, None])
    assert unpack_rows(pack_rows(layout, rows)) == (("x", "\\x00000001"), (None, None))
    assert unpack_rows(pack_rows(b"", messages.data_row([b"y"]))) == (("y",),)
    assert unpack_rows(pack_rows(b"", messages.data_row([b"\0\0\0A", b"a\tb\n"]))) == (("\\x00000041", "a\tb\n"),)
    assert unpack_rows(pack_rows(b"", messages.copy_data(b"1\tit\n") + messages.copy_data(b"\0\xff"))) == (
        ("1\tit",),
        ("\\x00ff",),
    )
    assert unpack_rows(pack_rows(b"", messages.message(b"V", b"\0\0\0\1x"))) == (("x",),)
    assert unpack_rows(b"") == ()
    assert unpack_rows(b"\0") == (("\\x00",),)


def test_connect_help_has_the_token_in_the_password_file_only() -> None:
    found = POSTGRES.connect(
        host="db.acme.test",
        port=8432,
        person="ana@acme.test",
        target="orders",
        role="write",
        token="dp_secret",
        ca="/x y/it's.pem",
    )
    assert found.argv[0] == "psql"
    assert found.argv[1] == (
        "host=db.acme.test port=8432 user=ana@acme.test dbname=orders:write"
        " sslmode=verify-full sslrootcert='/x y/it\\'s.pem'"
    )
    assert found.env == {"PGPASSFILE": "{passfile}", "PGREQUIREAUTH": "scram-sha-256"}
    assert found.passfile == "db.acme.test:8432:orders\\:write:ana@acme.test:dp_secret\n"
    assert found.url == (
        "postgresql://ana%40acme.test@db.acme.test:8432/orders%3Awrite?sslmode=verify-full&sslrootcert=/x%20y/it%27s.pem"
    )
    plain = POSTGRES.connect(
        host="::1", port=8432, person="o'x", target="orders", role=None, token="dp_secret", ca=None
    )
    assert "dp_secret" not in "".join((*plain.argv, plain.url, *plain.env.values()))
    assert plain.url == "postgresql://o%27x@[::1]:8432/orders"
    assert "user='o\\'x'" in plain.argv[1]


def test_settings_of_a_target_are_checked() -> None:
    target = opened().target
    POSTGRES.check(target)
    wrong = [
        replace(target, database=""),
        replace(target, name="a:b"),
        replace(target, tls="prefer"),
        replace(target, options={"pool": 1}),
    ]
    for bad in wrong:
        with pytest.raises(Invalid):
            POSTGRES.check(bad)


PIECES = b"PREPARE p as,execute p,Call,FETCH c,Move,do,desc,domain,count(,f(,p,rep,DE,ALLOCATE all,;, ,\xc3\xa9".split(
    b","
)


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_a_short_text_is_read_as_a_long_one_is(text: bytes) -> None:
    found, long = traits(text), traits(text + b" " * GLANCED_BYTES_MAX)
    assert (found.executes, found.opaque, found.leaves) == (long.executes, long.opaque, long.leaves)
    assert found.fetches == long.fetches
    assert [change.name for change in found.changes] == [change.name for change in long.changes]
