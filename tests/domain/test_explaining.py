"""Why policy answers as it does, who could get something, and what other policies would have decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain import policy
from daypass.domain.crowd import Crowd
from daypass.domain.durations import instant_ms
from daypass.domain.explaining import conjuncts, explain, who_can
from daypass.domain.policy_file import read_policy
from daypass.domain.simulating import Recorded, replay
from tests.domain.things import ANA, BEN, EVE, HOUR, LEA, NOW, ORDERS, PEOPLE, POLICY, SAM, TARGETS, question

PAYMENTS = (read_policy(POLICY, "payments.yaml"),)
CROWD = Crowd(PEOPLE)


def test_a_sentence_a_trace_and_who_would_be_asked() -> None:
    found = explain(PAYMENTS, question(ANA, "write", ticket="INC-7"), CROWD)
    assert found.state == "NEEDS_VOTES"
    assert found.sentence == (
        "ana@acme.test asking for orders:write for 1 hour would wait for a decision: rule 'change data' of "
        "payments-production needs 1 of group:payments-leads and 1 of group:secops, other than the requester."
    )
    assert [(one.name, one.line, one.why_not) for one in found.looked] == [
        ("on-call reads", 5, "it is for read"),
        ("change data", 11, ""),
    ]
    assert found.asked == ((BEN.id, LEA.id), (SAM.id,))


def test_every_condition_and_its_answer() -> None:
    when = """'request.ticket.startsWith("INC-") && request.minutes < 5 && ticket.open'"""
    rules = (read_policy(POLICY.replace('request.ticket.startsWith("INC-")', when), "p"),)
    found = explain(rules, question(ANA, "read", ticket="INC-7"), CROWD)
    assert [(part.source, part.answer) for part in found.looked[0].parts] == [
        ('request.ticket.startsWith("INC-")', "yes"),
        ("request.minutes < 5", "no"),
        ("ticket.open", "nothing is known of the ticket"),
    ]
    assert found.state == "REFUSED" and "cannot be answered" in found.sentence


@pytest.mark.parametrize(
    ("asked", "glass", "state"),
    [
        (question(ANA, "read", ticket="INC-7"), False, "AUTOMATIC"),
        (question(EVE, "read"), False, "REFUSED"),
        (question(ANA, "write", duration_ms=HOUR // 2), True, "BREAK_GLASS"),
        (question(EVE, "write"), True, "REFUSED"),
    ],
)
def test_what_is_explained_is_what_happens(asked: policy.Question, glass: bool, state: str) -> None:
    found = explain(PAYMENTS, asked, CROWD, glass=glass)
    assert found.state == state
    again = policy.match(PAYMENTS, asked, glass=True) if glass else policy.evaluate(PAYMENTS, asked, PEOPLE)
    assert found.verdict == again


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("a && b", ("a", "b")),
        ("a", ("a",)),
        ("(a && b) && c", ("(a && b)", "c")),
        ("a && b || c", ("a && b || c",)),
        ('x == "&&" && y', ('x == "&&"', "y")),
        (r'x == "\"&&" && y', (r'x == "\"&&"', "y")),
        ("a ? b : c && d", ("a ? b : c && d",)),
        ("[a && b].all(x, x && y)", ("[a && b].all(x, x && y)",)),
    ],
)
def test_conditions_are_taken_apart(source: str, parts: tuple[str, ...]) -> None:
    assert conjuncts(source) == parts


def test_who_can_and_how() -> None:
    found = [(one.person, one.how, one.if_) for one in who_can(PAYMENTS, ORDERS, "read", CROWD, NOW)]
    assert found == [
        (ANA.id, "automatically", 'request.ticket.startsWith("INC-")'),
        (ANA.id, "by breaking the glass, 30 minutes at most", ""),
    ]
    writers = {one.person for one in who_can(PAYMENTS, ORDERS, "write", CROWD, NOW)}
    assert writers == {ANA.id, BEN.id}
    assert {one.person for one in who_can(PAYMENTS, ORDERS, "write", Crowd((ANA, BEN, SAM)), NOW)} == {ANA.id}


def test_who_can_at_a_time() -> None:
    night = POLICY.replace('when: request.ticket.startsWith("INC-")', "hours: { from: 22:00, to: 06:00 }")
    night = night.replace("then: automatic", "at: 2026-11-23T23:00:00Z, then: automatic")
    rules = (read_policy(night, "p"),)
    for at, ways in (("2026-11-23T12:00:00Z", 1), ("2026-11-23T23:00:00Z", 2), ("2026-11-24T00:00:00Z", 2)):
        assert len(who_can(rules, ORDERS, "read", CROWD, instant_ms(at))) == ways


def test_who_can_leaves_out_what_never_holds() -> None:
    rules = (read_policy(POLICY.replace('request.ticket.startsWith("INC-")', 'target.labels.env == "test"'), "p"),)
    assert [one.rule for one in who_can(rules, ORDERS, "read", CROWD, NOW)] == ["break the glass"]
    frozen = (read_policy(POLICY.replace("rules:  ", "deny: [{ name: freeze }]\nrules:  ", 1), "p"),)
    assert who_can(frozen, ORDERS, "read", CROWD, NOW) == ()


RECORDED = Recorded("r", NOW, ANA.id, "orders", "write", HOUR, "why", "INC-7", None, "votes", 2, "change data")


def test_what_would_be_decided_otherwise() -> None:
    recorded = [
        RECORDED,
        replace(RECORDED, role="read", how="automatic", needs=0),
        replace(RECORDED, role="read", ticket="", how="refused", needs=0),
        replace(RECORDED, how="glass", duration_ms=HOUR // 2),
        replace(RECORDED, target="gone"),
    ]
    same = list(replay(recorded, PAYMENTS, TARGETS, CROWD))
    assert same[:4] == [None] * 4
    assert same[4] is not None and "no longer there" in same[4].why
    changed = POLICY.replace("        - { need: 1, of: [group:secops] }\n", "").replace("longest: 30m", "longest: 5m")
    changed = changed.replace('"INC-"', '"CHG-"')
    found = [
        (one.was, one.now) if one else None for one in replay(recorded, (read_policy(changed, "p"),), TARGETS, CROWD)
    ]
    assert found[:4] == [("2 people decide", "1 people decide"), ("automatic", "refused"), None, ("glass", "refused")]
