"""Strangers by the thousand, who say nothing or very little: everybody else is served meanwhile."""

from __future__ import annotations

import json
import resource
import selectors
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from daypass.app.strangers import WAITING_MAX
from daypass.cli.demo.gateway import Setup
from tests.servers.babbling import babble
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres

SILENT = 10_000
ROUNDS = 800
FROM = "127.0.0.7"
"""Where strangers come from: another address than everybody else's."""


@pytest.fixture(scope="module")
def daypass(postgres_15: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    with Daypass(tmp_path_factory.mktemp("strangers"), postgres_15) as made:
        made.grant("read")
        yield made


@contextmanager
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SILENT + 2000
    assert hard == resource.RLIM_INFINITY or hard >= wanted, "ulimit -n has to allow 12000 files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def strangers(stack: ExitStack, port: int, count: int) -> list[socket.socket]:
    """So many connections that have been made, a hundred at a time."""
    made = []
    while len(made) < count:
        some = []
        for _ in range(100):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.bind((FROM, 0))
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            some.append(one)
        for one in some:
            with selectors.DefaultSelector() as ready:
                ready.register(one, selectors.EVENT_WRITE)
                ready.select(30)
        made += some
    return made


def open_still(ones: list[socket.socket]) -> int:
    """How many of them nobody has closed."""
    left = 0
    for one in ones:
        try:
            left += one.recv(4096) != b""
        except BlockingIOError:
            left += 1
        except OSError:
            continue
    return left


def served(daypass: Daypass) -> None:
    assert daypass.psql("select 1", target="orders:read").stdout == "1\n"
    assert daypass.get("whoami")


def test_ten_thousand_who_say_nothing(daypass: Daypass) -> None:
    for port, most in ((daypass.port, 256), (daypass.web_port, WAITING_MAX)):
        with many_files(), ExitStack() as stack:
            made = strangers(stack, port, SILENT)
            served(daypass)
            assert until(lambda ones=made, n=most: True if open_still(ones) <= n else None, "strangers to go", 20)
    served(daypass)


def test_a_slow_loris_on_each_port(daypass: Daypass) -> None:
    """By headers, by a body, and by a startup packet."""
    form = f"POST /api/v1/sign-in/oidc/logout HTTP/1.1\r\nHost: localhost:{daypass.web_port}\r\n"
    starts = (
        (daypass.web_port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: "),
        (daypass.web_port, f"{form}Content-Length: 60000\r\n\r\n".encode()),
        (daypass.port, b"\0\0\x20\0\0\3\0\0user\0"),
    )
    with ExitStack() as stack:
        ones = []
        for port, start in starts:
            for one in strangers(stack, port, 100):
                one.send(start)
                ones.append(one)
        give_up = time.monotonic() + 90
        while open_still(ones) and time.monotonic() < give_up:
            for one in ones:
                try:
                    one.send(b"a")
                except OSError:
                    continue
            served(daypass)
        assert open_still(ones) == 0


def test_a_thousand_who_take_no_answer(daypass: Daypass) -> None:
    """Some would have the connection closed after it, others not: what waits for them shuts nobody else out."""
    host = f"Host: localhost:{daypass.web_port}"
    with many_files(), ExitStack() as stack:
        for how in ("close", "keep-alive"):
            ask = f"GET /api/v1/openapi.json HTTP/1.1\r\n{host}\r\nConnection: {how}\r\n\r\n".encode()
            for _ in range(14):
                for one in strangers(stack, daypass.web_port, 100):
                    one.send(ask)
                served(daypass)
    served(daypass)


def cut_off(one: socket.socket, parts: list[bytes]) -> bool:
    """Whether the other side closes while it is sent this."""
    try:
        for part in parts:
            one.sendall(part)
        return one.recv(1) == b""
    except OSError:
        return True


def test_random_bytes_on_each_port(daypass: Daypass) -> None:
    for port in (daypass.port, daypass.web_port):
        babble(port, ROUNDS)
    served(daypass)
    log = daypass.log.read_text()
    assert "Traceback" not in log and "a route failed" not in log


def test_headers_without_an_end_are_cut_off(daypass: Daypass) -> None:
    with socket.create_connection(("127.0.0.1", daypass.web_port), timeout=20) as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        assert cut_off(one, [b"X-%d: " % n + b"a" * 1000 + b"\r\n" for n in range(2000)])
    served(daypass)


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /api/v1/requests HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"GET /healthz HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: HOST\n X: folded\n\n",
        b"GET /healthz\x00 HTTP/1.1\r\nHost: HOST\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: HOST\r\nContent-Length: +3\r\n\r\nabc",
        b"POST /api/v1/requests HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"FOO /healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: HOST\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_two_servers_would_read_differently_is_refused(daypass: Daypass, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", daypass.web_port), timeout=20) as one:
        one.sendall(raw.replace(b"HOST", f"localhost:{daypass.web_port}".encode()))
        one.shutdown(socket.SHUT_WR)
        said = b""
        while part := one.recv(4096):
            said += part
    head, _, body = said.partition(b"\r\n\r\n")
    if said:
        assert head.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in head and b"nosniff" in head, said
        assert json.loads(body)["detail"].startswith("this is no HTTP request that we take: "), said
    served(daypass)


@pytest.mark.parametrize(
    "path",
    ["/ledger/../keys/log.key", "/ledger/tile/../../keys", "/ledger/%2e%2e/keys", "/ledger/tile/0/..%2f..%2fkeys"],
)
def test_nothing_but_the_log_is_under_ledger(daypass: Daypass, path: str) -> None:
    with socket.create_connection(("127.0.0.1", daypass.web_port), timeout=20) as one:
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost:{daypass.web_port}\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while part := one.recv(4096):
            said += part
    assert said.startswith(b"HTTP/1.1 404 ") and b"nosniff" in said


# -- TLS --------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, serial: int, key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey | None = None) -> None:
    """A self-signed certificate for localhost, in `cert.pem` and `key.pem`."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


class Secured(Daypass):
    """A gateway with a certificate of its own."""

    @property
    def web(self) -> str:
        return f"https://localhost:{self.web_port}"

    def healthy(self) -> bool | None:
        try:
            context = ssl._create_unverified_context()
            with urllib.request.urlopen(f"{self.web}/healthz", timeout=2, context=context) as answer:
                return bool(answer.status == 200)
        except OSError:
            return None


def serial(port: int, *, postgres: bool, **context: object) -> int:
    """The serial number of the certificate that is served now."""
    ours = ssl._create_unverified_context()
    for name, value in context.items():
        setattr(ours, name, value)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        if postgres:
            plain.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
            assert plain.recv(1) == b"S"
        with ours.wrap_socket(plain, server_hostname="localhost") as one:
            raw = one.getpeercert(binary_form=True)
            assert raw is not None and one.version() in ("TLSv1.2", "TLSv1.3")
            return x509.load_der_x509_certificate(raw).serial_number


def test_a_certificate_is_renewed_without_a_restart(postgres_15: Postgres, tmp_path: Path) -> None:
    home = tmp_path / "gateway"
    home.mkdir()
    certificate(home, 1001)
    with Secured(home, postgres_15, Setup(extra="tls: { cert: cert.pem, key: key.pem }\n")) as daypass:
        ports = ((daypass.port, True), (daypass.web_port, False))
        slow = [slow_handshake(port, postgres=kind) for port, kind in ports]
        assert [serial(port, postgres=kind) for port, kind in ports] == [1001, 1001]
        (home / "key.pem").write_text("no key")  # half a change: the old one goes on
        until(lambda: True if "does not load" in daypass.log.read_text() else None, "the refusal")
        certificate(home, 1500, Ed25519PrivateKey.generate())  # libpq could not bind to it
        until(lambda: True if "is signed with Ed25519" in daypass.log.read_text() else None, "that refusal")
        assert [serial(port, postgres=kind) for port, kind in ports] == [1001, 1001]
        certificate(home, 2002)
        for port, kind in ports:
            until(lambda p=port, k=kind: True if serial(p, postgres=k) == 2002 else None, "the new certificate")
        for port, kind in ports:
            assert serial(port, postgres=kind, maximum_version=ssl.TLSVersion.TLSv1_2) == 2002
            for weak in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"):
                starttls = ["-starttls", "postgres"] if kind else []
                command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-cipher", weak]
                done = subprocess.run([*command, *starttls], input=b"", capture_output=True, timeout=20)
                assert done.returncode != 0, weak
        for one in slow:  # whoever takes too long over a handshake is cut off meanwhile
            assert cut_off(one, [b"\1"])
            one.close()


def slow_handshake(port: int, *, postgres: bool) -> socket.socket:
    """A connection with half of a handshake."""
    one = socket.create_connection(("127.0.0.1", port), timeout=60)
    if postgres:
        one.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
        assert one.recv(1) == b"S"
    one.sendall(b"\x16\x03\x01\x02\x00\x01")
    return one
