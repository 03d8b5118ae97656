"""The SQL console, by its API, on real servers: a session like any other, and no second way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Setup
from tests.servers.console import Console, Line, Refusal, of, rows
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres


def test_results_in_their_order(daypass: Daypass) -> None:
    with Console(daypass, ANA, "write") as console:
        said = console.run("select 1 as one, null as nothing, '' as empty; select 'é', 'x'; -- the end\n")
        assert [line["kind"] for line in said] == [
            "statement", "columns", "rows", "done", "statement", "columns", "rows", "done", "ready",
        ]  # fmt: skip
        assert rows(said) == [["1", None, ""], ["é", "x"]]
        assert said[1]["columns"] == [
            {"name": "one", "type": "int4"}, {"name": "nothing", "type": "text"}, {"name": "empty", "type": "text"},
        ]  # fmt: skip
        assert (said[4]["start"], said[4]["end"], said[4]["of"]) == (47, 62, 2)
        assert said[3]["tag"] == "SELECT 1" and said[-1] == {"kind": "ready", "transaction": "idle"}


def test_it_is_on_record_as_every_session_is(daypass: Daypass) -> None:
    with Console(daypass, ANA, "write") as console:
        console.run("select 'said in the console'")
        with console.running("select 'runs', pg_sleep(600)") as lines:
            next(lines)
            until(lambda: "select 'runs', pg_sleep(600)" in daypass.recorded(console.session) or None, "a record")
            shown = daypass.object(CLEO, "show", console.session)
            assert shown["state"] == "OPEN" and shown["client"].endswith("(console)")
            console.post(f"consoles/{console.id}/cancel")
            assert [one["code"] for one in of(list(lines), "error")] == ["57014"]
    (opened,) = daypass.wait_entries("console.opened", session=console.session)
    (closed,) = daypass.wait_entries("console.closed", session=console.session)
    assert (
        opened["body"]["console"] == closed["body"]["console"] == console.id and closed["body"]["because"] == "closed"
    )
    (ended,) = daypass.wait_entries("session.ended", session=console.session)
    assert ended["body"]["statements"] == 2 and ended["body"]["recording"] == "complete"
    revoked = [one["body"]["token"] for one in daypass.wait_entries("token.revoked")]
    assert opened["body"]["token"] in revoked, "what it signed in with is no more"


def test_errors_say_where_and_stop_the_rest(daypass: Daypass) -> None:
    with Console(daypass, ANA, "write") as console:
        said = console.run("select 'é';\nselect nothing from orders;\nselect 3")
        (error,) = of(said, "error")
        assert (error["code"], error["position"]) == ("42703", 19)
        assert rows(said) == [["é"]]
        (error,) = of(console.run("begin; selec 1"), "error")
        assert (error["code"], error["position"]) == ("42601", 7)
        assert console.state()["transaction"] == "idle", "a text that cannot be read does nothing of it"
        with pytest.raises(Refusal) as refused:
            console.run(" -- nothing\n;")
        assert refused.value.status == 422


def test_transactions_stay_open_between_statements(daypass: Daypass) -> None:
    with Console(daypass, ANA, "write") as console:
        assert console.run("begin; update orders set note = 'kept?' where id = 7")[-1]["transaction"] == "open"
        assert console.rows("select note from orders where id = 7") == [["kept?"]]
        assert console.run("select 1/0")[-1]["transaction"] == "failed"
        assert console.run("rollback")[-1]["transaction"] == "idle"
        assert console.rows("select count(*) from orders where note = 'kept?'") == [["0"]]
        console.run("begin; update orders set note = 'left open' where id = 7")
    done = daypass.psql("select count(*) from orders where note = 'left open'")
    assert done.stdout.strip() == "0", "closing rolls back"


def test_notices_copies_and_rows_within_limits(daypass: Daypass) -> None:
    with Console(daypass, ANA, "write") as console:
        said = console.run("do $$ begin raise notice 'n'; raise warning 'w'; end $$")
        assert [(one["severity"], one["message"]) for one in of(said, "notice")] == [("NOTICE", "n"), ("WARNING", "w")]
        assert console.rows("copy (select 1, 'b') to stdout") == [["1\tb"]]
        (error,) = of(console.run("copy orders from stdin"), "error")
        assert "nothing to copy in" in error["message"]
        said = console.run("select g from generate_series(1, 30) g", rows_max=20)
        (done,) = of(said, "done")
        assert len(rows(said)) == done["rows"] == 20 and done["dropped"] == 10
        said = console.run("select repeat('x', 17 * 1024 * 1024) union all select 'short'")
        assert rows(said) == [["short"]] and of(said, "done")[0]["dropped"] == 1
        assert [len(row[0] or "") for row in console.rows("select repeat('y', 1000000)")] == [1_000_000]


def test_no_second_way_in(daypass: Daypass) -> None:
    """No grant, no console; no longer or wider than the token; nobody else's; a few at once."""
    for member, role, target in ((ANA, "read", "orders"), (BEN, "write", "orders"), (ANA, "write", "nowhere")):
        with pytest.raises(Refusal) as refused:
            Console(daypass, member, role, target)
        assert refused.value.status == 403 and "you have no access to" in refused.value.detail
    narrow = daypass.object(ANA, "token", "new", "--scope", "api")["token"]
    with pytest.raises(Refusal) as refused:
        Console(daypass, ANA, "write", token=narrow)
    assert "not good for connect:orders" in refused.value.detail
    with Console(daypass, ANA, "write") as console:
        other = daypass.object(ANA, "token", "new")["token"]
        for bearer in (daypass.token(BEN), other):
            answer = console.http.post(
                f"consoles/{console.id}/run", json={"text": "select 1"}, headers={"Authorization": f"Bearer {bearer}"}
            )
            assert answer.status_code == 404
        with console.running("select pg_sleep(600)") as lines:
            next(lines)
            with pytest.raises(Refusal) as refused:
                console.run("select 2")
            assert refused.value.status == 409
        more = [Console(daypass, ANA, "write") for _ in range(3)]
        with pytest.raises(Refusal) as refused:
            Console(daypass, ANA, "write")
        assert refused.value.status == 429
        for one in more:
            one.__exit__()


def test_the_scope_is_guarded(daypass: Daypass) -> None:
    asked = daypass.object(
        ANA, "request", "orders", "--role", "read", "--for", "10m", "--reason", "a look", "--scope", "public.orders"
    )
    if asked["state"] == "PENDING":
        daypass.say(BEN, "approve", asked["id"])
    try:
        with Console(daypass, ANA, "read") as console:
            assert console.rows("select count(*) from orders") == [["30000"]]
            (error,) = of(console.run("select * from payments"), "error")
            assert error["code"] == "42501" and "limited to" in error["message"]
            tables = {(row[0], row[1]) for row in console.rows(console.opened["schema_query"])}
            assert ("public", "orders") in tables
            assert len(daypass.wait_entries("statement.refused", session=console.session)) == 1
    finally:
        daypass.say(ANA, "return", daypass.object(ANA, "show", asked["id"])["grant"])


UPDATE = "update orders set note = 'must not stay' where id = 9 returning pg_sleep(600)"


@pytest.fixture(scope="module")
def ending(postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """A gateway where access ends in each test; who has four seconds left is told."""
    with Daypass(tmp_path_factory.mktemp("ending"), postgres_15, Setup(limits=", warn_before: [4s]")) as daypass:
        yield daypass


def ended(daypass: Daypass, console: Console, act: Callable[[], object]) -> tuple[list[Line], dict[str, Any]]:
    """What a console tells from the moment that its running UPDATE is ended by this, and the entry of its end."""
    with console.running(UPDATE) as lines:
        next(lines)
        daypass.server.wait_at_work(UPDATE)
        act()
        said = list(lines)
    until(lambda: True if all(one[2] != UPDATE for one in daypass.server.backends("app_rw")) else None, "its end")
    noted = daypass.server.execute("select note from orders where id = 9", database="orders")
    assert noted != [("must not stay",)], "rolled back"
    (entry,) = daypass.wait_entries("session.ended", session=console.session)
    return said, entry


def test_the_deadline_ends_what_runs_and_says_why(ending: Daypass) -> None:
    granted = ending.grant("write", "8s")
    with Console(ending, ANA, "write") as console, console.events() as events:
        said, entry = ended(ending, console, lambda: None)
        (notice,) = of(said, "notice")
        assert "access to orders ends in 4s" in notice["message"]
        assert said[-1]["kind"] == "over" and said[-1]["because"] == "ended"
        assert f"grant {granted.grant} expired" in said[-1]["message"] and "daypass request orders" in said[-1]["hint"]
        assert entry["body"]["reason"] == "expired"
        assert [line["kind"] for line in events if line["kind"] != "beat"] == ["over"], "who looks elsewhere hears it"
        with pytest.raises(Refusal) as refused:
            console.run("select 1")
        assert refused.value.status == 409 and "expired" in refused.value.detail


def test_kill_revoke_and_hand_back_end_what_runs(ending: Daypass) -> None:
    ways: list[tuple[str, Callable[[Console], object]]] = [
        ("killed", lambda console: ending.say(BEN, "kill", console.session, "--reason", "odd")),
        ("revoked", lambda console: ending.say(BEN, "revoke", console.grant, "--reason", "odd")),
        ("handed back", lambda console: ending.say(ANA, "return", console.grant)),
    ]
    for reason, act in ways:
        ending.grant("write", "10m")
        with Console(ending, ANA, "write") as console:
            said, entry = ended(ending, console, partial(act, console))
            assert said[-1]["because"] == "ended" and entry["body"]["reason"].replace("_", " ") == reason
            if reason == "killed":
                ending.say(ANA, "return", console.grant)


def test_who_does_not_stand_any_more_has_no_console(ending: Daypass) -> None:
    ending.grant("write", "10m")
    made = ending.object(ANA, "token", "new")
    console = Console(ending, ANA, "write", token=made["token"])
    said, _ = ended(ending, console, lambda: ending.say(ANA, "token", "revoke", made["id"]))
    assert (said[-1]["kind"], said[-1]["because"]) == ("over", "signed out")
    (closed,) = ending.wait_entries("console.closed", session=console.session)
    assert closed["body"]["because"] == "signed out"
    ending.say(ANA, "return", console.grant)


def test_whoever_goes_away_in_the_middle_has_it_stopped(ending: Daypass) -> None:
    ending.grant("write", "10m")
    with Console(ending, ANA, "write") as console:
        with console.running(UPDATE) as lines:
            next(lines)
            ending.server.wait_at_work(UPDATE)
        until(lambda: console.state()["state"] == "OPEN" or None, "the console to be free again")
        assert console.rows("select count(*) from orders where note = 'must not stay'") == [["0"]]
        with console.running(UPDATE) as lines:
            next(lines)
            ending.server.wait_at_work(UPDATE)
            console.post(f"consoles/{console.id}/close")
            assert list(lines)[-1]["because"] == "closed"
        until(lambda: True if all(one[2] != UPDATE for one in ending.server.backends("app_rw")) else None, "its end")
        assert ending.server.execute("select note from orders where id = 9", database="orders") != [("must not stay",)]
    ending.say(ANA, "return", console.grant)
