"""What is saved comes back equal, and the questions that services ask find it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.directory import EVERY, Filter
from daypass.domain.errors import Conflict, Invalid
from daypass.domain.grant import GrantState
from daypass.domain.request import RequestState
from daypass.domain.session import SessionState
from daypass.store.interface import Page, Store
from daypass.store.visiting import Flow, Password
from tests.store.things import ANA, BEN, GRANT, ODD, PASSKEY, REQUEST, SESSION, TOKEN, WAITING, id_of


async def save_all(store: Store) -> None:
    async with store.begin() as t:
        await t.save_person(ANA)
        await t.save_person(BEN)
        await t.save_token(TOKEN)
        await t.save_request(REQUEST)
        await t.save_request(WAITING)
        await t.save_grant(GRANT)
        await t.save_session(SESSION)


async def test_every_object_comes_back_as_it_went_in(store: Store) -> None:
    await save_all(store)
    async with store.reading() as t:
        assert await t.person(ANA.id) == ANA
        assert await t.person_by_email(BEN.email) == BEN
        assert await t.people() == [ANA, BEN]
        assert await t.token(TOKEN.id) == TOKEN
        assert await t.token_by_sha256(TOKEN.sha256) == TOKEN
        assert await t.request(REQUEST.id) == REQUEST
        assert await t.request(WAITING.id) == WAITING
        assert await t.grant(GRANT.id) == GRANT
        assert await t.session(SESSION.id) == SESSION


async def test_what_is_not_there_is_none(store: Store) -> None:
    async with store.reading() as t:
        assert await t.person("x") is None
        assert await t.person_by_email("x") is None
        assert await t.token("x") is None
        assert await t.token_by_sha256(b"x") is None
        assert await t.request("x") is None
        assert await t.grant("x") is None
        assert await t.session("x") is None
        assert await t.setting("x") is None


async def test_saving_again_replaces(store: Store) -> None:
    await save_all(store)
    changed = replace(GRANT, state=GrantState.END_UNCONFIRMED, ending=None, extensions=(), end_by=None)
    async with store.begin() as t:
        assert await t.grant_for_change(GRANT.id) == GRANT
        await t.save_grant(changed)
        assert await t.request_for_change(REQUEST.id) == REQUEST
        await t.save_request(replace(REQUEST, stages=REQUEST.stages[1:]))
        assert await t.session_for_change(SESSION.id) == SESSION
        await t.save_session(replace(SESSION, state=SessionState.ENDED))
        await t.save_setting("name", ODD)
        await t.save_setting("name", "again")
    async with store.reading() as t:
        assert await t.grant(GRANT.id) == changed
        assert (await t.session(SESSION.id)) == replace(SESSION, state=SessionState.ENDED)
        assert await t.setting("name") == "again"
        assert [one.id for one in await t.requests(eligible=BEN.id)] == [WAITING.id]


async def test_values_that_no_column_holds_are_invalid(store: Store) -> None:
    for which, offset in ((EVERY, 10**30), (Filter(external_id="a\0b"), 2**63)):
        with pytest.raises(Invalid):
            async with store.reading() as t:
                await t.directory_entries("person", which, offset=offset, limit=1)


async def test_two_people_never_share_an_address(store: Store) -> None:
    await save_all(store)
    with pytest.raises(Conflict):
        async with store.begin() as t:
            await t.save_person(replace(BEN, id=id_of(3), email=ANA.email))


async def test_live_tokens_only(store: Store) -> None:
    live = replace(TOKEN, id=id_of(11), sha256=b"1", revoked_at=None)
    newer = replace(live, id=id_of(12), sha256=b"2")
    old = replace(live, id=id_of(13), sha256=b"3", expires_at=5)
    async with store.begin() as t:
        await t.save_person(ANA)
        for token in (TOKEN, live, newer, old):
            await t.save_token(token)
    async with store.reading() as t:
        assert await t.tokens_of(ANA.id, live_at=5) == [newer, live]
        assert await t.tokens_of(ANA.id, live_at=live.expires_at) == []


async def test_requests_are_found_by_who_and_in_which_state(store: Store) -> None:
    await save_all(store)
    async with store.reading() as t:
        assert await t.requests() == [WAITING, REQUEST]
        assert await t.requests(requester=ANA.id, states=[RequestState.APPROVED]) == [REQUEST]
        assert await t.requests(requester=BEN.id) == []
        assert await t.requests(eligible=id_of(4), states=[RequestState.PENDING]) == [WAITING]
        assert await t.requests(eligible=ANA.id) == []
        assert await t.requests(decide_by_until=WAITING.decide_by, states=[RequestState.PENDING]) == [WAITING]
        assert await t.requests(decide_by_until=WAITING.decide_by - 1) == []
        assert await t.requests(page=Page(limit=1)) == [WAITING]
        assert await t.requests(page=Page(limit=1, before=WAITING.id)) == [REQUEST]


async def test_grants_are_due_by_the_clock_of_their_state(store: Store) -> None:
    await save_all(store)
    ready = replace(GRANT, id=id_of(41), state=GrantState.READY, activate_by=100, expires_at=None)
    active = replace(GRANT, id=id_of(42), state=GrantState.ACTIVE, activate_by=100, expires_at=200)
    async with store.begin() as t:
        await t.save_grant(ready)
        await t.save_grant(active)
    async with store.reading() as t:
        assert await t.grants(due_until=99) == []
        assert await t.grants(due_until=100) == [ready]
        assert await t.grants(due_until=200) == [active, ready]
        assert await t.grants(person=ANA.id, target="orders", states=[GrantState.ACTIVE]) == [active]
        assert await t.grants(target="else") == []


async def test_sessions_are_found_by_what_they_belong_to(store: Store) -> None:
    await save_all(store)
    other = replace(SESSION, id=id_of(51), state=SessionState.OPEN, node="two", ended_at=None)
    async with store.begin() as t:
        await t.save_session(other)
    async with store.reading() as t:
        assert await t.sessions(person=ANA.id) == [other, SESSION]
        assert await t.sessions(grant=GRANT.id, node="two") == [other]
        assert await t.sessions(states=[SessionState.OPEN, SessionState.OPENING]) == [other]
        assert await t.sessions(grant="none") == []


async def test_an_id_may_be_named_by_its_beginning_or_end(store: Store) -> None:
    await save_all(store)
    async with store.reading() as t:
        assert await t.resolve("request", REQUEST.id) == [REQUEST.id]
        assert await t.resolve("request", REQUEST.id[-2:]) == [REQUEST.id]
        assert await t.resolve("request", REQUEST.id[:8].upper()) == [WAITING.id, REQUEST.id]
        assert await t.resolve("grant", "") == []
        assert await t.resolve("grant", "%") == []
        assert await t.resolve("session", "_") == []
        assert await t.resolve("session", "ff") == []


async def test_what_a_failed_body_did_is_undone(store: Store) -> None:
    async def fail() -> None:
        async with store.begin() as t:
            await t.save_person(ANA)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.reading() as t:
        assert await t.people() == []


async def test_passkeys_and_passwords(store: Store) -> None:
    await save_all(store)
    newer = replace(PASSKEY, id=id_of(90), credential="Yg", removed_at=None)
    async with store.begin() as t:
        await t.save_passkey(PASSKEY)
        await t.save_passkey(newer)
        await t.save_password(Password(ANA.id, "$argon2id$1", 1))
        await t.save_password(Password(ANA.id, "$argon2id$2", 2))
    async with store.begin() as t:
        assert await t.passkeys(ANA.id) == [newer, PASSKEY] and await t.passkeys(BEN.id) == []
        assert await t.passkey_for_change("YQ") == PASSKEY and await t.passkey_for_change("x") is None
        assert await t.password(ANA.id) == Password(ANA.id, "$argon2id$2", 2) and await t.password(BEN.id) is None
        assert await t.drop_password(ANA.id) and not await t.drop_password(ANA.id)


async def test_a_person_is_erased_with_what_they_sign_in_with(store: Store) -> None:
    await save_all(store)
    async with store.begin() as t:
        await t.save_passkey(replace(PASSKEY, removed_at=None))
        await t.save_password(Password(ANA.id, "$argon2id$1", 1))
        await t.save_flow(Flow("f", "invitation", ANA.id, "", {}, 1, 2))
        await t.erase_tokens(ANA.id, 7)
    async with store.begin() as t:
        assert await t.passkeys(ANA.id) == [replace(PASSKEY, name="", removed_at=7)]
        assert await t.password(ANA.id) is None and await t.flow_for_change("f") is None


async def test_a_persons_flows_of_one_kind(store: Store) -> None:
    async with store.begin() as t:
        for id, kind, made in (("a", "x", 1), ("b", "x", 2), ("c", "y", 3)):
            await t.save_flow(Flow(id, kind, "p", "", {}, made, 10))
        found = await t.flow_of("x", "p", live_at=5)
        assert found is not None and found.id == "b"
        assert [one.id for one in await t.flows("x", live_at=5)] == ["a", "b"] and not await t.flows("x", live_at=10)
        assert await t.flow_of("x", "p", live_at=10) is None and await t.flow_of("x", "q", live_at=5) is None
        assert await t.drop_flows("x", "p") == 2
        assert await t.flow_of("x", "p", live_at=5) is None and await t.flow_of("y", "p", live_at=5) is not None
