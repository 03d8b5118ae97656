"""TLS in the middle of a connection, either way round, without a transport of its own.

asyncio's `start_tls` cannot take bytes that were read already, and swaps transports under a session that is running;
so this is a small layer over `ssl.MemoryBIO`: encrypted bytes in and out, plain bytes in and out, no I/O.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from daypass.domain.errors import ConfigError

READ_BYTES = 256 * 1024
"""How much is decrypted in one step: what the transport reads at once."""

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all of this kind."""

CONTEXTS_KEPT = 64
"""Contexts kept, one for each CA file in use: loading one takes milliseconds."""


class TlsLayer:
    """One TLS connection. `established` once the handshake is done; `ended` when the peer has said goodbye.

    `handshake` and `read` raise `ssl.SSLError` for what the peer did wrong.
    """

    __slots__ = ("_in", "_object", "_out", "_own", "ended", "established")

    def __init__(
        self, context: ssl.SSLContext, *, hostname: str | None = None, certificate: bytes | None = None
    ) -> None:
        """`hostname`: we are the client of this server. `certificate`: we are the server, with this one (DER)."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._in, self._out, server_side=hostname is None, server_hostname=hostname or None
        )
        self._own = certificate
        self.established = False
        self.ended = False

    def feed(self, data: bytes) -> None:
        """Encrypted bytes that came from the peer."""
        self._in.write(data)

    def take(self) -> bytes:
        """Encrypted bytes that are to go to the peer."""
        return self._out.read()

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.established = True
        return True

    def read(self) -> bytes:
        """All plain bytes there are."""
        parts: list[bytes] = []
        try:
            while part := self._object.read(READ_BYTES):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, data: bytes) -> None:
        """Encrypt plain bytes; `take` has them then."""
        self._object.write(data)

    def close(self) -> None:
        """Say goodbye to the peer, not waiting for its own."""
        try:
            self._object.unwrap()
        except ssl.SSLError:
            pass  # WantRead is the rule; after a failed handshake there is nobody to say goodbye to

    @property
    def alpn(self) -> str | None:
        return self._object.selected_alpn_protocol()

    @property
    def binding(self) -> bytes | None:
        """tls-server-end-point channel-binding data (RFC 5929, section 4) of the server's certificate."""
        certificate = self._own if self._own is not None else self._object.getpeercert(binary_form=True)
        return end_point_binding(certificate) if certificate else None


def end_point_binding(certificate: bytes) -> bytes | None:
    """The hash of a certificate (DER) by its own signature's hash function, SHA-256 in place of MD5 and SHA-1; None for
    signatures without one (Ed25519), for which RFC 5929 defines no binding."""
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    if algorithm is None:
        return None
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    return digest.finalize()


class ServerTls:
    """Our own certificate. Contexts are made per list of ALPN names, as OpenSSL keeps that list in the context."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises `ConfigError` if these files are no certificate chain and its key (PEM)."""
        self._files = certificate, key
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        try:
            self.certificate = x509.load_pem_x509_certificates(certificate.read_bytes())[0].public_bytes(Encoding.DER)
            self.layer(())
        except (OSError, ValueError) as problem:
            raise ConfigError(
                f"tls: {certificate} and {key} are no certificate and key: {problem}", hint="give both as PEM files"
            ) from problem

    def renew(self) -> None:
        """Serve new connections with what the files say now. Raises `ConfigError`, and then goes on as before."""
        fresh = ServerTls(*self._files)
        self.certificate, self._contexts = fresh.certificate, fresh._contexts

    def layer(self, alpn: tuple[str, ...]) -> TlsLayer:
        """A new connection's TLS, agreeing to one of these ALPN names if the client offers any."""
        context = self._contexts.get(alpn)
        if context is None:
            context = server_context(*self._files)
            if alpn:
                context.set_alpn_protocols(list(alpn))
            self._contexts[alpn] = context
        return TlsLayer(context, certificate=self.certificate)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What every listener of ours serves TLS with: 1.2 and later, forward secrecy and AEAD only, our order of them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.load_cert_chain(certificate, key)
    return context


def client_layer(host: str, *, alpn: tuple[str, ...], verify: bool, ca: str | None) -> TlsLayer:
    """TLS towards a target. `verify`: its certificate must be for `host` and by `ca` (the system's CAs if None).
    Raises `OSError` or `ssl.SSLError` if the CA file cannot be used."""
    return TlsLayer(_client_context(alpn, verify, ca), hostname=host)


@lru_cache(CONTEXTS_KEPT)
def _client_context(alpn: tuple[str, ...], verify: bool, ca: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca is not None:
        context.load_verify_locations(ca)
    else:
        context.load_default_certs()
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
