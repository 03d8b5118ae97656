"""The usual round trip in one step comes to what the general way makes of it: the same bytes, the same facts.

A message whose first byte comes alone is taken the general way, so both are to be had by cutting what is said.
"""

from __future__ import annotations

from typing import Any

import pytest

from daypass.domain.statement import Fact
from daypass.protocols.interface import Limits, Record, Send, Side
from daypass.protocols.postgres import messages
from daypass.protocols.postgres.relay import Relay
from tests.protocols.postgres.script import said

ASK = "Bind - p 7 | Describe P - | Execute - | Sync"
PREPARED = [
    ("<-", "Parse p select $1 | Describe S p | Sync"),
    ("=>", "ParseComplete | Params 25 | Columns a | Ready I"),
]
ONCE = [("<-", ASK), ("=>", "BindComplete | Columns a | Row 7 | Row 8 | Done SELECT 2 | Ready I")]
UNDESCRIBED = [("<-", "Bind - p NULL | Execute - | Sync"), ("=>", "BindComplete | Row 7 | Done SELECT 1 | Ready I")]
NO_ROWS = [("<-", ASK), ("=>", "BindComplete | NoData | Done UPDATE 3 | Ready I")]
FAILED = [("<-", ASK), ("=>", "Error 22012 division by zero | Ready I")]
FAILED_LATE = [("<-", ASK), ("=>", "BindComplete | Columns a | Row 7 | Error 22012 division by zero | Ready I")]
FAILED_AT_COMMIT = [("<-", ASK), ("=>", "BindComplete | NoData | Done INSERT 0 1 | Error 23503 no such row | Ready I")]
NOTICED = [("<-", ASK), ("=>", "BindComplete | NoData | Notice hm | Done UPDATE 1 | Ready I")]
EMPTY = [("<-", ASK), ("=>", "BindComplete | NoData | Empty | Ready I")]
AGAIN_IN_TRANSACTION = [
    ("<-", ASK),
    ("=>", "BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready T"),
    ("<-", "Execute - | Sync"),
    ("=>", "Done SELECT 0 | Ready T"),
    ("<-", ASK),
    ("=>", "Error 25P02 aborted | Ready E"),
    ("<-", "Execute - | Sync"),
    ("=>", "Error 25P02 aborted | Ready E"),
    ("<-", "Query rollback"),
    ("=>", "Done ROLLBACK | Ready I"),
    ("<-", "Execute - | Sync"),
    ("=>", "Error 34000 no such portal | Ready I"),
]
PIPELINED = [
    ("<-", ASK),
    ("<-", ASK),
    ("<-", "Query select 1"),
    ("=>", "BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
    ("=>", "BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I | Columns b | Done SELECT 0 | Ready I"),
]
UNSYNCED_BEFORE = [("<-", "Bind - p 1 | Flush"), ("=>", "BindComplete"), *ONCE]
UNKNOWN_NAME = [("<-", "Bind - q 1 | Execute - | Sync"), ("=>", "Error 26000 daypass | Ready I"), *ONCE]
UNNAMED = "Parse - select $1 | " + ASK.replace(" p ", " - ")
EXTENDED = [
    ("<-", UNNAMED),
    ("=>", "ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
    *ONCE,
    ("<-", ASK.replace(" p ", " - ")),
    ("=>", "BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
    ("<-", "Parse - insert | Bind - - NULL | Execute - | Sync"),
    ("=>", "ParseComplete | BindComplete | Done INSERT 0 1 | Ready I"),
]
NOT_PARSED = [
    ("<-", UNNAMED),
    ("=>", "ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
    ("<-", UNNAMED.replace("select", "selec")),
    ("=>", "Error 42601 syntax error | Ready I"),
    ("<-", ASK.replace(" p ", " - ")),
    ("=>", "Error 26000 daypass | Ready I"),
]
NOT_BOUND = [
    ("<-", UNNAMED),
    ("=>", "ParseComplete | Error 22P02 no number | Ready I"),
    ("<-", ASK.replace(" p ", " - ")),
    ("=>", "BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
]
EXTENDED_IN_TRANSACTION = [
    ("<-", UNNAMED),
    ("=>", "ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready T"),
    ("<-", "Execute - | Sync"),
    ("=>", "Done SELECT 0 | Ready T"),
    ("<-", UNNAMED),
    ("=>", "Error 25P02 aborted | Ready E"),
]
PARSED_AND_ANOTHER_BOUND = [
    ("<-", "Parse - select 2 | " + ASK),
    ("=>", "ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
]
PARSED_UNDER_A_NAME = [
    ("<-", "Parse q select 2 | " + ASK.replace(" p ", " q ")),
    ("=>", "ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
]
PARSED_UNDER_A_NAME_AND_THE_UNNAMED_BOUND = [
    ("<-", UNNAMED),
    ("=>", "ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
    ("<-", "Parse q select 2 | " + ASK.replace(" p ", " - ")),
    ("=>", "ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
]
PARSED_TWICE = [
    ("<-", "Parse - select 2 | " + UNNAMED),
    ("=>", "ParseComplete | ParseComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I"),
]
PARSED_WHAT_TOUCHES_NAMES = [
    ("<-", "Parse - deallocate p | Bind - - | Execute - | Sync"),
    ("=>", "ParseComplete | BindComplete | Done DEALLOCATE | Ready I"),
    ("<-", ASK),
    ("=>", "Error 26000 daypass | Ready I"),
]
BOUND_TWICE = [("<-", UNNAMED), ("=>", "BindComplete | BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I")]
BOUND_WITHOUT_A_PARSE_COMPLETE = [("<-", UNNAMED), ("=>", "BindComplete | Columns a | Row 7 | Done SELECT 1 | Ready I")]
OUT_OF_ORDER = [("<-", ASK), ("=>", "BindComplete | Done SELECT 1 | Columns a | Ready I")]
UNASKED = [("<-", ASK), ("=>", "ParseComplete | Ready I")]

STORIES = {name: story for name, story in globals().items() if name.isupper() and isinstance(story, list)}


class Heard:
    """What came of a story: bytes for each side, facts, and what else happened."""

    def __init__(self, *, results: bool) -> None:
        self.relay = Relay(Limits(), results=results, parameters={})
        self.sent = {Side.CLIENT: b"", Side.TARGET: b""}
        self.facts: list[Fact] = []
        self.other: list[Any] = []

    def tell(self, arrow: str, text: str, at: float, cut: int) -> None:
        data = b"".join(map(said, text.split(" | ")))
        side = Side.CLIENT if arrow == "<-" else Side.TARGET
        for piece in filter(None, (data[:cut], data[cut:])):
            for effect in self.relay.received(side, piece, at):
                if isinstance(effect, Send):
                    self.sent[effect.side] += effect.data
                elif isinstance(effect, Record):
                    self.facts.append(effect.fact)
                else:
                    self.other.append(effect)

    @property
    def everything(self) -> tuple[Any, ...]:
        return self.sent, self.facts, self.other, self.relay.ended, self.relay.at_work()


def heard(story: list[tuple[str, str]], asked_cut: int, answered_cut: int, *, results: bool = False) -> Heard:
    one = Heard(results=results)
    for number, (arrow, text) in enumerate([*PREPARED, *story, *ONCE]):
        one.tell(arrow, text, float(number), asked_cut if arrow == "<-" else answered_cut)
    return one


@pytest.mark.parametrize("results", [False, True])
@pytest.mark.parametrize("name", STORIES)
def test_in_one_step_or_in_many_the_same_is_recorded_and_forwarded(name: str, results: bool) -> None:
    story = STORIES[name]
    general = heard(story, 1, 1, results=results)
    longest = max(len(b"".join(map(said, text.split(" | ")))) for _, text in story)
    for asked_cut in (0, 1, 9):
        for answered_cut in range(longest + 1):
            steady = heard(story, asked_cut, answered_cut, results=results)
            if results:  # rows are kept in the pieces they came in
                kept = [fact for fact in steady.facts if type(fact).__name__ != "Rows"]
                assert kept == [fact for fact in general.facts if type(fact).__name__ != "Rows"]
            else:
                assert steady.everything == general.everything, (asked_cut, answered_cut)
            assert steady.sent == general.sent


def test_the_types_that_a_parse_names_stay_with_its_values() -> None:
    parse = messages.parse(b"", b"select $1", [23])
    data = parse + b"".join(map(said, ASK.replace(" p ", " - ").split(" | ")))
    found = []
    for pieces in ((data,), (data[:1], data[1:])):
        relay = Relay(Limits(), results=False, parameters={})
        effects = [effect for piece in pieces for effect in relay.received(Side.CLIENT, piece, 1.0)]
        found.append([effect.fact for effect in effects if isinstance(effect, Record)])
    assert found[0] == found[1]
    assert found[0][0].values.startswith(b"\0\x01\0\0\0\x17")


@pytest.mark.parametrize("cut", [0, 1])
@pytest.mark.parametrize(
    ("ask", "before"), [(ASK, b""), (UNNAMED, b"1\0\0\0\x04"), (UNNAMED, b"1\0\0\0\x03"), (UNNAMED, b"")]
)
@pytest.mark.parametrize(
    "answer",
    [
        b"2\0\0\0\x03",
        b"2\0\0\0\x04C\0\0\0\0",
        b"2\0\0\0\x04T\0\0\0\x06\0\x09C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I",
        b"2\0\0\0\x04n\0\0\0\x04C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05\0",
        b"2\0\0\0\x04n\0\0\0\x04C\0\0\0\x04Z\0\0\0\x05I",
        b"2",
        b"2\0\0\0\x04n",
    ],
)
def test_an_answer_that_breaks_the_protocol_comes_to_the_same(ask: str, before: bytes, answer: bytes, cut: int) -> None:
    found, answer = [], before + answer
    for way in (0, 1):
        one = Heard(results=False)
        for number, (arrow, text) in enumerate([*PREPARED, ("<-", ask)]):
            one.tell(arrow, text, float(number), way)
        effects = one.relay.received(Side.TARGET, answer[:cut], 9.0) if cut else []
        effects += one.relay.received(Side.TARGET, answer[cut:], 9.0)
        sent = b"".join(effect.data for effect in effects if isinstance(effect, Send) and effect.side is Side.CLIENT)
        found.append((sent, [effect for effect in effects if not isinstance(effect, Send)], one.relay.ended))
    assert found[0] == found[1]
