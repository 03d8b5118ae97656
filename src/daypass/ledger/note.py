"""Signed notes (C2SP signed-note) with Ed25519 keys, and witness cosignatures (C2SP tlog-cosignature).

Pure. A key is known by its name and its key id together; signatures of unknown keys are ignored, a wrong signature by a
known key refuses the whole note. Refuses to be a general note library: no ECDSA, no ML-DSA.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
SIGNATURES_MAX = 64
"""A note with more signature lines is refused: verifying each would be an attack on the verifier's time."""
TIMESTAMP_MAX = 2**63 - 1
"""tlog-cosignature: no later time can be said."""

Signer = Callable[[bytes], bytes]
"""Ed25519 over a message."""


class NoteError(ValueError):
    """The note is malformed, or not signed as it has to be. One line says how."""


def decode64(text: str) -> bytes:
    """Standard base64 in its one canonical form. Raises NoteError.

    Several texts decode to the same bytes if the unused last bits may be anything; then a byte of a published file
    could be changed without anybody noticing.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"not base64: {text[:60]!r}") from error
    if base64.b64encode(raw).decode() != text:
        raise NoteError(f"not canonical base64: {text[:60]!r}")
    return raw


def valid_name(name: str) -> bool:
    """Key names are not empty and hold no Unicode space and no plus."""
    return bool(name) and "+" not in name and not re.search(r"\s", name)


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """The first four bytes of SHA-256(name ‖ 0A ‖ algorithm ‖ public key)."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key in the text form `name+hex(key id)+base64(algorithm ‖ public key)`."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.algorithm, self.public)

    def __str__(self) -> str:
        key = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read the text form. Raises NoteError unless it is whole and its id is that of its key."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not valid_name(parts[0]):
            raise NoteError("a verifier key is name+8 hex digits+base64")
        raw = decode64(parts[2])
        if len(raw) != 1 + PUBLIC_BYTES or raw[0] not in (ED25519, COSIGNATURE_V1):
            raise NoteError("a verifier key holds the byte 01 or 04 and 32 bytes of an Ed25519 key")
        key = cls(parts[0], raw[0], raw[1:])
        if parts[1] != key.id.hex():
            raise NoteError(f"the verifier key's id is {parts[1]}, but its key has {key.id.hex()}")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line, undecoded but for the key id."""

    name: str
    key_id: bytes
    data: bytes

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.data).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read one line without its newline."""
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—" or not valid_name(parts[1]):
            raise NoteError(f"not a signature line: {line[:60]!r}")
        raw = decode64(parts[2])
        if len(raw) < 5:
            raise NoteError(f"a signature of {len(raw)} bytes")
        return cls(parts[1], raw[:4], raw[4:])


@dataclass(frozen=True, slots=True)
class Note:
    """`text` ends in a newline; `signatures` as they stand."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(str(signature) for signature in self.signatures)

    @classmethod
    def parse(cls, raw: bytes) -> Note:
        """Split a note into text and signature lines. Raises NoteError."""
        try:
            whole = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoteError("a note is UTF-8") from error
        if any(c < " " and c != "\n" for c in whole):
            raise NoteError("a note holds no control characters")
        text, separator, lines = whole.rpartition("\n\n")
        if not separator or not lines.endswith("\n") or not text:
            raise NoteError("a note is a text, an empty line and signature lines")
        signatures = tuple(Signature.parse(line) for line in lines[:-1].split("\n"))
        if len(signatures) > SIGNATURES_MAX:
            raise NoteError(f"more than {SIGNATURES_MAX} signatures")
        return cls(text + "\n", signatures)


def _verify(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def cosigned_message(text: str, timestamp: int) -> bytes:
    """What a `cosignature/v1` is over: two header lines and the whole note text (tlog-cosignature)."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def signed_at(signature: Signature, text: str, key: VerifierKey) -> int | None:
    """When `key` signed `text`: POSIX seconds of a cosignature, 0 for a plain one, None if it is neither."""
    if key.algorithm == COSIGNATURE_V1:
        if len(signature.data) != 8 + SIGNATURE_BYTES:
            return None
        timestamp = int.from_bytes(signature.data[:8], "big")
        if timestamp > TIMESTAMP_MAX:
            return None
        return timestamp if _verify(key.public, signature.data[8:], cosigned_message(text, timestamp)) else None
    return 0 if _verify(key.public, signature.data, text.encode()) else None


def verify(note: Note, keys: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The keys among `keys` that signed this note. Raises NoteError if one of them has a wrong signature on it."""
    known = {(key.name, key.id): key for key in keys}
    signed: dict[tuple[str, bytes], VerifierKey] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if signed_at(signature, note.text, key) is None:
            raise NoteError(f"the signature of {key.name} is wrong")
        signed[key.name, key.id] = key
    return tuple(signed.values())


def cosigned_at(note: Note, keys: Sequence[VerifierKey]) -> tuple[tuple[VerifierKey, int], ...]:
    """Which of the witnesses `keys` cosigned a note, and when (POSIX seconds)."""
    times = []
    for key in keys:
        for signature in note.signatures:
            if (signature.name, signature.key_id) == (key.name, key.id):
                timestamp = signed_at(signature, note.text, key)
                if timestamp is not None:
                    times.append((key, timestamp))
                    break
    return tuple(times)


def sign(text: str, key: VerifierKey, signer: Signer) -> Signature:
    """A plain Ed25519 signature line over `text`."""
    return Signature(key.name, key.id, signer(text.encode()))


def cosign(text: str, key: VerifierKey, signer: Signer, timestamp: int) -> Signature:
    """A `cosignature/v1` line over `text` at `timestamp` (POSIX seconds)."""
    return Signature(key.name, key.id, timestamp.to_bytes(8, "big") + signer(cosigned_message(text, timestamp)))


def keypair(name: str, seed: bytes, algorithm: int = ED25519) -> tuple[VerifierKey, Signer]:
    """The verifier key and the signer that 32 secret bytes stand for."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return VerifierKey(name, algorithm, private.public_key().public_bytes_raw()), private.sign
