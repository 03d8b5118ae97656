"""What TLS needs: the certificate from the settings, or one of a local authority that is made on first start.

ECDSA on P-256 with SHA-256 and never Ed25519: tls-server-end-point (RFC 5929, section 4.1) takes its hash from the
certificate's signature, and libpq's channel binding breaks on one that has none.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from daypass.config import Settings
from daypass.domain.errors import ConfigError
from daypass.gateway.tls import ServerTls

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
"""What browsers and libraries accept at most."""
RENEW_DAYS = 30
"""A server certificate with less left is made anew at start."""
BACKDATED = datetime.timedelta(hours=1)
"""Clocks of clients differ; a certificate that is not yet valid is of no use to them."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files that listeners serve with; `authority` is what clients are to trust (none: a public one)."""

    cert: Path
    key: Path
    authority: Path | None


def open_tls(settings: Settings, now: datetime.datetime) -> Tls:
    """The certificate to serve with. Raises ConfigError if the configured one cannot be used."""
    check_tls(settings)
    if settings.tls:
        return Tls(settings.tls.cert, settings.tls.key, None)
    folder = settings.data / "tls"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = ("localhost", "127.0.0.1", "::1", settings.public_host)
    authority, key = _authority(folder, settings.site, now)
    if not _serves(folder / "server.pem", authority, names, now):
        _issue(folder, authority, key, names, now)
    return Tls(folder / "server.pem", folder / "server.key", folder / "ca.pem")


def check_tls(settings: Settings) -> None:
    """Raises ConfigError if a certificate is configured that cannot be served with."""
    if settings.tls:
        _refuse_unbindable(settings.tls.cert)
        ServerTls(settings.tls.cert, settings.tls.key)


def _refuse_unbindable(cert: Path) -> None:
    try:
        algorithm = x509.load_pem_x509_certificates(cert.read_bytes())[0].signature_hash_algorithm
    except (OSError, LookupError, ValueError, UnsupportedAlgorithm) as problem:
        raise ConfigError(f"tls.cert: {cert} is no PEM certificate: {problem}") from None
    if algorithm is None:
        raise ConfigError(f"tls.cert: {cert} is signed with Ed25519, which breaks channel binding; use ECDSA or RSA")


def _authority(folder: Path, site: str, now: datetime.datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The local authority, made if it isn't there yet."""
    if not (folder / "ca.pem").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Daypass {site} {os.urandom(4).hex()}"[:64])])
        made = (
            _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_key(folder / "ca.key", key)
        _write(folder / "ca.pem", made.public_bytes(serialization.Encoding.PEM), 0o644)
    try:
        stored = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{folder}: the local authority cannot be read: {problem}") from None
    if not isinstance(stored, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{folder / 'ca.key'} is not the key that was made there")
    return certificate, stored


def _issue(
    folder: Path,
    authority: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime.datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    made = (
        _builder(name, authority.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(names)), critical=False)
        .add_extension(above, critical=False)
        .sign(signer, hashes.SHA256())
    )
    chain = made.public_bytes(serialization.Encoding.PEM) + authority.public_bytes(serialization.Encoding.PEM)
    _write_key(folder / "server.key", key)
    _write(folder / "server.pem", chain, 0o644)


def _serves(file: Path, authority: x509.Certificate, names: Sequence[str], now: datetime.datetime) -> bool:
    """Whether the server certificate is there, of this authority, good for these names and for some time yet."""
    try:
        certificate = x509.load_pem_x509_certificates(file.read_bytes())[0]
        certificate.verify_directly_issued_by(authority)
        there = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, LookupError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    left = certificate.not_valid_after_utc - now
    return left > datetime.timedelta(days=RENEW_DAYS) and set(there) == set(_names(names))


def _names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: dict[x509.GeneralName, None] = {}
    for name in names:
        try:
            found[x509.IPAddress(ipaddress.ip_address(name))] = None
        except ValueError:
            found[x509.DNSName(name)] = None
    return list(found)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = serialization.PrivateFormat.PKCS8
    _write(file, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), 0o600)


def _write(file: Path, data: bytes, mode: int) -> None:
    """Write so that the file is whole or not there, and nobody else ever saw a key."""
    fresh = file.with_name(file.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(fresh, file)
