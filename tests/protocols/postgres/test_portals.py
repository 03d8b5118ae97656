"""Portals: what is executed is recorded with what its portal was bound to, or not vouched for."""

from __future__ import annotations

import pytest

from daypass.protocols.interface import Side
from daypass.protocols.postgres import messages
from tests.protocols.postgres.script import Conversation

PORTAL_KEEPS_ITS_TEXT_ON_ERROR = """
    <- Parse a one | Parse b two | Bind c a | Sync
    ## submitted 1 bind [a]: one
    ## prepared b: two
    -> Parse a one | Parse b two | Bind c a | Sync
    => ParseComplete | ParseComplete | BindComplete | Ready T
    <= ParseComplete | ParseComplete | BindComplete | Ready T
    ## completed 1 BIND
    <- Bind c b | Sync | Execute c | Sync
    ## submitted 2 bind [b]: two
    -> Bind c b | Sync
    => Error 42P03 exists | Ready E
    <= Error 42P03 exists
    ## completed 2 error=42P03
    ## submitted 3 execute [c]: one
    -> Execute c | Sync
    <= Ready E
"""
IN_A_TRANSACTION = """
    <- Parse a one | Bind c a | Bind - a | Sync
    ## submitted 1 bind [a]: one
    ## submitted 2 bind [a]: one
    -> Parse a one | Bind c a | Bind - a | Sync
    => ParseComplete | BindComplete | BindComplete | Ready T
    <= ParseComplete | BindComplete | BindComplete | Ready T
    ## completed 1 BIND
    ## completed 2 BIND
"""
PORTAL_OF_SQL = (
    IN_A_TRANSACTION
    + """
    <- Query close c; DECLARE c cursor for select * from secrets
    ## submitted 3 query: close c; DECLARE c cursor for select * from secrets
    -> Query close c; DECLARE c cursor for select * from secrets
    => Done CLOSE CURSOR | Done DECLARE CURSOR | Ready T
    <= Done CLOSE CURSOR | Done DECLARE CURSOR | Ready T
    ## completed 3 CLOSE CURSOR, DECLARE CURSOR
    <- Execute c 10 | Sync
    ## submitted 4 execute [c] unverified: one
    -> Execute c 10 | Sync
"""
)
PORTAL_OF_SQL_IN_ONE_PIPELINE = """
    <- Parse a one | Bind c a | Parse x close c | Bind - x | Execute - | Parse y declare c cursor for two | Bind - y
    ## submitted 1 bind [a]: one
    ## submitted 2 bind [x]: close c
    ## submitted 3 bind [y]: declare c cursor for two
    -> Parse a one | Bind c a | Parse x close c | Bind - x | Execute - | Parse y declare c cursor for two | Bind - y
    <- Execute - | Execute c | Sync
    ## submitted 4 execute [c] unverified: one
    -> Execute - | Execute c | Sync
    => ParseComplete | BindComplete | ParseComplete | BindComplete | Done CLOSE CURSOR | ParseComplete | BindComplete
    <= ParseComplete | BindComplete | ParseComplete | BindComplete | Done CLOSE CURSOR | ParseComplete | BindComplete
    ## completed 2 CLOSE CURSOR
    => Done DECLARE CURSOR | Done SELECT 2 | Ready I
    <= Done DECLARE CURSOR | Done SELECT 2 | Ready I
    ## completed 3 DECLARE CURSOR
    ## completed 1 BIND
    ## completed 4 SELECT 2 rows=2
"""
PORTAL_OF_A_FUNCTION = (
    IN_A_TRANSACTION
    + """
    <- Close S a | Sync | Query select theirs('c')
    ## submitted 3 query: select theirs('c')
    -> Close S a | Sync | Query select theirs('c')
    => CloseComplete | Ready T | Done SELECT 1 | Ready T
    <= CloseComplete | Ready T | Done SELECT 1 | Ready T
    ## completed 3 SELECT 1 rows=1
    <- Execute c 10 | Sync
    ## submitted 4 execute [c] unverified: one
    -> Execute c 10 | Sync
"""
)
PORTAL_THAT_NO_SQL_REACHES = (
    IN_A_TRANSACTION
    + """
    <- Query declare d cursor for select 1
    ## submitted 3 query: declare d cursor for select 1
    -> Query declare d cursor for select 1
    => Done DECLARE CURSOR | Ready T
    <= Done DECLARE CURSOR | Ready T
    ## completed 3 DECLARE CURSOR
    <- Execute - 10 | Sync
    ## submitted 4 execute: one
    -> Execute - 10 | Sync
"""
)
PORTAL_OF_A_TRANSACTION_THAT_IS_OVER = (
    IN_A_TRANSACTION
    + """
    <- Query commit | Query begin | Parse b two | Bind d b | Sync
    ## submitted 3 query: commit
    ## submitted 4 query: begin
    ## submitted 5 bind [b]: two
    -> Query commit | Query begin | Parse b two | Bind d b | Sync
    => Done COMMIT | Ready I | Done BEGIN | Ready T | ParseComplete | BindComplete | Ready T
    <= Done COMMIT | Ready I | Done BEGIN | Ready T | ParseComplete | BindComplete | Ready T
    ## completed 3 COMMIT
    ## completed 4 BEGIN
    ## completed 5 BIND
    <- Execute d 10 | Execute c 10 | Sync
    ## submitted 6 execute [d]: two
    ## submitted 7 execute [c] unverified:
    -> Execute d 10 | Execute c 10 | Sync
"""
)
CLOSE_THAT_WAS_SKIPPED = (
    IN_A_TRANSACTION
    + """
    <- Parse x oops | Close P c | Sync | Execute c | Sync
    ## prepared x: oops
    -> Parse x oops | Close P c | Sync
    => Error 42601 syntax | Ready E
    <= Error 42601 syntax
    ## submitted 3 parse [x]: oops
    ## completed 3 error=42601
    ## submitted 4 execute [c]: one
    -> Execute c | Sync
    <= Ready E
"""
)
CLOSED_AND_BOUND_AGAIN = (
    IN_A_TRANSACTION
    + """
    <- Close P c | Parse b two | Bind c b | Sync
    ## submitted 3 bind [b]: two
    -> Close P c | Parse b two | Bind c b | Sync
    => CloseComplete | ParseComplete | Error 22P02 no number | Ready E
    <= CloseComplete | ParseComplete | Error 22P02 no number | Ready E
    ## completed 3 error=22P02
    <- Execute c | Sync
    ## submitted 4 execute [c] unverified:
    -> Execute c | Sync
"""
)
SEVERAL_BINDS_THAT_DID_NOT_HAPPEN = (
    IN_A_TRANSACTION
    + """
    <- Parse b two | Bind - b | Bind - b | Bind c b | Sync
    ## submitted 3 bind [b]: two
    ## submitted 4 bind [b]: two
    ## submitted 5 bind [b]: two
    -> Parse b two | Bind - b | Bind - b | Bind c b | Sync
    => Error 42P05 exists | Ready E
    <= Error 42P05 exists | Ready E
    ## completed 3 error=42P05
    ## completed 4 error=skipped
    ## completed 5 error=skipped
    <- Execute - | Execute c | Sync
    ## submitted 6 execute: one
    ## submitted 7 execute [c]: one
    -> Execute - | Execute c | Sync
"""
)
BINDS_OF_SEVERAL_PIPELINES_THAT_DID_NOT_HAPPEN = (
    IN_A_TRANSACTION
    + """
    <- Bind c a 1 | Sync | Bind c a 2 | Sync
    ## submitted 3 bind [a] ['1']: one
    ## submitted 4 bind [a] ['2']: one
    -> Bind c a 1 | Sync | Bind c a 2 | Sync
    => Error 42P03 exists | Ready E | Error 25P02 aborted | Ready E
    <= Error 42P03 exists | Ready E | Error 25P02 aborted | Ready E
    ## completed 3 error=42P03
    ## completed 4 error=25P02
    <- Execute c | Sync
    ## submitted 5 execute [c]: one
    -> Execute c | Sync
"""
)
PORTAL_OF_SQL_BEHIND_A_BIND_THAT_DID_NOT_HAPPEN = (
    IN_A_TRANSACTION
    + """
    <- Bind c a 1 | Sync | Query rollback to s; close c; declare c cursor for two
    ## submitted 3 bind [a] ['1']: one
    ## submitted 4 query: rollback to s; close c; declare c cursor for two
    -> Bind c a 1 | Sync | Query rollback to s; close c; declare c cursor for two
    => Error 42P03 exists | Ready E | Done ROLLBACK | Done CLOSE CURSOR | Done DECLARE CURSOR | Ready T
    <= Error 42P03 exists | Ready E | Done ROLLBACK | Done CLOSE CURSOR | Done DECLARE CURSOR | Ready T
    ## completed 3 error=42P03
    ## completed 4 ROLLBACK, CLOSE CURSOR, DECLARE CURSOR
    <- Execute c | Sync
    ## submitted 5 execute [c] unverified: one
    -> Execute c | Sync
"""
)
PORTAL_OF_AN_EXECUTE = """
    <- Parse a one | Parse e execute a | Bind c e | Execute c | Sync
    ## submitted 1 bind [e] resolved=one: execute a
    ## prepared a: one
    -> Parse a one | Parse e execute a | Bind c e | Execute c | Sync
    => ParseComplete | ParseComplete | BindComplete | Done SELECT 1 | Ready T
    <= ParseComplete | ParseComplete | BindComplete | Done SELECT 1 | Ready T
    ## completed 1 SELECT 1 rows=1
    <- Execute c | Sync
    ## submitted 2 execute [c] resolved=one: execute a
    -> Execute c | Sync
    => Done SELECT 0 | Ready T
    <= Done SELECT 0 | Ready T
    ## completed 2 SELECT 0
"""
PORTAL_OF_AN_EXECUTE_OF_WHAT_WAS_PREPARED_AGAIN = """
    <- Parse a one | Parse e execute a | Bind - e | Close S a | Parse a two | Execute - | Sync
    ## submitted 1 bind [e] resolved=one: execute a
    ## submitted 2 execute unverified resolved=two: execute a
    ## prepared a: one
    ## prepared a: two
    -> Parse a one | Parse e execute a | Bind - e | Close S a | Parse a two | Execute - | Sync
    => ParseComplete | ParseComplete | BindComplete | CloseComplete | ParseComplete | Done DELETE 1 | Ready T
    <= ParseComplete | ParseComplete | BindComplete | CloseComplete | ParseComplete | Done DELETE 1 | Ready T
    ## completed 1 BIND
    ## completed 2 DELETE 1 rows=1
"""
PORTAL_OF_AN_EXECUTE_BEHIND_CODE = """
    <- Parse a one | Parse e execute a | Bind - e | Parse d do $$x$$ | Bind d d | Execute d | Execute - | Sync
    ## submitted 1 bind [e] resolved=one: execute a
    ## submitted 2 bind [d] unverified: do $$x$$
    ## submitted 3 execute unverified resolved=one: execute a
    ## prepared a: one
    -> Parse a one | Parse e execute a | Bind - e | Parse d do $$x$$ | Bind d d | Execute d | Execute - | Sync
"""
PORTAL_OF_AN_EXECUTE_OF_WHAT_IS_GONE = """
    <- Parse a one | Parse e execute a | Bind c e | Execute c 1 | Close S a | Execute c | Sync
    ## submitted 1 bind [e] resolved=one: execute a
    ## submitted 2 execute [c] unverified resolved=one: execute a
    ## prepared a: one
    -> Parse a one | Parse e execute a | Bind c e | Execute c 1 | Close S a | Execute c | Sync
"""
A_CURSOR_OF_SQL = """
    <- Query prepare p as select 1
    ## submitted 1 query: prepare p as select 1
    -> Query prepare p as select 1
    => Done PREPARE | Ready T
    <= Done PREPARE | Ready T
    ## completed 1 PREPARE
    <- Execute c | Sync | Query execute p
    ## submitted 2 execute [c] unverified:
    ## submitted 3 query [p] unverified resolved=select 1: execute p
    -> Execute c | Sync | Query execute p
"""
SCRIPTS = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_conversation(script: str) -> None:
    Conversation().play(script)


def test_the_name_of_a_portal_is_what_the_target_keeps_of_it() -> None:
    talk, name = Conversation(), b"c" * 63
    talk.say(Side.CLIENT, messages.parse(b"", b"one") + messages.bind(name + b"1", b"") + messages.SYNC)
    talk.say(Side.TARGET, messages.PARSE_COMPLETE + messages.BIND_COMPLETE + messages.ready(b"T"))
    again = messages.close(b"P", name + b"2") + messages.parse(b"", b"two") + messages.bind(name, b"")
    talk.say(Side.CLIENT, again + messages.SYNC)
    answers = messages.CLOSE_COMPLETE + messages.PARSE_COMPLETE + messages.BIND_COMPLETE + messages.ready(b"T")
    talk.say(Side.TARGET, answers)
    (record, _) = talk.say(Side.CLIENT, messages.execute(name + b"1") + messages.SYNC)
    assert record.fact.text == b"two" and record.fact.verified
