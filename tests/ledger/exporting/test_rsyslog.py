"""The syslog export, read by a syslog server that is not ours."""

from __future__ import annotations

import asyncio
import json
import time

from tests.ledger.exporting.test_forms import ABOUT, ENTRY, LEAF
from tests.servers.rsyslog import Rsyslog

from daypass.ledger.entry import canonical
from daypass.ledger.exporting.forms import Placed
from daypass.ledger.exporting.sending import Syslog, Way

COUNT = 300
ARRIVED_SECONDS_MAX = 30.0


def placed(index: int) -> Placed:
    body = {"note": 'a "quoted" text, a ] and an ü ' * (1 + index % 200)}
    return Placed("acme.test/prod", index, LEAF, canonical({**ENTRY, **ABOUT, "type": "grant.ended", "body": body}))


async def test_rsyslog_reads_every_message_as_it_was_meant() -> None:
    with Rsyslog() as server:
        way = Syslog(Way(f"syslog+tcp://127.0.0.1:{server.port}", "entries"))
        sent = [placed(index) for index in range(COUNT)]
        await way.send(sent[:100])
        await way.send(sent[100:])
        await way.close()
        give_up = time.monotonic() + ARRIVED_SECONDS_MAX
        while len(found := server.messages()) < COUNT and time.monotonic() < give_up:  # noqa: ASYNC110  its file is all it tells
            await asyncio.sleep(0.1)
    assert len(found) == COUNT
    for index, (one, told) in enumerate(zip(sent, found, strict=True)):
        assert (told["pri"], told["version"], told["app"], told["msgid"]) == ("109", "1", "daypass", "grant.ended")
        assert f'log="acme.test/prod" index="{index}" leaf="{LEAF}"' in told["data"]
        assert json.loads(told["msg"].lstrip("\ufeff"))["entry"] == json.loads(one.raw)
