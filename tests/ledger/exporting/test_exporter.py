"""Exports against real receivers: in order, at least once, going on where they were, whatever breaks."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.ledger.exporting.receivers import Receiver
from tests.ledger.exporting.test_forms import ABOUT, ENTRY, LEAF

from daypass.ledger.entry import canonical
from daypass.ledger.exporting.exporter import BATCH, Exporter
from daypass.ledger.exporting.forms import Placed
from daypass.ledger.exporting.sending import NotSent, Syslog, Way, Webhook, sending

SECONDS_MAX = 20.0


@dataclass
class Log:
    """A feed whose cursor outlives its exporters."""

    size: int
    at: int = 0
    moves: list[int] = field(default_factory=list)

    async def cursor(self) -> int:
        return self.at

    async def move(self, cursor: int) -> None:
        self.at = cursor
        self.moves.append(cursor)

    async def read(self, since: int, limit: int) -> Sequence[Placed]:
        return [placed(n) for n in range(since, min(self.size, since + limit))]

    async def mine(self) -> bool:
        return True


def placed(n: int) -> Placed:
    type = "grant.ended" if n % 2 else "statement.submitted"
    return Placed("acme.test", n, LEAF, canonical({**ENTRY, **ABOUT, "type": type, "body": {"n": n}}))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    yield made
    await made.stop()


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not look():  # noqa: ASYNC110  receivers are looked at from outside
            await asyncio.sleep(0.01)


def indexes(messages: Sequence[bytes]) -> list[int]:
    return [json.loads(message[message.index(b"{") :])["index"] for message in messages]


async def test_a_webhook_gets_every_entry_in_order(receiver: Receiver) -> None:
    await receiver.start(receiver.http)
    log = Log(BATCH + 40)
    way = Way(f"http://127.0.0.1:{receiver.port}/in", "entries", "secret")
    exporter = Exporter("one", log, Webhook(way), lambda type: True)
    assert await exporter.step() and not await exporter.step()
    assert indexes(receiver.messages) == list(range(BATCH + 40)) and log.at == BATCH + 40
    headers, _ = receiver.requests[1]
    assert headers["authorization"] == "Bearer secret" and headers["content-type"] == "application/x-ndjson"


async def test_what_was_refused_is_sent_again(receiver: Receiver) -> None:
    await receiver.start(receiver.http)
    receiver.statuses = [503, 302, 200]
    log = Log(10)
    exporter = Exporter("one", log, sending(Way(f"http://127.0.0.1:{receiver.port}", "entries")), lambda type: True)
    for _ in range(2):
        with pytest.raises(NotSent):
            await exporter.step()
        assert log.at == 0
    await exporter.step()
    assert indexes(receiver.messages) == list(range(10)) and log.at == 10


async def test_only_wanted_types_are_sent_and_the_cursor_passes_the_others(receiver: Receiver) -> None:
    await receiver.start(receiver.http)
    log = Log(10)
    way = Way(f"http://127.0.0.1:{receiver.port}", "entries")
    await Exporter("one", log, Webhook(way), lambda type: type.startswith("grant.")).step()
    assert indexes(receiver.messages) == [1, 3, 5, 7, 9] and log.at == 10


async def test_syslog_over_tcp_survives_a_receiver_that_goes_and_comes_back(receiver: Receiver) -> None:
    await receiver.start(receiver.syslog)
    log = Log(5)
    exporter = Exporter(
        "one", log, Syslog(Way(f"syslog+tcp://127.0.0.1:{receiver.port}", "entries")), lambda type: True
    )
    running = asyncio.create_task(exporter.run())
    await until(lambda: log.at == 5)
    receiver.broken = True
    await receiver.stop()
    log.size = 8
    await until(lambda: bool(exporter.problem))
    assert log.at == 5
    receiver.broken = False
    await receiver.start(receiver.syslog)
    await until(lambda: log.at == 8)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert list(dict.fromkeys(indexes(receiver.messages))) == list(range(8))


async def test_syslog_over_tls_trusts_the_configured_authority_only(receiver: Receiver, tmp_path: Path) -> None:
    served = authority(tmp_path, "served")
    authority(tmp_path, "other")
    await receiver.start(receiver.syslog, served)
    to, log = f"syslog+tls://localhost:{receiver.port}", Log(3)
    for ca in (tmp_path / "other.pem", None):
        with pytest.raises(NotSent):
            await Exporter("one", log, Syslog(Way(to, "ocsf", ca=ca)), lambda type: True).step()
    assert log.at == 0
    exporter = Exporter("one", log, Syslog(Way(to, "ocsf", ca=tmp_path / "served.pem")), lambda type: True)
    await exporter.step()
    await until(lambda: len(receiver.messages) == 3)
    assert all(b'"class_uid"' in message for message in receiver.messages)


async def test_a_new_run_goes_on_where_the_last_one_was(receiver: Receiver) -> None:
    await receiver.start(receiver.http)
    log, way = Log(4), Way(f"http://127.0.0.1:{receiver.port}", "entries")
    await Exporter("one", log, Webhook(way), lambda type: True).step()
    log.size = 6
    await Exporter("one", log, Webhook(way), lambda type: True).step()
    assert indexes(receiver.messages) == list(range(6))


def authority(folder: Path, name: str) -> ssl.SSLContext:
    """A certificate for localhost that signs itself, as a server's TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context
