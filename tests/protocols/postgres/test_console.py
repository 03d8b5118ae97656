"""The console's end of a connection: what a server says, whole and byte by byte; what pieces a text has."""

from __future__ import annotations

import hashlib

import pytest

from daypass.domain.people import SignIn, Verifier
from daypass.identity import scram as stored
from daypass.protocols.console import (
    Broken,
    Cells,
    Columns,
    Dropped,
    Finished,
    Put,
    Remark,
    Said,
    SignedIn,
    Waiting,
)
from daypass.protocols.interface import Derive
from daypass.protocols.postgres import POSTGRES, errors, messages, scram
from daypass.protocols.postgres.console import ROW_BYTES_MAX, PostgresConsole

COLUMNS = [messages.Column("id", 23, 0), messages.Column("odd", 99_999, 0)]


def console() -> PostgresConsole:
    made = POSTGRES.console(person="ana@acme.test", target="orders", role="read", token="dp_x", entropy=b"e" * 18)
    assert isinstance(made, PostgresConsole)
    return made


def signed_in() -> PostgresConsole:
    it = console()
    it.feed(messages.authentication(messages.AUTH_OK) + messages.backend_key(b"pidskey!") + messages.ready())
    return it


def rows(found: list[Said]) -> list[tuple[str | None, ...]]:
    return [row for one in found if isinstance(one, Cells) for row in one.rows]


SAID = [
    (
        messages.row_description(COLUMNS)
        + messages.data_row([b"1", None])
        + messages.data_row(["é".encode(), b""])
        + messages.command_complete("SELECT 2")
        + messages.ready(b"T"),
        [("1", None), ("é", "")],
        [Columns((("id", "int4"), ("odd", "type 99999"))), Finished("SELECT 2"), Waiting("open")],
    ),
    (messages.EMPTY_QUERY + messages.ready(b"E"), [], [Finished(""), Waiting("failed")]),
    (
        messages.copy_response(b"H") + messages.copy_data(b"1\t2\n") + messages.COPY_DONE
        + messages.command_complete("COPY 1") + messages.ready(),
        [("1\t2",)],
        [Columns((("copied", "text"),)), Finished("COPY 1"), Waiting("idle")],
    ),
    (
        errors.notice("01000", "careful", severity="WARNING")
        + messages.message(b"E", b"SERROR\0VERROR\0C42703\0Mno such column\0DIt is not there.\0HTry\0P8\0\0")
        + messages.ready(),
        [],
        [
            Remark(False, "WARNING", "01000", "careful"),
            Remark(True, "ERROR", "42703", "no such column", "It is not there.", "Try", 8),
            Waiting("idle"),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "cells", "rest"), SAID)
def test_what_a_server_says(data: bytes, cells: list[tuple[str | None, ...]], rest: list[Said]) -> None:
    whole = signed_in().feed(data)
    it = signed_in()
    bytewise = [one for at in range(len(data)) for one in it.feed(data[at : at + 1])]
    for found in (whole, bytewise):
        assert rows(found) == cells
        assert [one for one in found if not isinstance(one, Cells)] == rest


def test_it_signs_in_with_its_token_and_checks_who_it_talks_to() -> None:
    salt = stored.salt(b"secret", "ana@acme.test")
    server = scram.Server(
        SignIn(salt, stored.ITERATIONS, (Verifier("t-1", *stored.keys("dp_x", salt)),)), b"n" * 18, None
    )
    it = console()
    startup = messages.read_startup(it.hello()[4:])
    assert startup.parameters["database"] == "orders:read" and startup.parameters["user"] == "ana@acme.test"
    (first,) = it.feed(messages.sasl_mechanisms((scram.PLAIN,)))
    assert isinstance(first, Put)
    challenge = server.first(*messages.read_sasl_initial(first.data[5:]))
    (derive,) = it.feed(messages.authentication(messages.AUTH_SASL_CONTINUE, challenge))
    assert derive == Derive("dp_x", salt, stored.ITERATIONS)
    verdict = server.final(it.derived(hashlib.pbkdf2_hmac("sha256", b"dp_x", salt, stored.ITERATIONS))[5:])
    assert verdict is not None and verdict[0] == "t-1"
    said = it.feed(
        messages.authentication(messages.AUTH_SASL_FINAL, verdict[1])
        + messages.authentication(messages.AUTH_OK)
        + messages.backend_key(b"pidskey!")
        + messages.ready()
    )
    assert said == [SignedIn(), Waiting("idle")]
    assert it.interrupt() == messages.request(messages.CANCEL_REQUEST, b"pidskey!")
    impostor = console()
    impostor.feed(messages.sasl_mechanisms((scram.PLAIN,)))
    with pytest.raises(Broken):
        impostor.feed(messages.authentication(messages.AUTH_SASL_FINAL, b"v=AAAA"))


@pytest.mark.parametrize(
    ("sqlstate", "word"),
    [
        (errors.INVALID_AUTHORIZATION, "refused"),
        (errors.CANNOT_CONNECT_NOW, "unavailable"),
        (errors.CONNECTION_FAILURE, "unavailable"),
    ],
)
def test_a_gateway_that_says_no(sqlstate: str, word: str) -> None:
    (said,) = console().feed(errors.error(sqlstate, "no", hint="daypass request"))
    assert said == Remark(True, "FATAL", sqlstate, "no", hint="daypass request", fatal=True, word=word)


def test_a_row_that_is_too_long_is_passed_over() -> None:
    it = signed_in()
    size = ROW_BYTES_MAX + 100
    row = messages.message(b"D", b"\0\1" + size.to_bytes(4, "big") + b"x" * size)
    found = it.feed(row[:1000])
    assert found == [Dropped(len(row))]
    for at in range(1000, len(row), 1 << 20):
        assert it.feed(row[at : at + (1 << 20)]) == []
    assert rows(it.feed(messages.data_row([b"after"]))) == [("after",)]
    with pytest.raises(Broken):
        it.feed(b"E" + (ROW_BYTES_MAX + 5).to_bytes(4, "big"))
    with pytest.raises(Broken):
        signed_in().feed(b"D\0\0\0\1")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("select 1", ["select 1"]),
        (" select 'é;'; -- so\n select 2 ;", ["select 'é;'", "select 2"]),
        (" -- nothing\n;", []),
        ("selec 1; select 2", ["selec 1; select 2"]),
        ("select '\0'; select 2", ["select '\0'; select 2"]),
        ("create function f() returns int begin atomic select 1; end; select 2",
         ["create function f() returns int begin atomic select 1; end", "select 2"]),
    ],
)  # fmt: skip
def test_pieces_of_a_text(text: str, pieces: list[str]) -> None:
    it = console()
    assert [text[start:end] for start, end in it.pieces(text)] == pieces
    for piece in pieces:
        asked = it.ask(piece)
        assert asked[:1] == b"Q" and asked.count(b"\0", 5) == 1
