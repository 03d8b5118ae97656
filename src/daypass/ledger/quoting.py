"""Large texts in slices: as JSON, as base64, as UTF-8. Pure.

What is done to a text of many MiB in one step keeps the interpreter for seconds, also from a thread, and then no other
session gets its turn. Slice by slice each step takes well below a millisecond. Small texts take the direct way.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator
from json.encoder import encode_basestring

SLICE = 96 * 1024
"""Characters or bytes of one step; divisible by three, so that slices of base64 can be joined."""


def quoted(text: str) -> str:
    """A text as a JSON string."""
    if len(text) <= SLICE:
        return encode_basestring(text)
    return '"' + "".join([encode_basestring(text[at : at + SLICE])[1:-1] for at in range(0, len(text), SLICE)]) + '"'


def encoded(text: str) -> bytes:
    """A text as UTF-8. Raises UnicodeEncodeError for half of a surrogate pair."""
    if len(text) <= SLICE:
        return text.encode()
    return b"".join([text[at : at + SLICE].encode() for at in range(0, len(text), SLICE)])


def decoded(raw: bytes, errors: str = "strict") -> str:
    """UTF-8 as a text. Raises UnicodeDecodeError where `errors` says so."""
    if len(raw) <= SLICE:
        return raw.decode(errors=errors)
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    parts = [decoder.decode(part) for part in _parts(raw)]
    return "".join([*parts, decoder.decode(b"", True)])


def based(raw: bytes) -> str:
    """Bytes as base64."""
    return "".join([base64.b64encode(part).decode() for part in _parts(raw)])


def _parts(raw: bytes) -> Iterator[bytes]:
    for at in range(0, len(raw), SLICE):
        yield raw[at : at + SLICE]
