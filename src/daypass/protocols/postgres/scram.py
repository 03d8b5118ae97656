"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), both ends, as steps over values.

The server end checks one proof against several verifiers, as a person may hold several tokens; a name without any goes
through the same exchange. The client end never sees the derived key made: PBKDF2 is somebody else's work. The only
channel binding is tls-server-end-point (RFC 5929, section 4), as in PostgreSQL. Not here: SCRAM-SHA-1, authorization
identities.
"""

from __future__ import annotations

import hashlib
import hmac
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, field

from daypass.domain.people import SignIn

PLAIN = "SCRAM-SHA-256"
PLUS = "SCRAM-SHA-256-PLUS"
ITERATIONS_MAX = 1_000_000
"""A target that asks for more is refused: each iteration is our CPU time."""
_BINDING = b"tls-server-end-point"


class ScramError(Exception):
    """The exchange failed; the text says at which rule, never with which secret."""


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _unbase64(text: bytes) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise ScramError("a value is not base64") from None


def _attributes(message: bytes, names: str) -> list[bytes]:
    """Values of the attributes of `message`, which must begin with exactly these names in this order."""
    fields = message.split(b",")
    values: list[bytes] = []
    for index, name in enumerate(names):
        if index >= len(fields) or not fields[index].startswith(name.encode() + b"="):
            raise ScramError(f"attribute {name} is missing or out of place")
        values.append(fields[index][2:])
    return values


def _printable(nonce: bytes) -> bool:
    return bool(nonce) and all(0x21 <= byte <= 0x7E and byte != 0x2C for byte in nonce)


def offered(binding: bytes | None) -> tuple[str, ...]:
    """What to offer a client: PLUS only where there is a channel to bind to."""
    return (PLUS, PLAIN) if binding is not None else (PLAIN,)


@dataclass(slots=True)
class Server:
    """Our end against a client. `nonce` is 18 bytes of entropy, `binding` that of our certificate, if over TLS."""

    sign_in: SignIn
    nonce: bytes = field(repr=False)
    binding: bytes | None
    _gs2: bytes = b""
    _bare: bytes = b""
    _nonce: bytes = b""
    _first: bytes = b""
    _bound: bool = False

    def first(self, mechanism: str, message: bytes) -> bytes:
        """Take client-first-message, return server-first-message. Raises `ScramError`."""
        if mechanism not in offered(self.binding):
            raise ScramError("a mechanism that was not offered")
        flag, separator, rest = message.partition(b",")
        authzid, separator2, bare = rest.partition(b",")
        if not separator or not separator2 or authzid:
            raise ScramError("a malformed beginning, or an authorization identity")
        self._check_flag(mechanism, flag)
        _, nonce = _attributes(bare, "nr")
        if not _printable(nonce):
            raise ScramError("a nonce with characters that may not be in it")
        self._gs2 = flag + b",,"
        self._bare = bare
        self._nonce = nonce + b64encode(self.nonce)
        salt = b64encode(self.sign_in.salt)
        self._first = b"r=%s,s=%s,i=%d" % (self._nonce, salt, self.sign_in.iterations)
        return self._first

    def _check_flag(self, mechanism: str, flag: bytes) -> None:
        if mechanism == PLUS:
            if flag != b"p=" + _BINDING:
                raise ScramError("a channel binding that is not spoken here")
            self._bound = True
        elif flag == b"y":
            if self.binding is not None:
                raise ScramError("the client was kept from seeing that channel binding is offered")
        elif flag != b"n":
            raise ScramError("channel binding with a mechanism that has none")

    def final(self, message: bytes) -> tuple[str, bytes] | None:
        """Take client-final-message; return token id and server-final-message, or None if no verifier fits.

        Raises `ScramError` where the message itself breaks the rules. Every verifier is tried, found or not.
        """
        without_proof, separator, proof64 = message.rpartition(b",p=")
        bound, nonce = _attributes(without_proof, "cr")
        if not separator or not hmac.compare_digest(nonce, self._nonce):
            raise ScramError("another nonce than was agreed")
        expected = self._gs2 + (self.binding if self._bound and self.binding is not None else b"")
        if not hmac.compare_digest(_unbase64(bound), expected):
            raise ScramError("another channel than this one")
        proof = _unbase64(proof64)
        if len(proof) != hashlib.sha256().digest_size:
            raise ScramError("a proof of the wrong length")
        auth = b"%s,%s,%s" % (self._bare, self._first, without_proof)
        found: tuple[str, bytes] | None = None
        for verifier in self.sign_in.verifiers:
            client_key = _xor(proof, _hmac(verifier.stored_key, auth))
            if hmac.compare_digest(hashlib.sha256(client_key).digest(), verifier.stored_key):
                found = verifier.token_id, b"v=" + b64encode(_hmac(verifier.server_key, auth))
        return found


@dataclass(slots=True)
class Client:
    """Our end against a target. `nonce` is 18 bytes of entropy; `binding` that of its certificate, if over TLS."""

    nonce: bytes = field(repr=False)
    mechanisms: Sequence[str]
    binding: bytes | None = None
    mechanism: str = PLAIN
    _gs2: bytes = b"n,,"
    _bare: bytes = b""
    _signature: bytes = b""

    def first(self) -> bytes:
        """Choose a mechanism and return client-first-message. Raises `ScramError` if none is common."""
        if PLUS in self.mechanisms and self.binding is not None:
            self.mechanism, self._gs2 = PLUS, b"p=" + _BINDING + b",,"
        elif PLAIN in self.mechanisms:
            self._gs2 = b"y,," if self.binding is not None else b"n,,"
        else:
            raise ScramError("the target offers no SCRAM mechanism that is spoken here")
        self._bare = b"n=,r=" + b64encode(self.nonce)
        return self._gs2 + self._bare

    def challenge(self, message: bytes) -> tuple[bytes, int]:
        """Take server-first-message, return salt and iterations for PBKDF2. Raises `ScramError`."""
        nonce, salt, iterations = _attributes(message, "rsi")
        if not nonce.startswith(b64encode(self.nonce)) or len(nonce) <= len(b64encode(self.nonce)):
            raise ScramError("the target did not use our nonce")
        if not _printable(nonce):
            raise ScramError("a nonce with characters that may not be in it")
        if not iterations.isdigit() or len(iterations) > 7 or not 0 < int(iterations) <= ITERATIONS_MAX:
            raise ScramError(f"the target asks for an iteration count that is not between 1 and {ITERATIONS_MAX}")
        return _unbase64(salt), int(iterations)

    def final(self, challenge: bytes, salted_password: bytes) -> bytes:
        """Return client-final-message, and remember which signature the target owes us."""
        (nonce,) = _attributes(challenge, "r")
        bound = self._gs2 + (self.binding if self.mechanism == PLUS and self.binding is not None else b"")
        without_proof = b"c=%s,r=%s" % (b64encode(bound), nonce)
        auth = b"%s,%s,%s" % (self._bare, challenge, without_proof)
        client_key = _hmac(salted_password, b"Client Key")
        proof = _xor(client_key, _hmac(hashlib.sha256(client_key).digest(), auth))
        self._signature = _hmac(_hmac(salted_password, b"Server Key"), auth)
        return without_proof + b",p=" + b64encode(proof)

    def check(self, message: bytes) -> None:
        """Take server-final-message. Raises `ScramError` unless the target knows the password as well."""
        (signature,) = _attributes(message, "v")
        if not self._signature or not hmac.compare_digest(_unbase64(signature), self._signature):
            raise ScramError("the target could not show that it knows the password")


def prepare(password: str) -> str:
    """SASLprep (RFC 4013) as PostgreSQL does it: where a rule forbids the password, it is used as it is."""
    if password.isascii():
        return password
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    prepared = unicodedata.normalize("NFKC", mapped)
    forbidden = any(
        stringprep.in_table_c12(c) or stringprep.in_table_c21_c22(c) or stringprep.in_table_a1(c) for c in prepared
    )
    return password if forbidden or not prepared else prepared
