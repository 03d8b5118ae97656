"""The local authority: made once, good for every name we go by, and its keys for nobody else's eyes."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from daypass.app.certificates import open_tls
from daypass.config import Settings, read_settings
from daypass.domain.errors import ConfigError

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)


def settings(folder: Path, more: str = "") -> Settings:
    (folder / "daypass.yaml").write_text(f"site: acme.test\n{more}")
    return read_settings(folder / "daypass.yaml")


def names(cert: Path) -> list[str]:
    found = x509.load_pem_x509_certificates(cert.read_bytes())[0]
    there = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in there]


def test_a_first_start_makes_an_authority(tmp_path: Path) -> None:
    tls = open_tls(settings(tmp_path, "public_url: https://daypass.acme.test\n"), NOW)
    assert names(tls.cert) == ["localhost", "127.0.0.1", "::1", "daypass.acme.test"]
    found = x509.load_pem_x509_certificates(tls.cert.read_bytes())[0]
    assert isinstance(found.signature_hash_algorithm, hashes.SHA256)
    assert tls.authority is not None
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(tls.authority.read_bytes()))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert, tls.key)
    for key in ("ca.key", "server.key"):
        assert (tmp_path / "var" / "tls" / key).stat().st_mode & 0o777 == 0o600


def test_it_is_made_once_and_renewed_in_time(tmp_path: Path) -> None:
    first = open_tls(settings(tmp_path), NOW)
    authority, cert = (tmp_path / "var/tls/ca.pem").read_bytes(), first.cert.read_bytes()
    assert open_tls(settings(tmp_path), NOW + datetime.timedelta(days=300)).cert.read_bytes() == cert
    later = open_tls(settings(tmp_path), NOW + datetime.timedelta(days=380))
    assert later.cert.read_bytes() != cert
    assert (tmp_path / "var/tls/ca.pem").read_bytes() == authority


def test_another_public_name_gets_another_certificate(tmp_path: Path) -> None:
    open_tls(settings(tmp_path), NOW)
    tls = open_tls(settings(tmp_path, "public_url: http://daypass.acme.test\n"), NOW)
    assert "daypass.acme.test" in names(tls.cert)


def test_a_broken_server_certificate_is_made_anew(tmp_path: Path) -> None:
    tls = open_tls(settings(tmp_path), NOW)
    tls.cert.write_text("nonsense")
    assert names(open_tls(settings(tmp_path), NOW).cert)


def test_ed25519_is_refused(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + datetime.timedelta(days=1)).sign(
        key, None
    )
    (tmp_path / "c.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "k.pem").write_text("unused")
    with pytest.raises(ConfigError, match=r"tls\.cert: .* is signed with Ed25519"):
        open_tls(settings(tmp_path, "tls: { cert: c.pem, key: k.pem }\n"), NOW)
