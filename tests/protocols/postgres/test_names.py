"""Names of prepared statements: a record never shows another text than the one that ran."""

from __future__ import annotations

import pytest

from daypass.protocols.interface import Side
from daypass.protocols.postgres import messages
from tests.protocols.postgres.script import Conversation, said

REPARSE_FAILS = """
    <- Parse p good | Sync
    ## prepared p: good
    -> Parse p good | Sync
    => ParseComplete | Ready I
    <= ParseComplete | Ready I
    <- Parse p bad | Sync
    ## prepared p: bad
    -> Parse p bad | Sync
    => Error 42P05 exists | Ready I
    <= Error 42P05 exists | Ready I
    ## submitted 1 parse [p]: bad
    ## completed 1 error=42P05
    <- Bind - p | Execute - | Sync
    ## submitted 2 bind [p]: good
    -> Bind - p | Execute - | Sync
"""
REPARSE_IN_AN_EARLIER_PIPELINE = """
    <- Parse p good | Sync
    ## prepared p: good
    -> Parse p good | Sync
    => ParseComplete | Ready I
    <= ParseComplete | Ready I
    <- Parse p bad | Sync | Bind - p | Execute - | Sync
    ## prepared p: bad
    -> Parse p bad | Sync
    => Error 42P05 exists | Ready I
    <= Error 42P05 exists
    ## submitted 1 parse [p]: bad
    ## completed 1 error=42P05
    ## submitted 2 bind [p]: good
    -> Bind - p | Execute - | Sync
    <= Ready I
"""
CLOSED_AND_PREPARED_AGAIN = """
    <- Parse p one | Sync
    ## prepared p: one
    -> Parse p one | Sync
    => ParseComplete | Ready I
    <= ParseComplete | Ready I
    <- Close S p | Parse p two | Bind - p | Execute - | Sync
    ## submitted 1 bind [p]: two
    -> Close S p | Parse p two | Bind - p | Execute - | Sync
    => CloseComplete | ParseComplete | BindComplete | Done SELECT 0 | Ready I
    <= CloseComplete | ParseComplete | BindComplete | Done SELECT 0 | Ready I
    ## completed 1 SELECT 0
"""
UNKNOWN_NAME = """
    <- Parse - a | Bind - - | Execute - | Bind - nope | Execute - | Sync
    ## submitted 1 bind: a
    ## refused 2: unknown prepared statement nope
    -> Parse - a | Bind - - | Execute - | Describe ! - | Sync
    => ParseComplete | BindComplete | Done SELECT 0 | Error 08P01 invalid | Ready I
    <= ParseComplete | BindComplete | Done SELECT 0
    <= Error 26000 prepared statement "nope" does not exist
    <= Ready I
    ## completed 1 SELECT 0
"""
UNKNOWN_DESCRIBED = """
    <- Describe S nope | Sync
    ## refused 1: unknown prepared statement nope
    -> Describe ! - | Sync
    => Error 08P01 invalid | Ready I
    <= Error 26000 prepared statement "nope" does not exist
    <= Ready I
"""
UNKNOWN_BY_SQL = """
    <- Query execute nope(1)
    ## refused 1: unknown prepared statement nope
    -> Query daypass refuses this statement
    => Error 42601 syntax | Ready E
    <= Error 26000 prepared statement "nope" does not exist
    <= Ready E
"""
BY_SQL = """
    <- Query prepare p(int) as select $1
    ## submitted 1 query: prepare p(int) as select $1
    -> Query prepare p(int) as select $1
    => Done PREPARE | Ready I
    <= Done PREPARE | Ready I
    ## completed 1 PREPARE
    <- Query EXECUTE P(1)
    ## submitted 2 query [p] resolved=select $1: EXECUTE P(1)
    -> Query EXECUTE P(1)
    => Done SELECT 1 | Ready I
    <= Done SELECT 1 | Ready I
    ## completed 2 SELECT 1 rows=1
    <- Bind - p 1 | Execute - | Sync
    ## submitted 3 bind [p] ['1']: select $1
    -> Bind - p 1 | Execute - | Sync
    => BindComplete | Done SELECT 1 | Ready I
    <= BindComplete | Done SELECT 1 | Ready I
    ## completed 3 SELECT 1 rows=1
    <- Query deallocate p
    ## submitted 4 query: deallocate p
    -> Query deallocate p
    => Done DEALLOCATE | Ready I
    <= Done DEALLOCATE | Ready I
    ## completed 4 DEALLOCATE
    <- Query execute p(1)
    ## refused 5: unknown prepared statement p
    -> Query daypass refuses this statement
"""
BY_SQL_FAILS = """
    <- Query prepare p as select 1
    ## submitted 1 query: prepare p as select 1
    -> Query prepare p as select 1
    => Error 42601 no | Ready I
    <= Error 42601 no | Ready I
    ## completed 1 error=42601
    <- Query execute p
    ## refused 2: unknown prepared statement p
    -> Query daypass refuses this statement
"""
BY_SQL_IN_FLIGHT = """
    <- Query prepare p as select 1 | Query execute p
    ## submitted 1 query: prepare p as select 1
    -> Query prepare p as select 1
    => Done PREPARE | Ready I
    <= Done PREPARE
    ## submitted 2 query [p] resolved=select 1: execute p
    -> Query execute p
    <= Ready I
    ## completed 1 PREPARE
"""
DISCARDED = """
    <- Parse p a | Sync
    ## prepared p: a
    -> Parse p a | Sync
    => ParseComplete | Ready I
    <= ParseComplete | Ready I
    <- Query discard all
    ## submitted 1 query: discard all
    -> Query discard all
    => Done DISCARD ALL | Ready I
    <= Done DISCARD ALL | Ready I
    ## completed 1 DISCARD ALL
    <- Bind - p | Execute - | Sync
    ## refused 2: unknown prepared statement p
    -> Describe ! - | Sync
"""
DO_PREPARES_AGAIN = """
    <- Parse p a | Sync
    ## prepared p: a
    -> Parse p a | Sync
    => ParseComplete | Ready I
    <= ParseComplete | Ready I
    <- Query do $$begin execute 'deallocate p'; execute 'prepare p as delete from t'; end$$
    ## submitted 1 query: do $$begin execute 'deallocate p'; execute 'prepare p as delete from t'; end$$
    -> Query do $$begin execute 'deallocate p'; execute 'prepare p as delete from t'; end$$
    => Done DO | Ready I
    <= Done DO | Ready I
    ## completed 1 DO
    <- Bind - p | Execute - | Sync
    ## submitted 2 bind [p] unverified: a
    -> Bind - p | Execute - | Sync
"""
DO_PREPARES_AGAIN_BEFORE_IT_IS_EXECUTED = """
    <- Query prepare p as select 1
    ## submitted 1 query: prepare p as select 1
    -> Query prepare p as select 1
    => Done PREPARE | Ready I
    <= Done PREPARE | Ready I
    ## completed 1 PREPARE
    <- Query do $$begin execute 'deallocate p'; execute 'prepare p as delete from t'; end$$; execute p
    ## submitted 2 query [p] unverified resolved=select 1: do $$begin execute 'deallocate p'; \
execute 'prepare p as delete from t'; end$$; execute p
    -> Query do $$begin execute 'deallocate p'; execute 'prepare p as delete from t'; end$$; execute p
"""
A_FUNCTION_OF_THEIRS = """
    <- Parse p a | Sync
    ## prepared p: a
    -> Parse p a | Sync
    => ParseComplete | Ready I
    <= ParseComplete | Ready I
    <- Query select lower(x), count(*) from t
    ## submitted 1 query: select lower(x), count(*) from t
    -> Query select lower(x), count(*) from t
    => Done SELECT 0 | Ready I
    <= Done SELECT 0 | Ready I
    ## completed 1 SELECT 0
    <- Bind - p | Execute - | Sync
    ## submitted 2 bind [p]: a
    -> Bind - p | Execute - | Sync
    => BindComplete | Done SELECT 0 | Ready I
    <= BindComplete | Done SELECT 0 | Ready I
    ## completed 2 SELECT 0
    <- Query select theirs(1)
    ## submitted 3 query: select theirs(1)
    -> Query select theirs(1)
    => Done SELECT 1 | Ready I
    <= Done SELECT 1 | Ready I
    ## completed 3 SELECT 1 rows=1
    <- Bind - p | Execute - | Sync
    ## submitted 4 bind [p] unverified: a
    -> Bind - p | Execute - | Sync
"""
SCRIPTS = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_conversation(script: str) -> None:
    Conversation().play(script)


def test_nothing_is_read_from_a_client_whose_name_is_ambiguous() -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Parse p a") + said("Sync") + said("Bind - p"))
    assert not talk.relay.wants(Side.CLIENT)
    talk.say(Side.TARGET, said("ParseComplete") + said("Ready I"))
    assert talk.relay.wants(Side.CLIENT)


def test_a_name_is_what_the_target_keeps_of_it() -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, messages.parse(b"n" * 70, b"x") + messages.SYNC)
    talk.say(Side.TARGET, messages.PARSE_COMPLETE + messages.ready())
    (record, _) = talk.say(Side.CLIENT, messages.bind(b"", b"n" * 63 + b"other") + messages.SYNC)
    assert record.fact.text == b"x"


def test_what_a_name_executes_is_resolved_as_well() -> None:
    talk = Conversation()
    talk.say(Side.CLIENT, said("Parse p one") + said("Parse q execute p") + said("Sync"))
    talk.say(Side.TARGET, said("ParseComplete") * 2 + said("Ready I"))
    (record, _) = talk.say(Side.CLIENT, said("Query execute q"))
    assert record.fact.resolved == b"execute p;\none"


def test_nothing_is_vouched_for_where_strings_are_read_in_another_way() -> None:
    talk = Conversation()
    talk.say(Side.TARGET, said("Status standard_conforming_strings off"))
    talk.say(Side.CLIENT, said("Parse p a") + said("Sync"))
    talk.say(Side.TARGET, said("ParseComplete") + said("Ready I"))
    talk.say(Side.CLIENT, said("Query select 'a\\'; deallocate p; --'"))
    talk.say(Side.TARGET, said("Done SELECT 1") + said("Ready I"))
    (record, _) = talk.say(Side.CLIENT, said("Bind - p") + said("Sync"))
    assert record.fact.verified is False
