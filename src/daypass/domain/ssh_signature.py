"""SSH signatures (PROTOCOL.sshsig of OpenSSH): reads what `ssh-keygen -Y sign` wrote, and says whether it holds.

Ed25519, ECDSA, RSA with SHA-2, and Ed25519 on a security key. Everything else is refused, DSA and SHA-1 among it. What
holds here holds for plain `ssh-keygen -Y verify`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from daypass.domain.errors import Invalid

NAMESPACE = "daypass-vote@daypass.dev"
"""What votes are signed for, so that a signature for something else is none."""

ARMOUR_CHARS_MAX = 8000
"""A signature with an RSA key of 16384 bits has about 7000 characters."""

RSA_BITS_MIN = 2048

_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_SK = b"sk-ssh-ed25519@openssh.com"
_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa", _SK.decode())
_CURVES: Mapping[bytes, Callable[[], hashes.HashAlgorithm]] = {
    b"ecdsa-sha2-nistp256": hashes.SHA256,
    b"ecdsa-sha2-nistp384": hashes.SHA384,
    b"ecdsa-sha2-nistp521": hashes.SHA512,
}
_RSA: Mapping[bytes, Callable[[], hashes.HashAlgorithm]] = {
    b"rsa-sha2-256": hashes.SHA256,
    b"rsa-sha2-512": hashes.SHA512,
}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, taken apart. `key` is the public key's own bytes, as in an SSH key file."""

    key: bytes
    namespace: bytes
    reserved: bytes
    hash: bytes
    signature: bytes

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.key)


class _Reader:
    """SSH's strings, one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int) -> bytes:
        if count > len(self._data):
            raise Invalid("it ends too early")
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def string(self) -> bytes:
        return self.take(int.from_bytes(self.take(4), "big"))

    def end(self) -> None:
        if self._data:
            raise Invalid("it is longer than it should be")


def read_signature(armour: str) -> Signature:
    """Read a signature in its armour. Raise `Invalid` for what is none."""
    text = armour.strip()
    if len(text) > ARMOUR_CHARS_MAX or not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise Invalid("this is no SSH signature", hint="ssh-keygen -Y sign")
    try:
        data = base64.b64decode("".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
    except binascii.Error:
        raise Invalid("this is no SSH signature: its armour is not base64") from None
    reader = _Reader(data)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.take(4) != b"\0\0\0\1":
        raise Invalid("this is no SSH signature of version 1")
    found = Signature(reader.string(), reader.string(), reader.string(), reader.string(), reader.string())
    reader.end()
    return found


def holds(signature: Signature, message: bytes, namespace: str = NAMESPACE) -> bool:
    """Whether the signature is one of its key for this message and namespace."""
    digest = _HASHES.get(signature.hash)
    if digest is None or signature.namespace != namespace.encode():
        return False
    parts = (signature.namespace, signature.reserved, signature.hash, digest(message).digest())
    signed = _MAGIC + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    try:
        reader = _Reader(signature.signature)
        kind, value = reader.string(), reader.string()
        return _verified(signature.key, kind, value, reader, signed)
    except (Invalid, InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False


def _verified(key: bytes, kind: bytes, value: bytes, rest: _Reader, signed: bytes) -> bool:
    inner = _Reader(key)
    type = inner.string()
    if type == kind == _SK:
        public, application = Ed25519PublicKey.from_public_bytes(inner.string()), inner.string()
        flags_and_counter = rest.take(5)
        rest.end()
        if not flags_and_counter[0] & 1:  # nobody touched the key
            return False
        data = hashlib.sha256(application).digest() + flags_and_counter + hashlib.sha256(signed).digest()
        public.verify(value, data)
        return True
    rest.end()
    loaded = load_ssh_public_key(type + b" " + base64.b64encode(key))
    match loaded:
        case Ed25519PublicKey() if kind == b"ssh-ed25519":
            loaded.verify(value, signed)
        case ec.EllipticCurvePublicKey() if kind == type and kind in _CURVES:
            numbers = _Reader(value)
            r, s = int.from_bytes(numbers.string(), "big"), int.from_bytes(numbers.string(), "big")
            loaded.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_CURVES[kind]()))
        case rsa.RSAPublicKey() if kind in _RSA and loaded.key_size >= RSA_BITS_MIN:
            loaded.verify(value, signed, padding.PKCS1v15(), _RSA[kind]())
        case _:
            return False
    return True


def fingerprint(key: bytes) -> str:
    """As `ssh-keygen -l` shows it: `SHA256:…`."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def read_public_key(line: str) -> tuple[str, bytes]:
    """A public key file's line as `type base64`, and the key's bytes. Raise `Invalid` for what is none that signs."""
    words = line.strip().split()
    if len(words) < 2 or words[0] not in _TYPES:
        raise Invalid("this is no public SSH key that can sign", hint=f"one of {', '.join(_TYPES)}")
    try:
        key = base64.b64decode(words[1], validate=True)
        if _Reader(key).string() != words[0].encode():
            raise Invalid("this public key is of another type than it says")
        if words[0] != _SK.decode():
            loaded = load_ssh_public_key(f"{words[0]} {words[1]}".encode())
            if isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size < RSA_BITS_MIN:
                raise Invalid(f"an RSA key has at least {RSA_BITS_MIN} bits")
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise Invalid("this public SSH key cannot be read") from None
    return f"{words[0]} {words[1]}", key
