"""A session prepares no transaction, as that would outlive it; unless the target says that it may."""

from __future__ import annotations

import pytest

from daypass.domain.errors import Invalid
from daypass.domain.target import Target
from daypass.protocols.postgres import POSTGRES
from daypass.protocols.postgres.traits import PARSED_BYTES_MAX, traits, unsure
from tests.protocols.postgres.script import Conversation

REFUSED = "PREPARE TRANSACTION is refused: a prepared transaction would outlive this session"
QUERY = f"""
    <- Query prepare transaction 'x'
    ## refused 1: a prepared transaction would outlive the session
    -> Query daypass refuses this statement
    => Error 42601 syntax | Ready E
    <= Error 0A000 {REFUSED}
    <= Ready E
"""
PARSE = f"""
    <- Parse - prepare transaction 'x' | Bind - - | Execute - | Sync
    ## refused 1: a prepared transaction would outlive the session
    -> Describe ! - | Sync
    => Error 08P01 invalid | Ready E
    <= Error 0A000 {REFUSED}
    <= Ready E
"""

HIDDEN = r"select '\' , ';prepare transaction $$x$$;--'"
"""One statement, or two where the target reads a backslash as an escape."""
NOT_YET_SAID = f"""
    <- Query set standard_conforming_strings = off | Query {HIDDEN}
    ## submitted 1 query: set standard_conforming_strings = off
    ## refused 2: a prepared transaction would outlive the session
    -> Query set standard_conforming_strings = off | Query daypass refuses this statement
"""
NOT_SYNCED = f"""
    <- Parse - set standard_conforming_strings = off | Bind - - | Execute - | Flush
    ## submitted 1 bind: set standard_conforming_strings = off
    -> Parse - set standard_conforming_strings = off | Bind - - | Execute - | Flush
    => ParseComplete | BindComplete | Done SET
    <= ParseComplete | BindComplete | Done SET
    ## completed 1 SET
    <- Parse - {HIDDEN}
    ## refused 2: a prepared transaction would outlive the session
    -> Describe ! -
"""
SAID = f"""
    <- Query set standard_conforming_strings = off
    ## submitted 1 query: set standard_conforming_strings = off
    -> Query set standard_conforming_strings = off
    => Done SET | Status standard_conforming_strings off | Ready I
    <= Done SET | Status standard_conforming_strings off | Ready I
    ## completed 1 SET
    <- Query {HIDDEN}
    ## refused 2: a prepared transaction would outlive the session
    -> Query daypass refuses this statement
"""
ANOTHER_ENCODING = """
    <- Query set client_encoding = gbk
    ## submitted 1 query: set client_encoding = gbk
    -> Query set client_encoding = gbk
    => Done SET | Status client_encoding GBK | Ready I
    <= Done SET | Status client_encoding GBK | Ready I
    ## completed 1 SET
    <- Query select E'你\\' ;prepare transaction $$x$$;--'
    ## refused 2: a prepared transaction would outlive the session
    -> Query daypass refuses this statement
"""
ORDINARY = r"""
    <- Query select 1 | Query select '\'
    ## submitted 1 query: select 1
    ## submitted 2 query: select '\'
    -> Query select 1 | Query select '\'
    => Done SELECT 1 | Ready I | Done SELECT 1 | Ready I
    <= Done SELECT 1 | Ready I | Done SELECT 1 | Ready I
    ## completed 1 SELECT 1 rows=1
    ## completed 2 SELECT 1 rows=1
    <- Query select '\' , ';prepare transaction $$x$$;--'
    ## submitted 3 query: select '\' , ';prepare transaction $$x$$;--'
    -> Query select '\' , ';prepare transaction $$x$$;--'
"""


@pytest.mark.parametrize("script", [NOT_YET_SAID, NOT_SYNCED, SAID, ANOTHER_ENCODING, ORDINARY])
def test_a_text_that_the_target_may_read_in_another_way(script: str) -> None:
    Conversation().play(script)


@pytest.mark.parametrize("script", [QUERY, PARSE], ids=["query", "parse"])
def test_refused(script: str) -> None:
    Conversation().play(script)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        (b"PREPARE TRANSACTION 'x'", True),
        (b"select 1; prepare /* not */ transaction $$x$$", True),
        (b"commit prepared 'x'", False),
        (b"rollback prepared 'x'", False),
        (b"select 'prepare transaction'", False),
        (b"prepare p as select 1", False),
        (b"prepare transaction 'x' nonsense", True),
        (b"prepare transaction '\xff'", True),
        (b"prepare transaction 'x'" + b" " * PARSED_BYTES_MAX, True),
    ],
)
def test_what_is_told_from_a_text(text: bytes, leaves: bool) -> None:
    assert traits(text).leaves is leaves
    assert not leaves or unsure(text).leaves


def test_the_option_is_true_or_false() -> None:
    def target(**options: object) -> Target:
        return Target("orders", POSTGRES.name, "127.0.0.1", 5432, "orders", {}, {}, options=options)

    POSTGRES.check(target(allow_prepare_transaction=True))
    with pytest.raises(Invalid, match="allow_prepare_transaction is 'yes'"):
        POSTGRES.check(target(allow_prepare_transaction="yes"))
    with pytest.raises(Invalid, match="unknown key"):
        POSTGRES.check(target(allow=True))
