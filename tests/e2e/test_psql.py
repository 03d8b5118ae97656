"""psql, pgbench and pg_dump as installed, through the gateway, on both server versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daypass.cli.demo.server import wheel_binaries
from tests.servers.daypass import Daypass, until


def test_reads_and_writes(daypass: Daypass) -> None:
    done = daypass.psql(
        "select count(*) from orders",
        "update orders set note = 'seen' where id = 17",
        "select note from orders where id = 17",
    )
    assert done.stdout.splitlines() == ["30000", "UPDATE 1", "seen"], done.stderr


def test_an_error_is_the_servers_own(daypass: Daypass) -> None:
    done = daypass.psql("select * from nothing_here")
    assert done.returncode == 1
    assert 'relation "nothing_here" does not exist' in done.stderr


def test_the_role_can_stand_in_the_database_name(daypass: Daypass) -> None:
    assert daypass.psql("select current_user", target="orders:write").stdout.strip() == "app_rw"


def test_a_role_without_a_grant_is_told_what_to_type(daypass: Daypass) -> None:
    done = daypass.psql("select 1", target="orders:read")
    assert done.returncode == 2
    assert "daypass request orders --role read" in done.stderr


def test_describing_and_copying(daypass: Daypass) -> None:
    done = daypass.psql(r"\d orders", r"\copy (select id from orders order by id limit 3) to stdout")
    assert "customer_id" in done.stdout
    assert done.stdout.splitlines()[-3:] == ["1", "2", "3"], done.stderr


def test_large_objects_are_function_calls(daypass: Daypass, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.write_bytes(bytes(range(256)) * 40)
    done = daypass.psql(f"\\lo_import {before}", f"\\lo_export :LASTOID {after}", "\\lo_unlink :LASTOID")
    assert done.returncode == 0, done.stderr
    assert after.read_bytes() == before.read_bytes()
    # create, open, write, read, unlink
    until(lambda: len([one for one in submitted(daypass) if one["body"]["via"] == "call"]) >= 5 or None, "five calls")


def submitted(daypass: Daypass) -> list[dict[str, Any]]:
    return daypass.entries("statement.submitted")


def test_many_statements_in_one_string(daypass: Daypass) -> None:
    done = daypass.psql("select 1; select 2; select 3")
    assert done.stdout.split()[-1] == "3", done.stderr


def test_the_target_sees_who_it_is(daypass: Daypass) -> None:
    assert "ana" in daypass.psql("show application_name").stdout.lower()


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
@pytest.mark.parametrize("script", ["select-only", "simple-update"])
def test_pgbench(daypass: Daypass, mode: str, script: str) -> None:
    options = ["-n", "-M", mode, "-b", script, "-c", "4", "-j", "2", "-t", "50", "orders"]
    done = daypass.client(daypass.server.binaries.program("pgbench"), *options)
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 200/200" in done.stdout


def test_pgbench_pipeline(daypass_18: Daypass, tmp_path_factory: pytest.TempPathFactory) -> None:
    script = tmp_path_factory.mktemp("pgbench") / "pipeline.sql"
    script.write_text(
        "\\startpipeline\n" + "select abalance from pgbench_accounts where aid = 7;\n" * 20 + "\\endpipeline\n"
    )
    pgbench = daypass_18.server.binaries.program("pgbench")
    done = daypass_18.client(pgbench, "-n", "-M", "extended", "-f", str(script), "-c", "2", "-t", "20", "orders")
    assert "actually processed: 40/40" in done.stdout, done.stderr


def test_pg_dump_is_the_same_as_without(daypass: Daypass) -> None:
    pg_dump = wheel_binaries().program("pg_dump")
    options = ["--no-owner", "--restrict-key=same", "-t", "customers", "-t", "payments"]
    through = daypass.client(pg_dump, *options, "orders")
    assert through.returncode == 0, through.stderr
    direct = daypass.client(pg_dump, *options, daypass.server.url("app_rw", "orders"))
    assert through.stdout == direct.stdout
    assert through.stdout.count("\n") > 30_000
