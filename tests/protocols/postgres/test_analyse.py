"""What a text would do, told from the text."""

from __future__ import annotations

import pytest

from daypass.domain.statement import UNKNOWN
from daypass.protocols.postgres import POSTGRES

CASES = [
    ("select a, lower(b) from t join s.u using (id)", "select", "read", "s.u t", ""),
    ("WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d", "select", "write", "", "a"),
    ("with x as (select 1) select * from x", "select", "read", "", ""),
    ("insert into t select * from u", "insert", "write", "u", "t"),
    ("update t set a = 1 where id in (select id from u)", "update", "write", "u", "t"),
    ("delete from t using u where t.a = u.a", "delete", "write", "u", "t"),
    ("merge into t using u on t.a = u.a when matched then delete", "merge", "write", "u", "t"),
    ("truncate t, u", "truncate", "write", "", "t u"),
    ("select * from t for update", "select", "write", "t", ""),
    ("select nextval('s')", "select", "write", "", ""),
    ("select * into n from t", "select", "ddl", "t", "n"),
    ("create table n (a int)", "create table", "ddl", "", "n"),
    ("create table n as select * from t", "create table as", "ddl", "t", "n"),
    ("create index on t (a)", "create index", "ddl", "", "t"),
    ("alter table t add b int", "alter table", "ddl", "", "t"),
    ("drop table s.t, u", "drop table", "ddl", "", "s.t u"),
    ("drop view v", "drop view", "ddl", "", "v"),
    ("grant select on t to bob", "grant", "admin", "t", ""),
    ("revoke select on t from bob", "revoke", "admin", "t", ""),
    ("create role bob", "create role", "admin", "", ""),
    ("alter system set fsync = off", "alter system", "admin", "", ""),
    ("select pg_terminate_backend(1)", "select", "admin", "", ""),
    ("copy t to stdout", "copy", "read", "t", ""),
    ("copy t from stdin", "copy", "write", "", "t"),
    ("copy (delete from t returning *) to stdout", "copy", "write", "", "t"),
    ("copy t to program 'sh'", "copy", "admin", "t", ""),
    ("begin", "begin", "read", "", ""),
    ("commit", "commit", "read", "", ""),
    ("rollback", "rollback", "read", "", ""),
    ("commit prepared 'late'", "commit prepared", "write", "", ""),
    ("prepare transaction 'late'", "prepare transaction", "write", "", "prepared transaction late"),
    ("prepare transaction 'other'", "prepare transaction", "write", "", "prepared transaction other"),
    ("select dblink_exec('here', 'delete from t')", "select", "unknown", "elsewhere: dblink", ""),
    ("select 1; delete from t", "select; delete", "write", "", "t"),
    ("explain analyze delete from t", "explain", "write", "", "t"),
    ("prepare p as delete from t", "prepare", "write", "", "t"),
    ("declare c cursor for select * from t", "declare", "read", "t", ""),
    ("do $$ begin end $$", "do", "unknown", "", ""),
    ("call p()", "call", "unknown", "", ""),
    ("set search_path = x", "set", "read", "", ""),
    ("show all", "show", "read", "", ""),
    ("vacuum t", "vacuum", "ddl", "t", ""),
    ("", "empty", "read", "", ""),
]


@pytest.mark.parametrize(("text", "kind", "effect", "reads", "writes"), CASES, ids=[case[0][:40] for case in CASES])
def test_a_text(text: str, kind: str, effect: str, reads: str, writes: str) -> None:
    found = POSTGRES.analyse(text)
    assert (found.kind, found.effect.value, " ".join(found.reads), " ".join(found.writes)) == (
        kind,
        effect,
        reads,
        writes,
    )


@pytest.mark.parametrize("text", ["selec 1", "'", "select " * 100, "\0", "x" * 300_000, "\ud800"])
def test_what_cannot_be_told_is_unknown(text: str) -> None:
    assert POSTGRES.analyse(text) == UNKNOWN


def test_tables_are_those_of_the_text_and_not_of_one_like_it() -> None:
    """The same table of two schemas, and names that end in numbers, have one fingerprint."""
    for form in ("select * from {}", "delete from {} where id = 1", "insert into {} select 1"):
        for table in ("part.t", "other.t", "t", "t123", "t124"):
            found = POSTGRES.analyse(form.format(table))
            assert (*found.reads, *found.writes) == (table,)


def test_texts_that_differ_in_values_share_a_fingerprint() -> None:
    one, other = POSTGRES.analyse("select * from t where a = 1"), POSTGRES.analyse("select * from t where a = 2")
    assert one.fingerprint and one is other
