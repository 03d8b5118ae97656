"""A session that is limited to a scope sends only what surely stays within it."""

from __future__ import annotations

import pytest

from daypass.domain.errors import Invalid
from daypass.protocols.interface import Side
from daypass.protocols.postgres import POSTGRES, messages
from daypass.protocols.postgres.scope import schemas, search_path
from daypass.protocols.postgres.scope_guard import ScopeGuard
from daypass.protocols.postgres.traits import PARSED_BYTES_MAX
from tests.protocols.postgres.client import Guest, opened
from tests.protocols.postgres.script import Conversation
from tests.protocols.postgres.test_startup import complaint

SCOPE = POSTGRES.scope(["public.orders", "billing.*"])


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("public.orders", "public.orders"),
        ("Public.ORDERS", "public.orders"),
        ("billing.*", "billing.*"),
        ('"Billing".*', '"Billing".*'),
        ('"billing"."rates"', "billing.rates"),
        ('"we.ird"."a""b"', '"we.ird"."a""b"'),
        (' "a"."*" ', 'a."*"'),
    ],
)
def test_a_name_has_one_spelling(name: str, spelled: str) -> None:
    assert POSTGRES.scope([name]) == (spelled,)
    assert POSTGRES.scope([spelled]) == (spelled,)


@pytest.mark.parametrize(
    "name",
    ["", "orders", ".orders", "public.", "*.*", "*", "public.or*", "a.b.c", "public.orders; drop", '"a".b"', "é.x",
     "pg_catalog.pg_authid", "information_schema.*", "pg_toast.*", "a." + "b" * 63, 'public."a\0b"', "public. orders"],
)  # fmt: skip
def test_what_is_no_name_of_a_scope(name: str) -> None:
    with pytest.raises(Invalid):
        POSTGRES.scope([name])


def test_what_lies_within_another_is_not_said_twice() -> None:
    assert POSTGRES.scope(["billing.*", "billing.rates", "billing.rates"]) == ("billing.*",)


def test_names_without_a_schema_mean_the_schemas_of_the_scope() -> None:
    scope = POSTGRES.scope(['"A""b".x', "billing.*"])
    assert schemas(scope) == ('A"b', "billing")
    assert search_path(scope) == '"A""b", "billing"'


WITHIN = """
select * from public.orders
select * from orders
select o.id from orders o join billing.rates r using (id) where exists (select 1 from billing.other) for update of o
with customers as (select 1) select * from customers
with recursive t as (select 1 union select * from t) select * from t
with a as (delete from billing.rates returning *) select * from a
insert into orders values (1) on conflict do nothing returning id
update orders set note = (select max(note) from billing.rates)
delete from orders using billing.rates r where r.id = 1
merge into orders o using billing.rates r on true when matched then delete
truncate billing.rates
copy orders from stdin
copy (select * from orders) to stdout
explain analyze select * from orders
prepare p as select * from orders; execute p; deallocate p
declare c cursor for select * from orders
begin; set transaction read only; savepoint s; commit
select count(*), now(), current_user from pg_class c, pg_catalog.pg_namespace, information_schema.columns
select 1 operator(pg_catalog.+) 1 where 'a' collate pg_catalog.default ~ 'b'
set timezone = 'UTC'; set statement_timeout = 5; show all; reset all; discard all; set names 'UTF8'
select pg_catalog.lower('x'), pg_sleep(0), 'secrets.keys'::regclass
lock table orders in share mode
values (1)
"""

OUTSIDE = """
select * from public.customers
select * from "Orders"
select * from rates
select * from secrets.orders
select * from other.public.orders
select 1; select * from secrets.keys
select (select 1 from secrets.keys)
select * from orders, lateral (select * from secrets.keys) k
table secrets.keys
with keys as (select * from keys) select 1
with customers as (select 1), b as (select 1) insert into customers values (1)
(with customers as (select 1) select 1) union all select 1 from customers
select (with customers as (select 1) select 1), (select 1 from customers)
with a as (delete from secrets.keys returning *) select * from a
insert into orders select * from secrets.keys
update orders set note = (select max(k) from secrets.keys)
delete from orders using secrets.keys
merge into orders using secrets.keys on true when matched then delete
merge into secrets.keys using orders on true when matched then delete
truncate billing.rates cascade
truncate billing.rates, secrets.keys
lock table secrets.keys
copy secrets.keys to stdout
copy secrets.keys from stdin
copy (select * from secrets.keys) to stdout
copy orders to '/tmp/x'
copy orders to program 'cat'
explain select * from secrets.keys
prepare p as select * from secrets.keys
declare c cursor for select * from secrets.keys
create table billing.x (a int)
create temp table orders (a int)
create view billing.v as select * from secrets.keys
select * into temp x from orders
alter table orders add x int
drop table orders
grant select on orders to public
do $$ begin perform 1; end $$
call billing.f()
select billing.f()
select f()
select query_to_xml('select * from secrets.keys', true, true, '')
select * from pg_ls_dir('/')
select * from rows from (pg_read_file('/etc/passwd'))
select * from ts_stat('select k from secrets.keys')
select table_to_xml('secrets.keys', true, true, '')
select set_config('search_path', 'secrets', false)
select nextval('secrets.s')
select lo_import('/etc/passwd')
select * from dblink('host=x', 'select 1') as t (a int)
select 1 operator(public.+) 1
select 1 order by 1 using operator(public.<)
select 1 operator(public.=) any (select 1)
set search_path = secrets
set local search_path to secrets
reset search_path
set role postgres
reset role
set session authorization postgres
set client_encoding = 'SJIS'
set names 'SJIS'
set standard_conforming_strings = off
set session_preload_libraries = 'x'
update pg_settings set setting = 'secrets' where name = 'search_path'
update pg_catalog.pg_settings set setting = 'secrets'
select * from pg_authid
select * from pg_stats
select * from pg_catalog.pg_statistic
select * from pg_stat_activity
select * from information_schema.user_mapping_options
prepare transaction 'x'
commit prepared 'x'
notify c
listen c
vacuum orders
analyze orders
refresh materialized view billing.m
this is no sql
select 'unended
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(WITHIN))
def test_within(text: str) -> None:
    assert ScopeGuard(SCOPE).refusal(text.encode()) == ""


@pytest.mark.parametrize("text", lines(OUTSIDE))
def test_outside(text: str) -> None:
    why = ScopeGuard(SCOPE).refusal(text.encode())
    assert why.startswith("this access is limited to billing.*, public.orders: ")
    assert ScopeGuard(SCOPE).refusal(b"select 1; " + text.encode())


@pytest.mark.parametrize(
    "text", [b"select 1\0", b"select '\xff'", b"select 1 -- " + b"x" * PARSED_BYTES_MAX, b"(" * 20_000], ids=repr
)
def test_what_cannot_be_read_is_refused(text: bytes) -> None:
    assert ScopeGuard(SCOPE).refusal(text)


def test_strings_that_the_target_reads_otherwise() -> None:
    assert ScopeGuard(SCOPE).refusal(b"select * from orders", odd=True)


def test_nothing_of_what_is_refused_is_sent() -> None:
    why = "this access is limited to billing.*, public.orders: secrets.k is not within it"
    Conversation(scope=SCOPE).play(
        f"""
    <- Query select * from secrets.k
    ## refused 1: {why}
    -> Query daypass refuses this statement
    => Error 42601 syntax | Ready I
    <= Error 42501 {why}
    <= Ready I
    <- Query select 1
    ## submitted 2 query: select 1
    -> Query select 1
"""
    )


def test_nor_in_the_middle_of_a_pipeline() -> None:
    why = "this access is limited to billing.*, public.orders: secrets.k is not within it"
    Conversation(scope=SCOPE).play(
        f"""
    <- Parse - select * from secrets.k | Bind - - | Execute - | Sync
    ## refused 1: {why}
    -> Describe ! - | Sync
    => Error 08P01 invalid | Ready I
    <= Error 42501 {why}
    <= Ready I
"""
    )


def test_a_function_called_by_its_number() -> None:
    talk = Conversation(scope=SCOPE)
    call = messages.message(b"F", b"\0\0\x02\x62" + b"\0\0\0\0\0\0")
    sent = b"".join(one.data for one in talk.say(Side.CLIENT, call) if hasattr(one, "side") and one.side is Side.TARGET)
    assert sent == messages.query(b"daypass refuses this statement")


def entering(**parameters: str) -> Guest:
    guest = Guest(given=opened(scope=SCOPE))
    guest.start(**parameters)
    guest.sign_in()
    return guest


def test_it_is_signed_in_with_settings_that_hold_the_names_still() -> None:
    guest = entering(TimeZone="UTC", client_encoding="'utf-8'")
    packet = guest.got(Side.TARGET)
    for name, value in {
        "search_path": '"billing", "public"',
        "client_encoding": "UTF8",
        "standard_conforming_strings": "on",
        "TimeZone": "UTC",
    }.items():
        assert f"{name}\0{value}\0".encode() in packet


@pytest.mark.parametrize(
    ("name", "value"),
    [("search_path", "secrets"), ("options", "-c search_path=secrets"), ("role", "postgres"),
     ("client_encoding", "SJIS"),
     ("standard_conforming_strings", "off"), ("session_authorization", "postgres")],
)  # fmt: skip
def test_a_client_that_would_move_them_is_told_so(name: str, value: str) -> None:
    guest = entering(**{name: value})
    said = complaint(guest)
    assert (said.sqlstate, f"cannot set {name} there" in said.message) == ("42501", True)
    assert guest.got(Side.TARGET) == b""
