"""A gateway with some life in it, for pictures and for pages that need a past: requests in every state, sessions that
were and one that is, sign-offs that are due."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Member, Setup, sample_policy
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

SAM = Member("Sam", "sam@acme.test", ("security",))
TESS = Member("Tess", "tess@acme.test", ("security",))
DORA = Member("Dora", "dora@acme.test", ("payments-oncall", "payments-engineers"))
PEOPLE = (ANA, BEN, CLEO, SAM, TESS, DORA)

POLICY = sample_policy(
    deciders="group:payments-leads, group:security",
    owes="{ sign_off: { by: [group:payments-leads], within: 2d } }",
    more="""\
  - name: break the glass
    who: [group:payments-oncall]
    roles: [read, write]
    break_glass: { longest: 30m, tell: [group:security] }
    owes: { ratify: { by: [group:security], within: 24h, otherwise: block_break_glass } }
""",
)


def setup(web_port: int = 0) -> Setup:
    return Setup(web_port=web_port, policy=POLICY, people=PEOPLE)


def ask(daypass: Daypass, by: Member, role: str, for_: str, reason: str, ticket: str = "") -> str:
    more = ("--ticket", ticket) if ticket else ()
    made = daypass.object(by, "request", "orders", "--role", role, "--for", for_, "--reason", reason, *more)
    return str(made["id"])


@contextmanager
def staging(home: Path) -> Iterator[Daypass]:
    """A gateway in which things have happened, and one session goes on. It has a server of its own: others count the
    sessions at theirs."""
    with Postgres.copied() as server, Daypass(home, server, setup()) as daypass:
        client = live(daypass)
        yield daypass
        client.kill()
        client.wait()


def live(daypass: Daypass) -> subprocess.Popen[str]:
    """Let things happen. Returns the client of the session that stays open."""
    past = ask(daypass, ANA, "read", "30m", "INC-7: the customer was charged twice, compare payments", "INC-7")
    daypass.psql(
        "select id, customer_id, status, total_cents from orders order by id desc limit 5",
        "select c.name, count(*) from orders o join customers c on c.id = o.customer_id group by 1 limit 3",
        target="orders:read",
    )
    daypass.psql("update orders set note = 'x' where id = 1", target="orders:read")
    daypass.say(ANA, "return", str(daypass.object(ANA, "show", past)["grant"]))
    denied = ask(daypass, DORA, "write", "4h", "clean up old rows")
    daypass.say(BEN, "deny", denied, "--note", "four hours of write for a clean-up: please name the rows")
    asked = ask(daypass, DORA, "write", "1h", "backfill the currency of 312 orders from March", "PAY-331")
    daypass.say(BEN, "ask", asked, "Is there a dry run of this somewhere?")
    ask(daypass, DORA, "write", "20m", "INC-9: refund order 4711, it was paid twice", "INC-9")
    held = ask(daypass, ANA, "write", "45m", "INC-7: order 4711 was paid twice, refund it", "INC-7")
    daypass.say(BEN, "approve", held, "--note", "that is enough for one refund")
    argv = daypass.psql_argv(
        "select o.id, c.name, o.status from orders o join customers c on c.id = o.customer_id where o.id = 4711",
        "update orders set status = 'refunded', note = 'INC-7' where id = 4711 returning id, status",
        "select pg_sleep(3600)",
        target="orders:write",
    )
    client = daypass.start_client(*argv)
    until(lambda: next((s for s in daypass.sessions("--live") if s["state"] == "OPEN"), None), "an open session", 30)
    return client
