"""What is kept of results: rows where the target says so, as the client saw them, and the names of columns always."""

from __future__ import annotations

from daypass.domain.statement import Completed, Rows
from daypass.protocols.interface import Record, Send, Side
from daypass.protocols.postgres import messages
from daypass.protocols.postgres.rows import unpack_rows
from tests.protocols.postgres.script import Conversation, said


def test_rows_are_kept_where_the_target_says_so() -> None:
    Conversation(results=True).play("""
        <- Query select 1
        ## submitted 1 query: select 1
        -> Query select 1
        => Columns a b | Row 1 NULL | Row 2 x
        <= Columns a b | Row 1 NULL | Row 2 x
        ## rows 1 [['1', None], ['2', 'x']]
        => Row 3 y | Done SELECT 3 | Ready I
        <= Row 3 y | Done SELECT 3 | Ready I
        ## rows 1 [['3', 'y']]
        ## completed 1 SELECT 3 rows=3
    """)


def test_what_is_copied_out_and_what_functions_return_are_results_too() -> None:
    Conversation(results=True).play("""
        <- Query select 1; copy t to stdout
        ## submitted 1 query: select 1; copy t to stdout
        -> Query select 1; copy t to stdout
        => Columns a | Row 1 | Done SELECT 1 | CopyOut | CopyData a | CopyData b | CopyDone | Done COPY 2 | Ready I
        <= Columns a | Row 1 | Done SELECT 1 | CopyOut | CopyData a | CopyData b | CopyDone | Done COPY 2 | Ready I
        ## rows 1 [['1']]
        ## rows 1 [['a'], ['b']]
        ## completed 1 SELECT 1, COPY 2 rows=3
        <- Call 1 x
        ## submitted 2 call ['x']: function 1
        -> Call 1 x
        => Result 1 | Ready I
        <= Result 1 | Ready I
        ## rows 2 [['1']]
        ## completed 2 CALL rows=1
    """)


def test_results_are_read_by_the_formats_that_their_bind_asked_for() -> None:
    """The statement was described once, as drivers do that keep prepared statements."""
    talk = Conversation(results=True)
    talk.say(Side.CLIENT, said("Parse p x") + said("Describe S p") + said("Sync"))
    described = messages.row_description([messages.Column("n", 23, 0), messages.Column("t", 25, 0)])
    answer = said("ParseComplete") + said("Params 23") + described + said("Ready I")
    talk.say(Side.TARGET, answer)
    binary = messages.message(b"B", b"\0p\0" + b"\0\0" + b"\0\0" + b"\0\1\0\1")
    row = messages.data_row([b"\0\0\0A", b"it"])
    for executes in (1, 2):
        talk.say(Side.CLIENT, binary + said("Execute - 1") * executes + said("Sync"))
        answer = said("BindComplete") + (row + said("Suspended")) * executes + said("Ready I")
        facts = [effect.fact for effect in talk.say(Side.TARGET, answer) if isinstance(effect, Record)]
        kept = [unpack_rows(fact.data) for fact in facts if isinstance(fact, Rows)]
        assert kept == [(("\\x00000041", "it"),)] * executes
        assert {fact.columns for fact in facts if isinstance(fact, Completed)} == {("n", "t")}


def test_columns_are_known_when_a_portal_of_the_statement_was_described() -> None:
    talk = Conversation()
    talk.say(
        Side.CLIENT, said("Parse p x") + said("Bind - p") + said("Describe P -") + said("Execute -") + said("Sync")
    )
    answers = ("ParseComplete", "BindComplete", "Columns a", "Done SELECT 0", "Ready I")
    talk.say(Side.TARGET, b"".join(map(said, answers)))
    talk.say(Side.CLIENT, said("Bind - p") + said("Execute -") + said("Sync"))
    *_, record = talk.say(Side.TARGET, said("BindComplete") + said("Done SELECT 0") + said("Ready I"))
    assert record.fact.columns == ("a",)


def test_rows_that_do_not_fit_are_cut_visibly() -> None:
    talk = Conversation(results=True)
    talk.say(Side.CLIENT, said("Query select big"))
    small, big = said("Row 1"), messages.data_row([b"x" * 2_000_000])
    effects = talk.say(Side.TARGET, small + big)
    assert effects[0] == Send(Side.CLIENT, small + big)
    cuts = [effect.fact.cut for effect in effects[1:]]
    assert cuts[-1] is True
    assert talk.say(Side.TARGET, small) == [Send(Side.CLIENT, small)]
