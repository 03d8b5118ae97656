"""Flaws seen in approval systems, each with a test by its name."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from daypass.domain import deciding, policy
from daypass.domain.deciding import Changes
from daypass.domain.errors import ConfigError, Conflict, Refused
from daypass.domain.people import selected
from daypass.domain.policy_file import read_policy
from daypass.domain.request import RequestState
from tests.domain.things import ANA, LEA, NOW, POLICY, SAM, by_id, person, question, request, stage, vote


def test_single_assignee_keeps_himself() -> None:
    """A requester who is the only eligible approver must not stay on the route."""
    lone = replace(ANA, groups=frozenset({"payments-engineers", "payments-leads"}))
    verdict = policy.evaluate((read_policy(POLICY, "p.yaml"),), question(lone), (lone, SAM))
    assert isinstance(verdict, policy.Refused)
    assert "not enough" in verdict.reason
    route = policy.evaluate((read_policy(POLICY, "p.yaml"),), question(lone), (lone, LEA, SAM))
    assert isinstance(route, policy.NeedsVotes)
    assert all(lone.id not in stage.eligible for stage in route.stages)


def test_even_a_forged_route_with_the_requester_on_it_does_not_count() -> None:
    asked = request(stage(1, ANA))
    with pytest.raises(Refused, match="own request"):
        deciding.approve(asked, vote(asked, ANA), ANA, by_id())


def test_one_person_in_two_groups_counts_twice() -> None:
    both = person("both", "payments-leads", "secops")
    asked = request(stage(1, both, LEA), stage(1, both, SAM))
    once = deciding.approve(asked, vote(asked, both), both, by_id(both, LEA, SAM))
    assert once.state is RequestState.PENDING
    with pytest.raises(Conflict):
        deciding.approve(once, vote(once, both), both, by_id(both, LEA, SAM))
    assert deciding.approve(once, vote(once, LEA), LEA, by_id(both, LEA, SAM)).state is RequestState.APPROVED


def test_exact_count_deadlock() -> None:
    """Whoever votes first, distinct people are found for all stages: the one in both fills what is left."""
    both = person("both")
    asked = request(stage(1, both, LEA), stage(1, both))
    people = by_id(both, LEA)
    for first, second in ((both, LEA), (LEA, both)):
        half = deciding.approve(asked, vote(asked, first), first, people)
        assert half.state is RequestState.PENDING
        assert deciding.approve(half, vote(half, second), second, people).state is RequestState.APPROVED


def test_votes_surviving_an_edit() -> None:
    asked = request(stage(1, LEA), stage(1, SAM))
    half = deciding.approve(asked, vote(asked, LEA), LEA, by_id())
    edited = deciding.edit(half, ANA, Changes(reason="something else"), NOW)
    assert deciding.standing(edited) == ()
    second = deciding.approve(edited, vote(edited, SAM), SAM, by_id())
    assert second.state is RequestState.PENDING
    assert deciding.approve(second, vote(second, LEA), LEA, by_id()).state is RequestState.APPROVED


def test_votes_surviving_an_edit_and_its_undoing() -> None:
    asked = request(stage(1, LEA), stage(1, SAM))
    half = deciding.approve(asked, vote(asked, LEA), LEA, by_id())
    there = deciding.edit(half, ANA, Changes(reason="something else"), NOW)
    back = deciding.edit(there, ANA, Changes(reason=asked.reason), NOW)
    assert back.reason == asked.reason
    assert back.digest != asked.digest
    assert deciding.standing(back) == ()


def test_disabled_approver_decides() -> None:
    asked = request(stage(1, LEA))
    gone = replace(LEA, disabled=True)
    with pytest.raises(Refused):
        deciding.approve(asked, vote(asked, gone), gone, by_id(gone))


def test_an_approval_of_someone_disabled_since_does_not_count() -> None:
    asked = request(stage(1, LEA), stage(1, SAM))
    half = deciding.approve(asked, vote(asked, LEA), LEA, by_id())
    after = deciding.approve(half, vote(half, SAM), SAM, by_id(replace(LEA, disabled=True), SAM))
    assert after.state is RequestState.PENDING


def test_an_approver_who_left_the_group_decides() -> None:
    asked = request(stage(1, LEA, of=("group:payments-leads",)))
    moved = replace(LEA, groups=frozenset())
    with pytest.raises(Refused):
        deciding.approve(asked, vote(asked, moved), moved, by_id(moved))


def test_one_who_joined_the_group_afterwards_decides() -> None:
    asked = request(stage(1, LEA, of=("group:payments-leads",)))
    newcomer = person("new", "payments-leads")
    with pytest.raises(Refused):
        deciding.approve(asked, vote(asked, newcomer), newcomer, by_id(newcomer, LEA))


def test_request_undecided_for_ever() -> None:
    asked = request(stage(1, LEA))
    assert asked.decide_by > asked.created_at
    assert deciding.expire(asked, asked.decide_by).state is RequestState.EXPIRED
    with pytest.raises(Conflict, match="in time"):
        deciding.approve(asked, vote(asked, LEA, at=asked.decide_by), LEA, by_id())


def test_client_written_status() -> None:
    """What a requester can change has no state, route, rule or digest in it."""
    assert {field.name for field in fields(Changes)} == {"reason", "ticket", "duration_ms"}


def test_rule_without_reviewers_fails_open() -> None:
    assert not deciding.enough(request(), by_id())
    for stages in ("[]", "[{ need: 0, of: [group:payments-leads] }]", "[{ need: 1, of: [] }]"):
        text = (
            "policy: p\ncovers: { targets: [orders] }\nrules:\n  - name: r\n    who: [group:g]\n    roles: [read]\n"
            f"    decide: {{ stages: {stages} }}\n"
        )
        with pytest.raises(ConfigError):
            read_policy(text, "p.yaml")


def test_a_group_that_nobody_is_in_fails_open() -> None:
    verdict = policy.evaluate((read_policy(POLICY, "p.yaml"),), question(ANA), (ANA, LEA))
    assert isinstance(verdict, policy.Refused)
    assert "group:secops" in verdict.hint


def test_a_disabled_person_is_selected_by_a_group() -> None:
    assert not selected(replace(LEA, disabled=True), ("group:payments-leads", LEA.email))
