"""What a body says of an entry, and whether it is the one that was committed to. Pure.

Nothing that a body says is believed: its digest has to stand in the entry, and each value with its salt has to give the
entry's commitment (docs/audit-format.md, "Checking a commitment").
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import Any

from daypass.ledger.entry import FIELDS_MEDIA, commitment
from daypass.ledger.recording import MEDIA as CAST
from daypass.ledger.recording import QUESTION, RESULT, payloads

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """One field of an entry as its body has it: to read, and the very bytes. `holds`: they are what the entry commits
    to."""

    field: str
    text: str
    holds: bool
    raw: bytes = b""


def names_of(entry: Entry) -> list[str]:
    """The digests of the bodies that an entry names."""
    return [str(one["sha256"]) for one in entry.get("blob", ())]


def is_named(entry: Entry, stored: bytes) -> bool:
    """Whether these stored bytes are a body that the entry names."""
    return sha256(stored).hexdigest() in names_of(entry)


def values_of(entry: Entry, content: bytes, media: str) -> list[Value]:
    """The committed fields that are in this body, sorted by name. Raises ValueError for what is no body."""
    commit = entry["commit"]
    found: dict[str, Value] = {}
    try:
        for salt, field, raw, text in _said(entry, content, media):
            if field in commit:
                holds = commitment(bytes.fromhex(salt), raw) == commit[field]
                if holds or field not in found:
                    found[field] = Value(field, text, holds, raw)
    except (KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"the body is not one of this kind: {problem!r}") from problem
    return [found[name] for name in sorted(found)]


def _said(entry: Entry, content: bytes, media: str) -> Iterator[tuple[str, str, bytes, str]]:
    if media == FIELDS_MEDIA:
        for name, field in json.loads(content)["fields"].items():
            yield field["salt"], name, field["value"].encode(), field["value"]
    elif media == CAST:
        number = entry["body"].get("statement")
        code = RESULT if entry["type"] == "statement.completed" else QUESTION
        for which, payload in payloads(content):
            if which == code and payload.get("n") == number:
                for name, salt in payload.get("salt", {}).items():
                    raw, text = _field(name, payload)
                    yield salt, name, raw, text


def _field(name: str, payload: Mapping[str, Any]) -> tuple[bytes, str]:
    """The very bytes that are committed to, and the same to read."""
    if f"{name}_base64" in payload:
        return base64.b64decode(payload[f"{name}_base64"]), payload[name]
    if name == "values":
        packed = f"[{','.join(map(_value, payload['values']))}]"
        return packed.encode(), "\n".join(str(one.get("text") or "") for one in payload["values"])
    text = payload["copied_sha256"] if name == "copied" else payload[name]
    return text.encode(), text


def _value(value: Mapping[str, Any]) -> str:
    if "text" not in value:
        return f'{{"base64":{quoted(value["base64"])}}}'
    return '{"text":null}' if value["text"] is None else f'{{"text":{quoted(value["text"])}}}'
