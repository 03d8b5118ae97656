"""Long lists, on both databases: the newest first, page by page, and only what somebody has to do with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.domain.request import Item, Request, RequestState, Route, Stage
from daypass.ledger.recording import MEDIA
from daypass.store.interface import Page, Store
from daypass.store.sql import around
from tests.store.test_objects import save_all
from tests.store.things import ANA, BEN, GRANT, REQUEST, SESSION, WAITING, blob, draft, id_of

EVE = id_of(9)
COUNT = 60


def request(n: int) -> Request:
    """Every tenth has to do with Ana, each time for another reason; all others are Eve's."""
    one = replace(
        REQUEST, id=id_of(1000 + n), requester=EVE, on_behalf_of=None, asked_by=None, stages=(), route=Route()
    )
    why = {
        10: {"requester": ANA.id},
        20: {"on_behalf_of": ANA.id},
        30: {"asked_by": ANA.id},
        40: {"stages": (Stage(1, ("group:x",), (ANA.id,)),)},
        50: {"state": RequestState.RATIFIED},
    }
    return replace(one, **why.get(n, {}))  # type: ignore[arg-type]


THEIRS = [50, 40, 30, 20, 10]


async def filled(store: Store) -> None:
    async with store.begin() as tx:
        for person in (ANA, BEN):
            await tx.save_person(person)
        for n in range(COUNT):
            made = request(n)
            await tx.save_request(made)
            await tx.save_grant(replace(GRANT, id=id_of(2000 + n), request=made.id))
            await tx.save_session(
                replace(SESSION, id=id_of(3000 + n), grant=id_of(2000 + n), request=made.id, token="")
            )


@pytest.mark.parametrize("window", [3, 25, 2000], ids=lambda n: f"window of {n}")
async def test_only_what_one_has_to_do_with(store: Store, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    monkeypatch.setattr(around, "WINDOW", window)
    await filled(store)
    async with store.reading() as tx:
        for kind, first in ((tx.requests, 1000), (tx.grants, 2000), (tx.sessions, 3000)):
            assert [one.id for one in await kind(around=ANA.id)] == [id_of(first + n) for n in THEIRS]
            seen, before = [], None
            while part := await kind(around=ANA.id, page=Page(2, before)):
                seen += [one.id for one in part]
                before = part[-1].id
            assert seen == [id_of(first + n) for n in THEIRS]
            assert [one.id for one in await kind(around=BEN.id, page=Page(9))] == [id_of(first + 50)]


async def test_states_narrow_what_is_around(store: Store) -> None:
    await filled(store)
    async with store.reading() as tx:
        found = await tx.requests(around=ANA.id, states=(RequestState.RATIFIED,), page=Page(9))
        assert [one.id for one in found] == [id_of(1050)]
        some = await tx.requests(ids=[id_of(1003), id_of(1007), id_of(1)])
        assert [one.id for one in some] == [id_of(1007), id_of(1003)]
        assert await tx.requests(eligible=ANA.id, states=(RequestState.APPROVED,)) == [request(40)]


async def test_the_beginnings_of_pieces(store: Store) -> None:
    pieces = [replace(blob(bytes([n]) * 50, SESSION.id), media=MEDIA) for n in range(1, 4)]
    async with store.begin() as tx:
        await tx.append(draft(1, blobs=(*pieces, blob(b"something else", SESSION.id))))
    async with store.reading() as tx:
        found = await tx.piece_beginnings(SESSION.id, MEDIA, 8)
        assert [beginning for _, beginning in found] == [bytes([n]) * 8 for n in range(1, 4)]
        whole = await tx.pieces(SESSION.id)
        assert [place for place, _ in found] == [place for place, _ in whole][:3]
        first, _, third, _ = (place for place, _ in whole)
        assert await tx.pieces_at(SESSION.id, [third, first, third + 1000]) == [whole[0], whole[2]]
        assert await tx.pieces_at("another", [first]) == []


async def test_requests_for_the_same_access_are_found_behind_any_number_of_others(store: Store) -> None:
    await save_all(store)
    like = replace(WAITING, id=id_of(200), items=(Item("ledger", "audit"),))
    other = [replace(WAITING, id=id_of(300 + n), items=(Item("ledger", "read"),)) for n in range(5)]
    async with store.begin() as t:
        for one in (like, *other):
            await t.save_request(one)
    async with store.reading() as t:
        assert [one.id for one in await t.requests(access=("ledger", "audit"), page=Page(3))] == [like.id]
        assert await t.requests(access=("orders", "audit"), page=Page(3)) == []
