"""A session through the gateway: nothing reaches the target that is not on disk; order; limits on everything."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.gateway.rig import FAST, Rig, until

from daypass.domain.errors import Unavailable
from daypass.domain.grant import EndReason
from daypass.domain.statement import Completed, Submitted
from daypass.ledger.journal import Durability


async def test_a_session_from_hello_to_its_end() -> None:
    async with Rig() as rig:
        client = await rig.open()
        assert await client.ask("select 1") == "DONE select 1"
        assert await client.ask("select 2") == "DONE select 2"
        assert await client.ask("QUIT") == ""
        await until(lambda: rig.desk.of("ended"))
        session = rig.session
        assert rig.desk.of("opened") == [("opened", session, "101")]
        assert rig.desk.of("ended") == [("ended", session, "client left", "2", "complete", "4")]
        facts = [(one.session, type(one.fact), one.fact.n) for one in rig.recorded() if hasattr(one.fact, "n")]
        assert facts == [(session, kind, n) for n in (1, 2) for kind in (Submitted, Completed)]


async def test_a_statement_is_on_disk_before_the_target_has_it() -> None:
    async with Rig() as rig:
        client = await rig.open()
        for n in range(20):
            client.say(f"insert {n}")
            await until(lambda n=n: f"insert {n}" in rig.target.lines)  # type: ignore[misc]
            texts = [one.fact.text for one in rig.recorded() if isinstance(one.fact, Submitted)]
            assert texts[-1] == f"insert {n}".encode()


async def test_what_is_held_comes_out_in_its_order() -> None:
    async with Rig() as rig:
        client = await rig.open()
        lines = [f"insert {n}" for n in range(500)]
        client.say("\n".join(lines))
        assert [await client.hears() for _ in lines] == [f"DONE {line}" for line in lines]
        assert rig.target.lines == lines


async def test_with_ledger_durability_order_holds_and_nothing_goes_before_the_store_has_it() -> None:
    async with Rig(durability=Durability.LEDGER, ship=False) as rig:
        client = await rig.open()
        client.say("insert 1")
        await until(lambda: rig.journal.durable == 1)
        client.say("insert 2")
        client.say("insert 3")
        await until(lambda: rig.journal.durable == 3)
        assert rig.target.lines == []
        rig.journal.shipped(1)
        await until(lambda: rig.target.lines)
        await asyncio.sleep(0.1)
        assert rig.target.lines == ["insert 1"]
        rig.ship = True
        assert [await client.hears() for _ in range(3)] == [f"DONE insert {n}" for n in (1, 2, 3)]
        assert rig.target.lines == ["insert 1", "insert 2", "insert 3"]


async def test_with_ledger_durability_what_waits_has_a_limit() -> None:
    bounds = replace(FAST, held_bytes=100_000)
    async with Rig(bounds=bounds, durability=Durability.LEDGER, ship=False) as rig:
        client = await rig.open()
        for _ in range(100):
            client.say("x" * 200_000)
        await asyncio.sleep(0.2)
        assert rig.journal.last < 50
        rig.ship = True
        for _ in range(100):
            assert (await client.hears()).startswith("DONE")


# -- the journal fails ------------------------------------------------------------------------------------------------


async def test_when_the_journal_cannot_be_synced_nothing_is_forwarded_and_the_session_ends() -> None:
    async with Rig() as rig:
        client = await rig.open()
        other = await rig.open()
        rig.disk.fail("sync")
        assert (await client.ask("insert 1")).startswith("BYE record failed: the record cannot be written")
        assert (await other.hears()).startswith("BYE record failed")
        assert await client.hears() == await other.hears() == ""
        await asyncio.wait_for(rig.fatal.wait(), 3)
        assert rig.target.lines == [] and rig.target.working == {}
        assert rig.target.orders[:2] == ["HALT 101 102", "STOP 101 102"]


async def test_a_full_journal_disk_refuses_new_sessions_and_ends_the_open_ones_when_it_must() -> None:
    async with Rig() as rig:
        client = await rig.open()
        rig.disk.free = 0
        late = await rig.client()
        assert "no room" in await late.ask("HELLO ana dp_ana orders")
        assert await client.ask("insert 1") == "DONE insert 1"
        rig.disk.fail("write")
        assert (await client.ask("insert 2")).startswith("BYE record failed")
        assert rig.target.lines == ["insert 1"]


async def test_a_fault_of_ours_ends_the_session_and_no_other() -> None:
    async with Rig() as rig:
        client, other = await rig.open(), await rig.open()
        assert (await client.ask("CRASH")).startswith("BYE protocol error: internal error")
        assert await client.hears() == ""
        assert await other.ask("select 1") == "DONE select 1"
        await until(lambda: rig.desk.of("ended"))
        assert rig.desk.of("ended")[0][2:5] == ("protocol error", "0", "gap")


# -- limits -----------------------------------------------------------------------------------------------------------


async def test_a_client_that_does_not_read_stops_the_target_not_the_memory() -> None:
    async with Rig() as rig:
        client = await rig.open()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        client.say("FLOOD 2000")
        await until(lambda: rig.gateway.works.tally.from_targets_bytes > 1_000_000)
        await asyncio.sleep(0.2)
        taken = rig.gateway.works.tally.from_targets_bytes
        await asyncio.sleep(0.2)
        assert rig.gateway.works.tally.from_targets_bytes == taken < 100_000_000
        client.reader._transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(2000):
            assert len(await client.hears()) == 65535
        assert await client.hears() == "DONE flood"


async def test_an_unshipped_backlog_pauses_clients_until_it_is_shipped() -> None:
    async with Rig(backlog_bytes=200_000, ship=False) as rig:
        client = await rig.open()
        client.say("x" * 300_000)
        assert (await client.hears()).startswith("DONE")
        await asyncio.sleep(0.1)
        client.say("insert later")
        await asyncio.sleep(0.2)
        assert "insert later" not in rig.target.lines
        rig.ship = True
        assert await client.hears() == "DONE insert later"


async def test_who_does_not_sign_in_in_time_is_sent_away() -> None:
    async with Rig(bounds=replace(FAST, sign_in_seconds=0.1)) as rig:
        client = await rig.client()
        client.writer.write(b"HEL")
        assert (await client.hears()).startswith("BYE idle: nobody signed in in time")
        assert await client.hears() == ""
        await until(lambda: rig.gateway.works.tally.unauthenticated == 0)


async def test_too_many_strangers_crowd_out_themselves_and_people_stay() -> None:
    async with Rig(bounds=replace(FAST, unauthenticated_max=3)) as rig:
        inside = await rig.open()
        strangers = [await rig.client() for _ in range(3)]
        await until(lambda: rig.gateway.works.tally.unauthenticated == 3)
        late = await rig.client()
        assert await strangers[0].hears() == "BYE idle: others came while it said nothing: "
        assert await inside.ask("select 1") == "DONE select 1"
        assert rig.gateway.works.tally.unauthenticated == 3
        late.kill()
        await until(lambda: rig.gateway.works.tally.unauthenticated == 2)
        await rig.open()


async def test_a_silent_client_is_cut_when_its_grant_says_so() -> None:
    async with Rig() as rig:
        rig.desk.idle_ms = 100
        client = await rig.open()
        assert (await client.hears()).startswith("BYE idle: nothing was said")
        await until(lambda: rig.desk.of("ended"))
        assert rig.desk.of("ended")[0][2] == "idle"


# -- refusals ---------------------------------------------------------------------------------------------------------


async def test_refusals_say_why_and_are_told() -> None:
    async with Rig() as rig:
        stranger, wrong, other = await rig.client(), await rig.client(), await rig.client()
        assert await stranger.ask("HELLO eve dp_eve orders") == "BYE unauthenticated: no"
        assert await wrong.ask("HELLO ana dp_bad orders") == "BYE unauthenticated: no"
        assert await other.ask("HELLO ana dp_ana ledger") == "BYE refused: no grant for ledger: daypass request ledger"
        await until(lambda: len(rig.desk.of("refused")) == 3)
        assert [one[1:3] for one in rig.desk.of("refused")] == [("eve", ""), ("ana", ""), ("ana", "ledger")]
        assert rig.gateway.works.tally.unauthenticated == 0


async def test_a_store_that_does_not_answer_lets_nobody_in() -> None:
    async with Rig(bounds=replace(FAST, question_seconds=0.1)) as rig:
        rig.desk.slow = 0.15
        client = await rig.client()
        assert await client.ask("HELLO ana dp_ana orders") == "BYE unavailable: Daypass cannot answer now: try again"
        rig.desk.slow = 0.0
        rig.desk.refusal = Unavailable("the store is locked")
        late = await rig.client()
        assert await late.ask("HELLO ana dp_ana orders") == "BYE unavailable: the store is locked: "


async def test_an_admission_that_comes_after_its_client_left_is_ended() -> None:
    async with Rig() as rig:
        rig.desk.slow = 0.1
        client = await rig.client()
        client.say("HELLO ana dp_ana orders")
        await asyncio.sleep(0.15)
        client.kill()
        await until(lambda: rig.desk.of("ended"))
        assert rig.desk.of("ended")[0][1:3] == (rig.session, "client left")
        assert len(rig.gateway.works.carrying) == 0


# -- peers that go ----------------------------------------------------------------------------------------------------


async def test_a_client_that_is_killed_takes_its_running_work_along() -> None:
    async with Rig() as rig:
        client = await rig.open()
        client.say("SLEEP 60")
        await until(lambda: rig.target.running)
        client.kill()
        await until(lambda: rig.desk.of("ended"))
        assert rig.target.orders == ["STOP 101"] and rig.target.working == {}
        assert rig.desk.of("ended")[0][2:5] == ("client left", "1", "complete")


async def test_a_target_that_is_down_is_said_to_be() -> None:
    async with Rig() as rig:
        await rig.target.stop()
        client = await rig.client()
        said = await client.ask("HELLO ana dp_ana orders")
        assert said.startswith("BYE target left: Connection refused")
        await until(lambda: rig.desk.of("ended"))
        assert rig.desk.of("ended")[0][2] == EndReason.TARGET_LEFT.value


async def test_a_target_that_goes_ends_the_session() -> None:
    async with Rig() as rig:
        client = await rig.open()
        client.say("SLEEP 60")
        await until(lambda: rig.target.running)
        await rig.target.stop()
        assert (await client.hears()).startswith("BYE target left")
        assert await client.hears() == ""
        await until(lambda: rig.desk.of("ended"))


async def test_a_target_that_lets_nobody_in_is_given_up() -> None:
    async with Rig(bounds=replace(FAST, opening_seconds=0.1)) as rig:
        rig.target.signing_in = False
        client = await rig.client()
        assert "let nobody in in time" in await client.ask("HELLO ana dp_ana orders")
        await until(lambda: rig.desk.of("ended"))


async def test_an_end_that_the_store_does_not_take_is_told_again() -> None:
    async with Rig() as rig:
        rig.desk.failing = 2
        client = await rig.open()
        client.say("QUIT")
        await until(lambda: rig.desk.of("ended"))


async def test_an_end_is_told_only_when_the_last_record_is_in_the_store() -> None:
    async with Rig(ship=False) as rig:
        client = await rig.open()
        await client.ask("select 1")
        client.say("QUIT")
        await until(lambda: len(rig.gateway.works.carrying) == 0)
        await asyncio.sleep(0.1)
        assert rig.desk.of("ended") == []
        rig.ship = True
        await until(lambda: rig.desk.of("ended"))


# -- interrupts -------------------------------------------------------------------------------------------------------


async def test_a_key_interrupts_its_own_session_and_nothing_else() -> None:
    async with Rig() as rig:
        client = await rig.client()
        key = (await client.ask("HELLO ana dp_ana orders")).split(" ")[1]
        bystander = await rig.open()
        client.say("SLEEP 60")
        bystander.say("SLEEP 60")
        await until(lambda: len(rig.target.running) == 2)
        assert await (await rig.client()).ask("INTERRUPT " + "00" * 8) == ""
        assert await (await rig.client()).ask("INTERRUPT " + key) == ""
        assert await client.hears() == "DONE interrupted"
        assert rig.target.orders == ["POKE 101"] and list(rig.target.running) == ["102"]


async def test_who_interrupts_is_let_go_once_it_has_happened() -> None:
    """A client takes the end of that connection for the word that what it says next is not interrupted."""
    async with Rig() as rig:
        client = await rig.client()
        key = (await client.ask("HELLO ana dp_ana orders")).split(" ")[1]
        rig.target.answering.clear()
        asking = await rig.client()
        asking.say("INTERRUPT " + key)
        let_go = asyncio.create_task(asking.hears())
        assert await client.ask("select 1") == "DONE select 1"  # time for anything that does not wait
        assert not let_go.done()
        rig.target.answering.set()
        assert await let_go == ""
        assert rig.target.orders == ["POKE 101"]


async def test_who_interrupts_and_does_not_wait_has_interrupted() -> None:
    async with Rig() as rig:
        client = await rig.client()
        key = (await client.ask("HELLO ana dp_ana orders")).split(" ")[1]
        client.say("SLEEP 60")
        await until(lambda: len(rig.target.running) == 1)
        asking = await rig.client()
        asking.say("INTERRUPT " + key)
        asking.writer.close()
        assert await client.hears() == "DONE interrupted"


async def test_without_an_ender_work_is_interrupted_as_its_client_could_at_the_target() -> None:
    async with Rig() as rig:
        rig.target.ending = False
        client = await rig.client()
        key = (await client.ask("HELLO ana dp_ana orders")).split(" ")[1]
        (driver,) = rig.gateway.works.carrying
        driver.session.cancel = b"CANCEL 101\n"
        client.say("SLEEP 60")
        await until(lambda: len(rig.target.running) == 1)
        assert await (await rig.client()).ask("INTERRUPT " + key) == ""
        assert await client.hears() == "DONE interrupted"
