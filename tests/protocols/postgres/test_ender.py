"""The ender: all of the work at once, and what was seen of it."""

from __future__ import annotations

from typing import Any

from daypass.domain.target import Credential
from daypass.protocols.ending import Answered, Around, Ender, Enter, Entered, Halt, Look, Lost, Poke, Stop
from daypass.protocols.interface import Close, Closed, Connected, Received, Send, Side
from daypass.protocols.postgres import POSTGRES, errors, messages
from tests.protocols.postgres.client import WELCOME, opened
from tests.protocols.postgres.script import said

MARKS = tuple({"pid": str(pid), "backend_start": "1795405017746230", "usesysid": "16384"} for pid in (11, 12))

SETTLED = said("Done SET") + said("Done SET") + said("Columns a") + said("Done SELECT 8") + said("Ready I")


def entered() -> Ender:
    given = opened()
    ender = POSTGRES.ender()
    ender.handle(Enter(given.target, given.role, given.credential, "daypass ender", b"e" * 32))
    ender.handle(Connected())
    (own,) = ender.handle(Received(Side.TARGET, WELCOME, 1.0))
    assert isinstance(own, Send) and b"SET ROLE NONE" in own.data
    assert list(ender.handle(Received(Side.TARGET, SETTLED, 1.0))) == [Entered()]
    return ender


def answer(ender: Ender, *rows: list[bytes | None]) -> list[Any]:
    data = said("Columns a") + b"".join(map(messages.data_row, rows)) + said("Done SELECT 1") + said("Ready I")
    return list(ender.handle(Received(Side.TARGET, data, 1.0)))


def test_one_statement_ends_everything() -> None:
    ender = entered()
    (sent,) = ender.handle(Stop(MARKS))
    assert isinstance(sent, Send)
    sql = sent.data[5:].decode()
    assert sql.count("pg_cancel_backend") == sql.count("pg_terminate_backend") == 1
    assert "(0, 11::" in sql and "(1, 12::" in sql and "1795405017746230" in sql and "16384" in sql
    assert answer(ender, [b"1", b"active", b"t", b"t"]) == [
        Answered(({"alive": "no"}, {"alive": "yes", "was": "active"}))
    ]


def test_interrupting_terminates_only_what_more_waits_behind() -> None:
    ender = entered()
    (sent,) = ender.handle(Halt((MARKS[0], {**MARKS[1], "hurried": "yes"})))
    assert isinstance(sent, Send)
    sql = sent.data[5:].decode()
    assert sql.count("true)") == sql.count("false)") == 1 and "WHEN s.hurried THEN pg_catalog.pg_terminate" in sql
    assert answer(ender, [b"0", b"active", b"t", None, b"4711", None])[0].seen[0] == {
        "alive": "yes",
        "was": "active",
        "work": "4711",
    }


def test_looking_back() -> None:
    ender = entered()
    (sent,) = ender.handle(Look(MARKS))
    assert b"terminate" not in sent.data and b"cancel" not in sent.data  # type: ignore[union-attr]
    assert answer(ender) == [Answered(({"alive": "no"}, {"alive": "no"}))]


def test_looking_back_says_what_became_of_the_work() -> None:
    ender = entered()
    marks = tuple({**mark, "work": "4711"} for mark in MARKS)
    (sent,) = ender.handle(Look(marks))
    assert sent.data.count(b"4711::") == 2 and b"txid_status" in sent.data  # type: ignore[union-attr]
    assert answer(ender, [b"0", b"gone", b"aborted"], [b"1", b"gone", b"committed"]) == [
        Answered(({"alive": "no", "outcome": "rolled back"}, {"alive": "no", "outcome": "committed"}))
    ]


def test_what_was_under_way_is_named() -> None:
    ender = entered()
    ender.handle(Stop(MARKS))
    assert answer(ender, [b"0", b"active", b"t", b"t", b"4711"])[0].seen[0]["work"] == "4711"


def test_a_commit_in_flight_and_work_elsewhere_are_told() -> None:
    ender = entered()
    ender.handle(Stop(MARKS))
    committing, waiting = answer(
        ender,
        [b"0", b"active", b"t", b"t", b"4711", b"SyncRep"],
        [b"1", b"active", b"t", b"t", None, b"DblinkGetResult"],
    )[0].seen
    assert committing == {"alive": "yes", "was": "committing", "work": "4711"}
    assert waiting == {"alive": "yes", "was": "active", "elsewhere": "yes"}


def test_what_else_began_at_the_target_is_told() -> None:
    ender = entered()
    (sent,) = ender.handle(Around(MARKS))
    assert isinstance(sent, Send)
    assert b"cancel" not in sent.data and b"> 1795405017746230" in sent.data.replace(b"OPERATOR(pg_catalog.>)", b">")
    assert answer(ender, [b"pid 9 as other, active"]) == [Answered(({"what": "pid 9 as other, active"},))]
    assert list(entered().handle(Around(()))) == [Answered(())]


def test_orders_are_answered_in_turn() -> None:
    ender = entered()
    (sent,) = ender.handle(Poke(MARKS[0]))
    assert b"terminate" not in sent.data and b"cancel" in sent.data  # type: ignore[union-attr]
    assert list(ender.handle(Look(MARKS))) == []
    answered, asked = answer(ender, [b"0", b"t"])
    assert answered == Answered(({"alive": "yes"},))
    assert isinstance(asked, Send)


def test_orders_may_come_before_it_is_in() -> None:
    given = opened()
    ender = POSTGRES.ender()
    ender.handle(Enter(given.target, given.role, given.credential, "daypass ender", b"e" * 32))
    assert list(ender.handle(Stop(MARKS))) == []
    ender.handle(Connected())
    ender.handle(Received(Side.TARGET, WELCOME, 1.0))
    assert [type(effect) for effect in ender.handle(Received(Side.TARGET, SETTLED, 1.0))] == [Entered, Send]


def test_nothing_to_end_is_answered_at_once() -> None:
    assert list(entered().handle(Stop(()))) == [Answered(())]


def test_a_mark_of_another_protocol_loses_it() -> None:
    assert isinstance(list(entered().handle(Stop(({"pid": "1; drop"},))))[-1], Lost)


def test_what_goes_wrong_loses_it() -> None:
    for event in (
        Closed(Side.TARGET),
        Received(Side.TARGET, said("Fatal 57P01 bye"), 1.0),
        Received(Side.TARGET, b"\xff" * 20, 1.0),
    ):
        ender = entered()
        ender.handle(Stop(MARKS))
        close, lost = ender.handle(event)
        assert isinstance(close, Close) and isinstance(lost, Lost)
        assert list(ender.handle(Stop(MARKS))) == []


def test_an_idle_ender_whose_target_is_gone_is_lost() -> None:
    assert isinstance(list(entered().handle(Closed(Side.TARGET)))[-1], Lost)


def test_it_needs_entropy() -> None:
    given = opened()
    effects = POSTGRES.ender().handle(Enter(given.target, given.role, given.credential, "x"))
    assert isinstance(list(effects)[-1], Lost)


def test_an_order_that_goes_with_the_sign_in_is_there_before_anybody_is_seen() -> None:
    given = opened()
    ender = POSTGRES.ender()
    login = Credential("app_rw", "secret")
    ender.handle(Enter(given.target, given.role, login, "x", b"e" * 32, Stop(MARKS)))
    (hello,) = ender.handle(Connected())
    assert isinstance(hello, Send) and b"role\0none\0" in hello.data and b"statement_timeout\x000\0" in hello.data
    asked = messages.message(b"R", (5).to_bytes(4, "big") + b"salt")
    (proof,) = ender.handle(Received(Side.TARGET, asked, 1.0))
    assert isinstance(proof, Send) and proof.data[:1] == b"p" and b"pg_terminate_backend" in proof.data
    assert list(ender.handle(Received(Side.TARGET, WELCOME, 1.0))) == [Entered()]
    (seen,) = answer(ender, [b"1", b"active", b"t", b"t"])
    assert seen == Answered(({"alive": "no"}, {"alive": "yes", "was": "active"}))
    (look,) = ender.handle(Look(MARKS))
    assert isinstance(look, Send), "it takes orders like any other"


def test_one_whom_somebody_terminates_says_so() -> None:
    ender = entered()
    ended = errors.error(errors.ADMIN_SHUTDOWN, "terminating connection due to administrator command")
    ender.handle(Stop(MARKS))
    lost = [effect for effect in ender.handle(Received(Side.TARGET, ended, 1.0)) if isinstance(effect, Lost)]
    assert [one.pushed_out for one in lost] == [True]
