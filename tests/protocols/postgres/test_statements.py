"""How statements are recorded: before they are forwarded, and what came of them."""

from __future__ import annotations

from hashlib import sha256

import pytest

from daypass.domain.statement import Completed, Submitted
from daypass.protocols.interface import Record, Send, Side
from daypass.protocols.postgres import errors, messages
from tests.protocols.postgres.script import Conversation, said

SIMPLE = """
    <- Query select 1
    ## submitted 1 query: select 1
    -> Query select 1
    => Columns a | Row 1 | Done SELECT 1 | Ready I
    <= Columns a | Row 1 | Done SELECT 1 | Ready I
    ## completed 1 SELECT 1 rows=1
"""
SEVERAL = """
    <- Query insert into t values (1); select 1
    ## submitted 1 query: insert into t values (1); select 1
    -> Query insert into t values (1); select 1
    => Done INSERT 0 1 | Columns a | Row 1 | Done SELECT 1 | Ready I
    <= Done INSERT 0 1 | Columns a | Row 1 | Done SELECT 1 | Ready I
    ## completed 1 INSERT 0 1, SELECT 1 rows=2
"""
FAILING = """
    <- Query select 1/0
    ## submitted 1 query: select 1/0
    -> Query select 1/0
    => Error 22012 division by zero | Ready I
    <= Error 22012 division by zero | Ready I
    ## completed 1 error=22012
"""
NOTHING_TO_DO = """
    <- Query ;
    ## submitted 1 query: ;
    -> Query ;
    => Empty | Ready I
    <= Empty | Ready I
    ## completed 1
"""
TWO_IN_FLIGHT = """
    <- Query select 1 | Query select 2
    ## submitted 1 query: select 1
    ## submitted 2 query: select 2
    -> Query select 1 | Query select 2
    => Done SELECT 1 | Ready I | Done SELECT 2 | Ready I
    <= Done SELECT 1 | Ready I | Done SELECT 2 | Ready I
    ## completed 1 SELECT 1 rows=1
    ## completed 2 SELECT 2 rows=2
"""
ASYNCHRONOUS = """
    => Notice hello | Status TimeZone UTC
    <= Notice hello | Status TimeZone UTC
"""
EXTENDED = """
    <- Parse - select $1 | Bind - - x | Describe P - | Execute - | Sync
    ## submitted 1 bind ['x']: select $1
    -> Parse - select $1 | Bind - - x | Describe P - | Execute - | Sync
    => ParseComplete | BindComplete | Columns a | Row x | Done SELECT 1 | Ready I
    <= ParseComplete | BindComplete | Columns a | Row x | Done SELECT 1 | Ready I
    ## completed 1 SELECT 1 rows=1
"""
PREPARED_FIRST = """
    <- Parse p select $1 | Describe S p | Sync
    ## prepared p: select $1
    -> Parse p select $1 | Describe S p | Sync
    => ParseComplete | Params 25 | Columns a | Ready I
    <= ParseComplete | Params 25 | Columns a | Ready I
    <- Bind - p NULL | Execute - | Sync
    ## submitted 1 bind [p] [None]: select $1
    -> Bind - p NULL | Execute - | Sync
    => BindComplete | Row NULL | Done SELECT 1 | Ready I
    <= BindComplete | Row NULL | Done SELECT 1 | Ready I
    ## completed 1 SELECT 1 rows=1
"""
ROW_LIMITS = """
    <- Parse - select x | Bind c - | Execute c 2 | Flush
    ## submitted 1 bind: select x
    -> Parse - select x | Bind c - | Execute c 2 | Flush
    => ParseComplete | BindComplete | Row 1 | Row 2 | Suspended
    <= ParseComplete | BindComplete | Row 1 | Row 2 | Suspended
    ## completed 1 suspended rows=2
    <- Execute c 2 | Sync
    ## submitted 2 execute [c]: select x
    -> Execute c 2 | Sync
    => Row 3 | Done SELECT 1 | Ready I
    <= Row 3 | Done SELECT 1 | Ready I
    ## completed 2 SELECT 1 rows=1
"""
BOUND_ONLY = """
    <- Parse - select x | Bind - - | Describe P - | Sync
    ## submitted 1 bind: select x
    -> Parse - select x | Bind - - | Describe P - | Sync
    => ParseComplete | BindComplete | NoData | Ready I
    <= ParseComplete | BindComplete | NoData | Ready I
    ## completed 1 BIND
"""
NOT_PARSED = """
    <- Parse - a | Parse - bad | Describe S - | Bind - - 1 | Execute - | Parse b b | Bind - b | Execute - | Sync
    ## submitted 1 bind ['1']: bad
    ## submitted 2 bind [b]: b
    ## prepared -: a
    -> Parse - a | Parse - bad | Describe S - | Bind - - 1 | Execute - | Parse b b | Bind - b | Execute - | Sync
    => ParseComplete | Error 42P01 no such table | Ready I
    <= ParseComplete | Error 42P01 no such table | Ready I
    ## completed 1 error=42P01
    ## completed 2 error=skipped
"""
NOT_PARSED_ALONE = """
    <- Parse p bad | Describe S p | Sync | Bind - p | Sync
    ## prepared p: bad
    -> Parse p bad | Describe S p | Sync
    => Error 42P01 no such table | Ready I
    <= Error 42P01 no such table
    ## submitted 1 parse [p]: bad
    ## completed 1 error=42P01
    ## refused 2: unknown prepared statement p
    -> Describe ! - | Sync
    <= Ready I
"""
FAILED_PIPELINE = """
    <- Parse - a | Bind - - | Execute - | Parse - b | Bind - - | Execute - | Sync | Query c
    ## submitted 1 bind: a
    ## submitted 2 bind: b
    ## submitted 3 query: c
    -> Parse - a | Bind - - | Execute - | Parse - b | Bind - - | Execute - | Sync | Query c
    => ParseComplete | BindComplete | Error 22012 zero | Ready I
    <= ParseComplete | BindComplete | Error 22012 zero | Ready I
    ## completed 1 error=22012
    ## completed 2 error=skipped
    => Done SELECT 0 | Ready I
    <= Done SELECT 0 | Ready I
    ## completed 3 SELECT 0
"""
SWALLOWED = """
    <- Parse - a | Flush
    ## prepared -: a
    -> Parse - a | Flush
    => Error 42601 syntax
    <= Error 42601 syntax
    ## submitted 1 parse: a
    ## completed 1 error=42601
    <- Bind - - | Execute - | Flush
    <- Sync
    -> Sync
    => Ready I
    <= Ready I
    <- Query select 1
    ## submitted 2 query: select 1
    -> Query select 1
"""
CURSOR_BY_SQL = """
    <- Execute cur | Sync
    ## submitted 1 execute [cur] unverified:
    -> Execute cur | Sync
    => Row 1 | Done FETCH 1 | Ready T
    <= Row 1 | Done FETCH 1 | Ready T
    ## completed 1 FETCH 1 rows=1
"""
CALL = """
    <- Call 123 a NULL
    ## submitted 1 call ['a', None]: function 123
    -> Call 123 a NULL
    => Result x | Ready I
    <= Result x | Ready I
    ## completed 1 CALL rows=1
"""
CALL_FAILS = """
    <- Call 123
    ## submitted 1 call: function 123
    -> Call 123
    => Error 42501 no | Ready I
    <= Error 42501 no | Ready I
    ## completed 1 error=42501
"""
COMMIT_FAILS = """
    <- Parse - a | Bind - - | Execute - | Sync
    ## submitted 1 bind: a
    -> Parse - a | Bind - - | Execute - | Sync
    => ParseComplete | BindComplete | Done INSERT 0 1 | Error 23505 deferred | Ready I
    <= ParseComplete | BindComplete | Done INSERT 0 1 | Error 23505 deferred | Ready I
    ## completed 1 INSERT 0 1 rows=1 error=23505
"""
COPY_IN = """
    <- Query copy t from stdin
    ## submitted 1 query: copy t from stdin
    -> Query copy t from stdin
    => CopyIn
    <= CopyIn
    <- CopyData one | CopyData two | Sync
    -> CopyData one | CopyData two
    <- CopyDone
    -> CopyDone
    => Done COPY 2 | Ready I
    <= Done COPY 2 | Ready I
    ## completed 1 COPY 2 rows=2 copied=6
"""
COPY_IN_AT_ONCE = """
    <- Query copy t from stdin | CopyData one | CopyDone | Query select 1
    ## submitted 1 query: copy t from stdin
    -> Query copy t from stdin
    -> Flush
    => CopyIn
    <= CopyIn
    ## submitted 2 query: select 1
    -> CopyData one | CopyDone | Query select 1
    => Done COPY 1 | Ready I | Done SELECT 1 | Ready I
    <= Done COPY 1 | Ready I | Done SELECT 1 | Ready I
    ## completed 1 COPY 1 rows=1 copied=3
    ## completed 2 SELECT 1 rows=1
"""
COPY_IN_EXTENDED = """
    <- Parse - copy t from stdin | Bind - - | Execute - | Sync
    ## submitted 1 bind: copy t from stdin
    -> Parse - copy t from stdin | Bind - - | Execute - | Sync
    => ParseComplete | BindComplete | CopyIn
    <= ParseComplete | BindComplete | CopyIn
    <- CopyData one | CopyDone | Sync
    -> CopyData one | CopyDone | Sync
    => Done COPY 1 | Ready I
    <= Done COPY 1 | Ready I
    ## completed 1 COPY 1 rows=1 copied=3
"""
COPY_BESIDE_A_PORTAL_THAT_IS_NOT_RUN = """
    <- Parse - copy t from stdin | Bind a - | Bind - - | Execute - | Sync
    ## submitted 1 bind: copy t from stdin
    ## submitted 2 bind: copy t from stdin
    -> Parse - copy t from stdin | Bind a - | Bind - - | Execute - | Sync
    => ParseComplete | BindComplete | BindComplete | CopyIn
    <= ParseComplete | BindComplete | BindComplete | CopyIn
    <- CopyDone | Sync
    -> CopyDone | Sync
    => Done COPY 0 | Ready I
    <= Done COPY 0 | Ready I
    ## completed 1 BIND
    ## completed 2 COPY 0
"""
COPY_IN_EXTENDED_FAILS = """
    <- Parse - copy t from stdin | Bind - - | Execute - | Sync
    ## submitted 1 bind: copy t from stdin
    -> Parse - copy t from stdin | Bind - - | Execute - | Sync
    <- CopyData bad | CopyDone | Sync | Parse - delete from t | Bind - - | Execute - | Sync
    -> Flush
    => ParseComplete | BindComplete | CopyIn
    <= ParseComplete | BindComplete | CopyIn
    ## submitted 2 bind: delete from t
    -> CopyData bad | CopyDone | Sync | Parse - delete from t | Bind - - | Execute - | Sync
    => Error 22P02 bad | Ready I | ParseComplete | BindComplete | Done DELETE 7 | Ready I
    <= Error 22P02 bad | Ready I | ParseComplete | BindComplete | Done DELETE 7 | Ready I
    ## completed 1 error=22P02 copied=3
    ## completed 2 DELETE 7 rows=7
"""
COPY_IN_THAT_IS_NONE = """
    <- Query copy nothing from stdin | CopyData one | CopyDone | Query select 1
    ## submitted 1 query: copy nothing from stdin
    -> Query copy nothing from stdin
    -> Flush
    => Error 42P01 nothing
    <= Error 42P01 nothing
    => Ready I
    <= Ready I
    ## completed 1 error=42P01
    ## submitted 2 query: select 1
    -> CopyData one | CopyDone | Query select 1
    => Done SELECT 1 | Ready I
    <= Done SELECT 1 | Ready I
    ## completed 2 SELECT 1 rows=1
"""
DATA_FOR_NO_COPY = """
    <- Query select 1 | CopyData one | Parse - select 2 | CopyFail no | Sync
    ## submitted 1 query: select 1
    -> Query select 1
    -> Flush
    => Done SELECT 1 | Ready I
    <= Done SELECT 1 | Ready I
    ## completed 1 SELECT 1 rows=1
    ## prepared -: select 2
    -> CopyData one | Parse - select 2
    -> Flush
    => ParseComplete
    <= ParseComplete
    -> CopyFail no | Sync
    => Ready I
    <= Ready I
"""
COPY_IN_FAILS = """
    <- Query copy t from stdin
    ## submitted 1 query: copy t from stdin
    -> Query copy t from stdin
    => CopyIn
    <= CopyIn
    <- CopyData one | CopyFail no
    -> CopyData one | CopyFail no
    => Error 57014 no | Ready I
    <= Error 57014 no | Ready I
    ## completed 1 error=57014 copied=3
"""
COPY_OUT = """
    <- Query copy t to stdout
    ## submitted 1 query: copy t to stdout
    -> Query copy t to stdout
    => CopyOut | CopyData a | CopyData b | CopyDone | Done COPY 2 | Ready I
    <= CopyOut | CopyData a | CopyData b | CopyDone | Done COPY 2 | Ready I
    ## completed 1 COPY 2 rows=2
"""
SCRIPTS = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_conversation(script: str) -> None:
    Conversation().play(script)


def test_the_record_stands_before_what_it_records() -> None:
    effects = Conversation().say(Side.CLIENT, said("Query select 1"))
    assert [type(effect) for effect in effects] == [Record, Send]


def test_the_outcome_says_columns_bytes_time_and_digest() -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Query copy t from stdin; select 1") + said("CopyData one") + said("CopyData two"))
    talk.say(Side.TARGET, said("CopyIn"))
    talk.say(Side.CLIENT, said("CopyDone"))
    row = said("Row 1")
    *_, copied = talk.say(Side.TARGET, said("Done COPY 2") + said("Columns a b") + row + said("Ready I"))
    outcome = copied.fact
    assert isinstance(outcome, Completed)
    assert outcome.copied_sha256 == sha256(b"onetwo").digest()
    assert outcome.columns == ("a", "b")
    assert outcome.bytes == len(row)
    assert outcome.duration_us == 3000


def test_the_outcome_says_the_columns_of_every_result() -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Query select 1 as a; select 2 as b, 3 as c"))
    done = said("Done SELECT 1")
    *_, record = talk.say(Side.TARGET, said("Columns a") + done + said("Columns b c") + done + said("Ready I"))
    assert record.fact.columns == ("a", "b", "c")


def test_a_large_row_streams_and_is_never_held() -> None:
    talk = Conversation()
    talk.play("""
        <- Query select big
        ## submitted 1 query: select big
        -> Query select big
    """)
    row = messages.data_row([b"x" * 1_000_000])
    assert talk.say(Side.TARGET, row[:100]) == [Send(Side.CLIENT, row[:100])]
    assert talk.say(Side.TARGET, row[100:5000]) == [Send(Side.CLIENT, row[100:5000])]
    rest = row[5000:] + said("Done SELECT 1") + said("Ready I")
    sent, record = talk.say(Side.TARGET, rest)
    assert sent == Send(Side.CLIENT, rest)
    assert record.fact.rows == 1 and record.fact.bytes == len(row)


def test_copied_data_streams_and_is_digested() -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Query copy t from stdin"))
    talk.say(Side.TARGET, said("CopyIn"))
    data = messages.copy_data(b"x" * 100_000)
    assert talk.say(Side.CLIENT, data[:7]) == [Send(Side.TARGET, data[:7])]
    assert talk.say(Side.CLIENT, data[7:]) == [Send(Side.TARGET, data[7:])]
    talk.say(Side.CLIENT, said("CopyDone"))
    *_, record = talk.say(Side.TARGET, said("Done COPY 1") + said("Ready I"))
    assert record.fact.copied_sha256 == sha256(b"x" * 100_000).digest()


@pytest.mark.parametrize("message", ["Query select 1", "Parse - select 1", "Execute -"])
def test_inside_a_copy_there_is_only_its_data(message: str) -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Query copy t from stdin"))
    talk.say(Side.TARGET, said("CopyIn"))
    effects = talk.say(Side.CLIENT, said("CopyData one") + said(message))
    assert [effect for effect in effects if isinstance(effect, Send) and effect.side is Side.TARGET] == []
    (sent,) = (effect for effect in effects if isinstance(effect, Send))
    assert errors.read(sent.data[5:]).sqlstate == "08P01"


def test_a_long_text_is_recorded_whole_once() -> None:
    talk = Conversation()
    text = b"select '" + b"x" * 5000 + b"'"
    first = talk.say(
        Side.CLIENT, messages.parse(b"p", text) + messages.bind(b"", b"p") + messages.execute() + messages.SYNC
    )
    again = talk.say(Side.CLIENT, messages.bind(b"", b"p") + messages.execute() + messages.SYNC)
    assert again == []  # whether the name has its text is not known yet
    effects = talk.say(
        Side.TARGET,
        messages.PARSE_COMPLETE + messages.BIND_COMPLETE + messages.command_complete("SELECT 0") + messages.ready(),
    )
    facts = [effect.fact for effect in [*first, *effects] if isinstance(effect, Record)]
    submitted = [fact for fact in facts if isinstance(fact, Submitted)]
    assert [(fact.n, len(fact.text), fact.same_as) for fact in submitted] == [(1, len(text), 0), (2, 1024, 1)]
