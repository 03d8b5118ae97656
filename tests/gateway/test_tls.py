"""TLS on both sides of a session, started in the middle of a connection."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.gateway.rig import Client, Rig

from daypass.domain.errors import ConfigError
from daypass.gateway.tls import ServerTls, TlsLayer, end_point_binding

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def certificate(key: Key, algorithm: hashes.SHA256 | hashes.SHA384 | None) -> x509.Certificate:
    """Signed by itself, for 127.0.0.1."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, algorithm)
    )


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert_file, key_file


def trusting(cert: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(cert))


async def test_a_client_starts_tls_and_gets_the_binding_of_our_certificate(pem: tuple[Path, Path]) -> None:
    async with Rig(tls=ServerTls(*pem)) as rig:
        client = await rig.client()
        assert await client.ask("TLS") == "YES"
        await client.writer.start_tls(trusting(pem[0]), server_hostname="127.0.0.1")
        secured = await client.hears()
        sent = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        assert secured == "SECURE " + hashlib.sha256(sent).hexdigest()
        assert (await client.ask("HELLO ana dp_ana orders")).startswith("READY")
        assert await client.ask("y" * 300_000) == "DONE " + "y" * 40
        assert await client.ask("QUIT") == ""


async def test_what_is_no_handshake_ends_the_connection(pem: tuple[Path, Path]) -> None:
    async with Rig(tls=ServerTls(*pem)) as rig:
        client = await rig.client()
        assert await client.ask("TLS") == "YES"
        client.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(3):
            assert b"READY" not in await client.reader.read()
        assert rig.gateway.works.tally.faults == 0


@pytest.mark.parametrize("mode", ["require", "verify-full"])
async def test_a_target_is_reached_over_tls(pem: tuple[Path, Path], mode: str) -> None:
    async with Rig() as rig:
        rig.target.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        rig.target.tls.load_cert_chain(*pem)
        rig.change_target(tls=mode, tls_ca=str(pem[0]) if mode == "verify-full" else None)
        client: Client = await rig.open()
        assert await client.ask("select 1") == "DONE select 1"


async def test_a_target_with_a_certificate_that_nobody_vouches_for_is_not_reached(pem: tuple[Path, Path]) -> None:
    async with Rig() as rig:
        rig.target.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        rig.target.tls.load_cert_chain(*pem)
        rig.change_target(tls="verify-full")
        client = await rig.client()
        assert "CERTIFICATE_VERIFY_FAILED" in await client.ask("HELLO ana dp_ana orders")


async def test_a_ca_file_that_is_not_there_is_said(pem: tuple[Path, Path]) -> None:
    async with Rig() as rig:
        rig.change_target(tls="verify-full", tls_ca="/nowhere/ca.pem")
        client = await rig.client()
        told = await client.ask("HELLO ana dp_ana orders")
        assert "certificate authority" in told and "/nowhere" not in told


async def test_off_loopback_plain_text_is_refused() -> None:
    async with Rig() as rig:
        with pytest.raises(ConfigError, match="is not loopback"):
            await rig.gateway.listen("line", "0.0.0.0", 0)


def test_the_binding_uses_the_certificates_own_hash() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for algorithm, digest in ((hashes.SHA256(), hashlib.sha256), (hashes.SHA384(), hashlib.sha384)):
        der = certificate(key, algorithm).public_bytes(Encoding.DER)
        assert end_point_binding(der) == digest(der).digest()
    unhashed = certificate(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(Encoding.DER)
    assert end_point_binding(unhashed) is None


def test_a_handshake_works_in_pieces_of_one_byte(pem: tuple[Path, Path]) -> None:
    server = ServerTls(*pem).layer(("daypass",))
    context = trusting(pem[0])
    context.set_alpn_protocols(["daypass"])
    client = TlsLayer(context, hostname="127.0.0.1")
    while not (client.handshake() and server.established):
        for byte in client.take():
            server.feed(bytes([byte]))
            _ = server.established or server.handshake()
        client.feed(server.take())
    client.write(b"hello")
    client.close()
    server.feed(client.take())
    assert (server.read(), server.ended) == (b"hello", True)
    assert server.alpn == client.alpn == "daypass"
    assert server.binding == client.binding != b""


def test_files_that_are_no_certificate_are_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(ConfigError, match="no certificate and key"):
        ServerTls(tmp_path / "x", tmp_path / "x")
