"""What a body says of an entry: the very bytes that were committed to, also where they are no text to read."""

from __future__ import annotations

import json

from daypass.ledger.bodies import Value, values_of
from daypass.ledger.entry import commitment
from daypass.ledger.recording import MEDIA, QUESTION

SALT = b"\x05" * 32


def test_binary_values_are_those_that_were_committed_to() -> None:
    payload = {"n": 1, "values": [{"base64": "AAc="}, {"text": None}], "salt": {"values": SALT.hex()}}
    content = json.dumps([0.1, QUESTION, json.dumps(payload)]).encode() + b"\n"
    raw = b'[{"base64":"AAc="},{"text":null}]'
    entry = {"type": "statement.submitted", "body": {"statement": 1}, "commit": {"values": commitment(SALT, raw)}}
    assert values_of(entry, content, MEDIA) == [Value("values", "\n", True, raw)]
