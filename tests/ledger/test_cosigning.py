"""A log and its witnesses over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.ledger.failing import FailingFiles, no_space
from tests.ledger.logs import ORIGIN, SEED, Log

from daypass.api.witness import make_witness
from daypass.ledger.cosigning import Cosigners, WitnessAddress
from daypass.ledger.note import COSIGNATURE_V1, Note, VerifierKey, cosigned_at, keypair
from daypass.ledger.source import Directory
from daypass.ledger.tampering import Tampered
from daypass.ledger.verify import Asked, verify_log
from daypass.ledger.witness import REQUEST_BYTES_MAX, Witness

LOG_KEY, _ = keypair(ORIGIN, SEED)
NOW = 1_790_000_000


class Served:
    """A witness at a URL."""

    def __init__(self, number: int) -> None:
        self.files = FailingFiles()
        self.key, self._signer = keypair(f"witness.test/{number}", bytes([number]) * 32, COSIGNATURE_V1)
        self.witness = Witness(self.key, self._signer, {ORIGIN: LOG_KEY}, Path("/witness"), self.files)

        self.answering = asyncio.Event()
        self.answering.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[WitnessAddress]:
        witness = make_witness(self.witness, lambda: NOW)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self.answering.wait()
            await witness(scope, receive, send)

        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield WitnessAddress(self.key, f"http://127.0.0.1:{port}/")
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


async def test_a_log_is_published_with_its_witnesses(tmp_path: Path, client: httpx2.AsyncClient) -> None:
    log, one, two = Log(tmp_path), Served(1), Served(2)
    async with one.running() as first, two.running() as second:
        cosigners = Cosigners([first, second], 2, client)
        for count in (1, 254, 45, 0, 300):
            signed = log.publisher.prepare(log.publisher.size, log.sequencer.entries(count))
            cosigned = await cosigners.ask(signed, log.publisher.nodes())
            assert cosigners.enough(cosigned), cosigned.missing
            log.publisher.release(cosigned.checkpoint)
        assert cosigned_at(Note.parse(cosigned.checkpoint), (one.key, two.key)) == ((one.key, NOW), (two.key, NOW))
        report = verify_log(Directory(log.root), Asked(LOG_KEY, (), (one.key, two.key), 2))
        assert (report.entries, len(report.cosigned)) == (600, 2)


async def test_a_new_asker_learns_what_the_witness_has_seen(tmp_path: Path, client: httpx2.AsyncClient) -> None:
    log, one = Log(tmp_path).grow(300), Served(1)
    async with one.running() as address:
        for size in (300, 600):
            log.grow(size)
            cosigned = await Cosigners([address], 1, client).ask(log.published[-1], log.publisher.nodes())
            assert cosigned.count == 1, cosigned.missing
        assert one.witness.last(ORIGIN)[0] == 600


async def test_a_quorum_goes_on_without_the_others(tmp_path: Path, client: httpx2.AsyncClient) -> None:
    log, one, two = Log(tmp_path).grow(5), Served(1), Served(2)
    async with one.running() as first:
        async with two.running() as second:
            pass
        cosigned = await Cosigners([first, second], 1, client).ask(log.published[-1], log.publisher.nodes())
    assert cosigned.count == 1 and list(cosigned.missing) == ["witness.test/2"]
    assert Cosigners([first, second], 1, client).enough(cosigned)
    assert not Cosigners([first, second], 2, client).enough(cosigned)


async def test_a_witness_that_is_slow_is_heard_later(tmp_path: Path, client: httpx2.AsyncClient) -> None:
    log, one, two = Log(tmp_path).grow(5), Served(1), Served(2)
    async with one.running() as first, two.running() as second:
        cosigners = Cosigners([first, second], 1, client)
        two.answering.clear()
        cosigned = await cosigners.ask(log.published[-1], log.publisher.nodes(), 0.0)
        assert (cosigned.count, cosigned.waiting, cosigned.missing) == (1, {"witness.test/2"}, {})
        log.grow(300)
        cosigned = await cosigners.ask(log.published[-1], log.publisher.nodes(), 0.0)
        assert (cosigned.count, cosigned.waiting) == (1, {"witness.test/2"})
        two.answering.set()
        for _ in range(1000):
            late = cosigners.so_far()
            if late is not None and not late.waiting:
                break
            await asyncio.sleep(0.01)
        assert late is not None and late.count == 2, late
        assert {key for key, _ in cosigned_at(Note.parse(late.checkpoint), (one.key, two.key))} == {one.key, two.key}
        assert two.witness.last(ORIGIN)[0] == 300
        two.answering.clear()
        assert (await cosigners.ask(log.append([]), log.publisher.nodes(), 0.0)).waiting
        await cosigners.close()
        two.answering.set()


async def test_a_witness_refuses_a_rewritten_or_shortened_log(tmp_path: Path, client: httpx2.AsyncClient) -> None:
    log, one = Log(tmp_path / "a").grow(7, 300), Served(1)
    forged = Log(tmp_path / "b")
    forged.append([forged.sequencer.entry(n + 1) for n in range(300)])
    longer = Log(tmp_path / "c")
    longer.append([longer.sequencer.entry(n + 1) for n in range(400)])
    async with one.running() as address:
        assert (await Cosigners([address], 1, client).ask(log.published[-1], log.publisher.nodes())).count == 1
        short = await Cosigners([address], 1, client).ask(
            log.published[1], Log(tmp_path / "d").grow(7).publisher.nodes()
        )
        same = await Cosigners([address], 1, client).ask(forged.published[-1], forged.publisher.nodes())
        more = await Cosigners([address], 1, client).ask(longer.published[-1], longer.publisher.nodes())
    told = (
        (short, "has cosigned 300 entries, and this log was signed for 7"),
        (same, "another history of 300 entries"),
        (more, "has cosigned 300 entries that are not a beginning of this log"),
    )
    for cosigned, why in told:
        assert why in cosigned.missing["witness.test/1"] and why in cosigned.contradicted
    with pytest.raises(Tampered, match="not cosigned"):
        verify_log(Directory(forged.root), Asked(LOG_KEY, (), (one.key,), 1))


async def test_a_witness_that_cannot_remember_does_not_cosign(tmp_path: Path, client: httpx2.AsyncClient) -> None:
    log, one = Log(tmp_path).grow(5), Served(1)
    async with one.running() as address:
        one.files.fail(1, no_space())
        cosigned = await Cosigners([address], 1, client).ask(log.published[-1], log.publisher.nodes())
        assert "HTTP 500" in cosigned.missing["witness.test/1"]
        assert (await Cosigners([address], 1, client).ask(log.published[-1], log.publisher.nodes())).count == 1


async def test_the_http_of_a_witness(client: httpx2.AsyncClient) -> None:
    async with Served(1).running() as address:
        vkey = await client.get(f"{address.url}vkey")
        assert VerifierKey.parse(vkey.text) == address.key
        assert (await client.get(f"{address.url}add-checkpoint")).status_code == 405
        too_long = await client.post(f"{address.url}add-checkpoint", content=bytes(REQUEST_BYTES_MAX + 1))
        assert too_long.status_code == 413


def test_a_quorum_that_cannot_be_is_refused() -> None:
    client = httpx2.AsyncClient()
    with pytest.raises(ValueError, match="a quorum of 1 among 0"):
        Cosigners([], 1, client)
    with pytest.raises(ValueError, match="not the key of a witness"):
        Cosigners([WitnessAddress(LOG_KEY, "http://127.0.0.1")], 1, client)
