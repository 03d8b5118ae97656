"""Entries: one event, sealed into one line of canonical JSON, and its body apart from it. Pure.

The line is UTF-8, its keys are sorted, nothing stands between tokens, and every value is a string, an integer, a list
or an object (docs/audit-format.md). What people wrote is not in it: there are salted commitments SHA-256(salt ‖ value),
and the values with their salts are in a blob that can be erased while every proof still holds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import zstandard

from daypass.domain.errors import Invalid
from daypass.domain.events import Blob, Draft, Event, IndexRow
from daypass.domain.identifiers import ENTROPY_BYTES, uuid7

VERSION = 1
ENTRY_BYTES_MAX = 32 * 1024
"""Small leaves stay cheap to hash, to publish and to keep for ever; content is in blobs."""
BODY_BYTES_MAX = 256 * 1024 * 1024
"""What opening a blob may unpack to: no compressed bomb fills the memory."""
SALT_BYTES = 32
NO_CHAINS = b'"chains":[]'
"""What stands in a draft until the sequencer knows its place."""
AGE = b"age-encryption.org/v1\n"
"""How an age file begins (C2SP age)."""
FIELDS_MEDIA = "application/vnd.daypass.fields+json"

Entropy = Callable[[int], bytes]

LEVEL = 3
"""Zstandard's default: smaller takes several times as long."""
_packing = threading.local()
# A compressor serves one thread; large bodies are packed beside the event loop.


class BodyDamaged(ValueError):
    """A blob does not unpack to a salt and a content."""


class BodyLocked(BodyDamaged):
    """A blob is encrypted, and we cannot open it."""


def canonical(value: Mapping[str, Any]) -> bytes:
    """The one way to write this object. Raises Invalid for anything but strings, integers, lists and objects."""
    _check(value, "")
    return _utf8(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        raise Invalid("a text holds half of a surrogate pair, which no UTF-8 can hold") from problem


def _check(value: object, path: str) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise Invalid(f"an entry's key at {path or 'the top'} is not a string")
            _check(inner, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check(inner, path)
    elif isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Invalid(f"an entry holds strings and integers, not {type(value).__name__} at {path}")


def commitment(salt: bytes, value: bytes) -> str:
    """SHA-256(salt ‖ value), in hex: says nothing of the value, and holds to it."""
    return sha256(salt + value).hexdigest()


def seal_blob(
    content: bytes, media: str, salt: bytes, session: str | None = None, lock: Callable[[bytes], bytes] | None = None
) -> Blob:
    """Pack a content behind its salt, and behind `lock` if there is one. Its digest is of what is stored, so that it
    can be checked unread."""
    try:
        packer = _packing.packer
    except AttributeError:
        packer = _packing.packer = zstandard.ZstdCompressor(level=LEVEL)
    stored: bytes = packer.compress(salt + content)
    if lock is not None:
        stored = lock(stored)
    return Blob(sha256(stored).hexdigest(), media, stored, session)


def is_locked(stored: bytes) -> bool:
    """Whether a blob is encrypted: an age file says so in its first line, and no Zstandard frame begins like it."""
    return stored.startswith(AGE)


def open_blob(stored: bytes, unlock: Callable[[bytes], bytes] | None = None) -> bytes:
    """The content of a blob. Raises BodyLocked for one that `unlock` is needed for, else BodyDamaged."""
    if is_locked(stored):
        if unlock is None:
            raise BodyLocked("this body is encrypted; only who has the identity can read it")
        stored = unlock(stored)
    try:
        with zstandard.ZstdDecompressor().stream_reader(stored, read_across_frames=False) as reader:
            whole = reader.read(BODY_BYTES_MAX + 1)
    except zstandard.ZstdError as error:
        raise BodyDamaged(f"this body does not unpack: {error}") from error
    if not SALT_BYTES <= len(whole) <= BODY_BYTES_MAX:
        raise BodyDamaged("this body is shorter than its salt, or larger than any")
    return whole[SALT_BYTES:]


def blob_ref(blob: Blob) -> dict[str, Any]:
    """How an entry names a blob."""
    return {"bytes": len(blob.content), "media": blob.media, "sha256": blob.sha256}


def seal_fields(
    secret: Mapping[str, str], entropy: Entropy, lock: Callable[[bytes], bytes] | None = None
) -> tuple[dict[str, str], Blob | None]:
    """Commitments to what people wrote, and the blob that holds it."""
    if not secret:
        return {}, None
    salts = {name: entropy(SALT_BYTES) for name in secret}
    commit = {name: commitment(salts[name], _utf8(value)) for name, value in secret.items()}
    fields = {name: {"salt": salts[name].hex(), "value": value} for name, value in secret.items()}
    content = json.dumps({"fields": fields}, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return commit, seal_blob(content, FIELDS_MEDIA, entropy(SALT_BYTES), lock=lock)


def seal(event: Event, entropy: Entropy, lock: Callable[[bytes], bytes] | None = None) -> Draft:
    """Make an entry of an event. `entropy(n)` gives n random bytes; `lock` encrypts its body, and then search sees
    nothing of what people wrote. Raises Invalid if it is too large."""
    id = uuid7(event.t, entropy(ENTROPY_BYTES))
    commit, blob = seal_fields(event.secret, entropy, lock)
    actor: dict[str, Any] = {"id": event.actor.id, "kind": event.actor.kind}
    if event.actor.on_behalf_of:
        actor["on_behalf_of"] = event.actor.on_behalf_of
    envelope: dict[str, Any] = {
        "v": VERSION,
        "id": id,
        "t": event.t,
        "type": event.type,
        "actor": actor,
        "chains": [],
        "body": event.body,
        "commit": commit,
        "blob": [blob_ref(blob)] if blob else [],
    }
    optional = {"request": event.request, "grant": event.grant, "session": event.session, "decision": event.decision}
    envelope |= {key: value for key, value in optional.items() if value is not None}
    if event.target is not None:
        envelope["target"] = {"name": event.target.name, "protocol": event.target.protocol}
    return Draft(
        id=id,
        type=event.type,
        t=event.t,
        actor=event.actor.id,
        entry=_fitting(canonical(envelope), event.type),
        chains=chains_of(event.session, event.target.name if event.target else None),
        blobs=(blob,) if blob else (),
        index=IndexRow("\n".join(event.secret.values())) if blob and lock is None else None,
        request=event.request,
        grant=event.grant,
        session=event.session,
        target=event.target.name if event.target else None,
    )


def marked_late(draft: Draft) -> Draft:
    """The same entry, saying that it turned up after its session was told to be over, as its node was gone."""
    envelope = json.loads(draft.entry)
    envelope["body"]["late"] = 1
    return replace(draft, entry=_fitting(canonical(envelope), draft.type))


def chains_of(session: str | None, target: str | None) -> tuple[str, ...]:
    """The chains an entry stands in: its session's and its target's."""
    return tuple([f"session:{session}"] * bool(session) + [f"target:{target}"] * bool(target))


def _fitting(entry: bytes, type: str) -> bytes:
    if len(entry) > ENTRY_BYTES_MAX:
        raise Invalid(f"an entry {type} of {len(entry)} bytes is longer than {ENTRY_BYTES_MAX}")
    if entry.count(b'"chains":') != 1:
        raise Invalid(f"an entry {type} may not have a key named chains in its body")
    return entry
