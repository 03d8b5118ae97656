"""The outbox: leases, order in a thread, what settles and what does not, and what happens once."""

from __future__ import annotations

from dataclasses import replace

from daypass.domain.standing import Notice
from daypass.store.interface import Page, Store
from tests.store.things import ODD, id_of

MAIL = "email"


def notice(number: int, *, thread: str = "t", person: str = "p", next_at: int = 100) -> Notice:
    return Notice(id_of(number), MAIL, person, "decide", {"request": ODD}, 50, next_at, thread=thread)


async def saved(store: Store, *notices: Notice) -> None:
    async with store.begin() as tx:
        for one in notices:
            await tx.save_notice(one)


async def claimed(store: Store, now: int, until: int, limit: int = 10) -> list[Notice]:
    async with store.begin() as tx:
        return list(await tx.claim_notices(MAIL, now=now, until=until, limit=limit))


async def test_what_goes_in_comes_out(store: Store) -> None:
    one = replace(notice(1), sent_at=7, problem=ODD, receipt={"ts": "1.2"}, attempts=3)
    await saved(store, one)
    async with store.reading() as tx:
        assert await tx.notice(one.id) == one
        assert await tx.sent_notice(MAIL, "p", "t") == one
        assert await tx.sent_notice(MAIL, "q", "t") is None


async def test_what_is_claimed_is_nobody_elses_until_its_lease_is_over(store: Store) -> None:
    await saved(store, notice(1))
    assert await claimed(store, 99, 200) == []
    (first,) = await claimed(store, 100, 200)
    assert (first.attempts, first.next_at) == (1, 200)
    assert await claimed(store, 199, 300) == []
    (second,) = await claimed(store, 200, 300)
    assert second.attempts == 2
    async with store.begin() as tx:
        # Whoever lost their lease settles nothing.
        assert not await tx.settle_notice(first, replace(first, next_at=0, problem="lost"))
        assert await tx.settle_notice(second, replace(second, next_at=0, sent_at=201, receipt={"id": "x"}))
    assert await claimed(store, 10_000, 20_000) == []


async def test_a_thread_goes_out_in_order_and_others_do_not_wait(store: Store) -> None:
    await saved(store, notice(1), notice(2), notice(3, person="q"), notice(4, thread=""), notice(5, thread=""))
    first = await claimed(store, 100, 200)
    assert [one.id for one in first] == [id_of(1), id_of(3), id_of(4), id_of(5)]
    async with store.begin() as tx:
        assert await tx.settle_notice(first[0], replace(first[0], next_at=0, sent_at=101))
    assert [one.id for one in await claimed(store, 150, 250)] == [id_of(2)]


async def test_what_was_given_up_is_found_and_what_is_old_is_forgotten(store: Store) -> None:
    dead = replace(notice(1), next_at=0, problem="550 no such user")
    quiet = replace(notice(2), next_at=0)
    later = replace(notice(4), next_at=0, problem="gone", made_at=notice(3).made_at)
    await saved(store, dead, quiet, notice(3), later)
    async with store.reading() as tx:
        assert await tx.failed_notices(Page(10)) == [later, dead]
        assert await tx.failed_notices(Page(1)) == [later]
        assert await tx.failed_notices(Page(1, later.id)) == [dead]
        assert await tx.waiting_notices() == {MAIL: 1}
    async with store.begin() as tx:
        assert await tx.prune_notices(50) == 0
        assert await tx.prune_notices(51) == 3
        assert (await tx.notices(limit=10))[0].id == id_of(3)


async def test_once_is_once(store: Store) -> None:
    async with store.begin() as tx:
        assert await tx.once("a", now=10, until=20)
        assert not await tx.once("a", now=19, until=30)
        assert await tx.once("b", now=19, until=30)
        assert await tx.once("a", now=20, until=30)
