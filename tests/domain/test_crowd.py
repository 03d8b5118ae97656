"""Who is one human being, and who may therefore not decide."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.crowd import Crowd
from daypass.domain.errors import ConfigError
from daypass.domain.people import Person, canonical_email
from daypass.domain.policy_set import load_policies
from tests.domain.things import ANA, BEN, LEA, NOW, PEOPLE, POLICY, SAM, TARGETS, person

LEADS = ("group:payments-leads",)


def agent(name: str, of: Person, *groups: str) -> Person:
    return replace(person(name, *groups), agent_of=of.id)


@pytest.mark.parametrize(
    ("email", "canonical"),
    [
        ("Ana@Acme.test", "ana@acme.test"),
        ("ana+x+y@acme.test", "ana@acme.test"),
        ("+@a.b", "@a.b"),
        ("ana@acme.test.", "ana@acme.test"),
        ("\uff41\uff4e\uff41@acme.test", "ana@acme.test"),
        ("ana\uff0bx@acme.test", "ana@acme.test"),
        ("e\u0301va@acme.test", "\u00e9va@acme.test"),
        ("\ufb01n@acme.test", "fin@acme.test"),
        ("stra\u00dfe@acme.test", "strasse@acme.test"),
    ],
)
def test_one_mailbox_has_one_address(email: str, canonical: str) -> None:
    assert canonical_email(email) == canonical


def test_a_second_account_by_shared_email_decides() -> None:
    second = replace(person("ana2", "payments-leads"), email="ana+admin@acme.test")
    crowd = Crowd((*PEOPLE, second))
    assert crowd.selves(ANA.id) == {ANA.id, second.id}
    assert second.id not in crowd.eligible(LEADS, ANA.id)
    assert ANA.id not in crowd.eligible(("ana@acme.test",), second.id)


def test_a_second_account_by_shared_subject_decides() -> None:
    first, second = replace(ANA, subject="idp|7"), replace(person("zoe", "payments-leads"), subject="idp|7")
    crowd = Crowd((first, second, LEA))
    assert crowd.eligible(LEADS, first.id) == (LEA.id,)


def test_an_agent_decides_for_its_owner_and_the_owner_for_it() -> None:
    bot, other = agent("bot", LEA, "payments-leads"), agent("bot2", LEA, "payments-leads")
    crowd = Crowd((*PEOPLE, bot, other))
    assert crowd.eligible(LEADS, LEA.id) == (BEN.id,)
    assert crowd.eligible(LEADS, bot.id) == (BEN.id,)
    assert set(crowd.eligible(LEADS, ANA.id)) == {BEN.id, bot.id, other.id, LEA.id}


def test_the_ways_are_followed_to_their_end() -> None:
    """An agent of a second account is mine."""
    second = replace(person("ana2"), email="ana+2@acme.test")
    bot = agent("bot", second, "payments-leads")
    assert bot.id in Crowd((*PEOPLE, second, bot)).selves(ANA.id)


IDS = ("a", "b", "c", "d")
ANYBODY = st.builds(
    Person,
    id=st.just(""),
    email=st.sampled_from(("x@acme.test", "x+1@acme.test", "y@acme.test", "z@acme.test")),
    name=st.just("Somebody"),
    groups=st.just(frozenset()),
    subject=st.sampled_from(("", "s1", "s2")),
    agent_of=st.sampled_from(("", *IDS)),
)
SOME = st.dictionaries(st.sampled_from(IDS), ANYBODY)


@given(SOME, st.lists(SOME, max_size=3))
def test_who_changed_is_known_as_if_everybody_was_read_anew(
    first: dict[str, Person], changes: list[dict[str, Person]]
) -> None:
    known = {id: replace(one, id=id) for id, one in first.items()}
    crowd = Crowd(sorted(known.values(), key=lambda one: one.email))
    crowd.selves(*IDS)
    for some in changes:
        changed = {id: replace(one, id=id) for id, one in some.items()}
        before, selves = crowd, {id: crowd.selves(id) for id in IDS}
        crowd, known = crowd.changed(changed), {**known, **changed}
        fresh = Crowd(tuple(known.values()))
        assert [crowd.selves(id) for id in IDS] == [fresh.selves(id) for id in IDS]
        assert {id: before.selves(id) for id in IDS} == selves, "the former one stays as it was"


def test_a_group_owner_is_decided_for_by_her_own_group() -> None:
    crowd = Crowd(PEOPLE, {"payments-leads": frozenset({ANA.email})})
    assert crowd.eligible(LEADS, ANA.id) == ()
    assert crowd.eligible((*LEADS, LEA.email), ANA.id) == (LEA.id,)
    assert crowd.eligible(LEADS, SAM.id) == (BEN.id, LEA.id)


def test_a_policys_own_cases_know_who_owns_a_group() -> None:
    text = POLICY.split("expect:")[0].replace("        - { need: 1, of: [group:secops] }\n", "")
    text += "expect:\n  - { by: ana@acme.test, target: orders, role: write, for: 1h, then: refused }\n"
    load_policies([("p.yaml", text)], TARGETS, Crowd(PEOPLE, {"payments-leads": frozenset({ANA.email})}), NOW)
    with pytest.raises(ConfigError, match="refused was expected"):
        load_policies([("p.yaml", text)], TARGETS, PEOPLE, NOW)
