"""`ledger open`: is a body the one that an entry committed to? Checked here, whatever the server says.

The entry comes from the server or from a published log, with a proof that it stands in there; the body from the server
or from a file.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from daypass.cli.client import api
from daypass.cli.receipts import log_of
from daypass.cli.showing import as_json, clean, clean_lines
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED
from daypass.cli.verifying import NOT_PINNED, index_of, key_of, open_log
from daypass.domain.errors import Invalid, Unavailable
from daypass.ledger.bodies import Value, is_named, names_of, values_of
from daypass.ledger.entry import BodyDamaged, BodyLocked, open_blob
from daypass.ledger.note import NoteError
from daypass.ledger.proof import Proof, verify_proof
from daypass.ledger.receipts import make_receipt
from daypass.ledger.source import Unreadable
from daypass.ledger.tampering import Tampered

BODY_FILE_BYTES_MAX = 256 * 1024 * 1024

PUBLISHED_WITHIN = "5s"
"""How long is waited for an entry that is not published yet."""

Unlock = Callable[[bytes], bytes]
Found = tuple[int, bytes, list[bytes]]
"""The index of an entry, its bytes, and its bodies as they are stored."""


def identity(file: str | None) -> Unlock | None:
    """What opens encrypted bodies, from a file of age identities. Raises Invalid."""
    if file is None:
        return None
    from daypass.ledger.locking import unlocking

    try:
        return unlocking(Path(file).read_text())
    except (OSError, UnicodeDecodeError) as problem:
        raise Invalid(f"the identity {file} cannot be read: {problem}") from None


def open_entry(given: argparse.Namespace) -> int:
    """Run `ledger open`; 1 unless everything that the entry commits to was shown."""
    index, raw, bodies = _published(given) if given.log else _served(given)
    if given.body:
        bodies = [_file(given.body)]
    entry: Mapping[str, Any] = json.loads(raw)
    values, problems = _values(entry, bodies, identity(given.identity))
    missing = sorted(set(entry["commit"]) - {value.field for value in values})
    problems += [f"{name} is erased, or its body was not given" for name in missing]
    problems += [f"{value.field} is NOT what the entry commits to" for value in values if not value.holds]
    _show(given, index, raw, entry, values, problems)
    return EXIT_FAILED if problems else EXIT_DONE


def _served(given: argparse.Namespace) -> Found:
    """From the server, which is believed no more than its receipt shows."""
    here = api()
    named = quote(given.entry, safe="")
    index = int(given.entry) if given.entry.isdecimal() else int(here.get(f"entries/{named}")["index"])
    told = here.get(f"log/{index}")
    entry = str(told["entry"]).encode()
    receipt = here.raw(f"entries/{quote(told['id'], safe='')}/receipt", wait=PUBLISHED_WITHIN)
    try:
        proof = Proof.parse(receipt)
        verify_proof(entry, proof, key_of(given.vkey, log_of(here)))
        if proof.index != index or given.entry not in (str(index), json.loads(entry)["id"]):
            raise NoteError("another entry was given")
    except (Unreadable, Tampered, NoteError) as problem:
        raise Unavailable(f"entry {index} is not shown to stand in the log: {problem}") from None
    return proof.index, entry, [base64.b64decode(one["content"]) for one in told["bodies"]]


def _published(given: argparse.Namespace) -> Found:
    """From published files: its hash leads to a root that is signed."""
    try:
        source = open_log(given.log)
        key = key_of(given.vkey, source)
        made = make_receipt(source.read, key, index_of(source, key, given.entry))
    except (Unreadable, Tampered, ValueError, OSError) as problem:
        raise Unavailable(f"{given.log}: {problem}") from None
    return made.index, made.entry, []


def _file(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read(BODY_FILE_BYTES_MAX)
    except OSError as problem:
        raise Invalid(f"the body {name} cannot be read: {problem.strerror}") from None


def _values(entry: Mapping[str, Any], bodies: list[bytes], unlock: Unlock | None) -> tuple[list[Value], list[str]]:
    values: list[Value] = []
    problems: list[str] = []
    media = {str(one["sha256"]): str(one["media"]) for one in entry["blob"]}
    for stored in bodies:
        if not is_named(entry, stored):
            problems.append("a body that was given is not one that the entry names")
            continue
        try:
            values += values_of(entry, open_blob(stored, unlock), media[sha256(stored).hexdigest()])
        except BodyLocked as problem:
            raise Invalid(str(problem), hint="--identity FILE") from None
        except (BodyDamaged, ValueError) as problem:
            problems.append(str(problem))
    return values, problems


def _show(
    given: argparse.Namespace,
    index: int,
    raw: bytes,
    entry: Mapping[str, Any],
    values: list[Value],
    problems: list[str],
) -> None:
    leaf = sha256(b"\x00" + raw).hexdigest()
    if given.json:
        said = {value.field: {"text": value.text, "holds": value.holds} for value in values}
        told = {
            "pinned": bool(given.vkey),
            "index": index,
            "leaf": leaf,
            "entry": entry,
            "fields": said,
            "problems": problems,
        }
        as_json({"id": entry["id"], "state": "DIFFERS" if problems else "HOLDS", **told})
        return
    print(f"entry {index}, {clean(entry['type'])}, leaf {leaf}")
    for value in values:
        print(f"{value.field}: {'is what the entry commits to' if value.holds else 'IS NOT what it commits to'}")
        # Values are shown as they are committed to: a binary one has no text.
        text = value.raw.decode(errors="replace") if value.field == "values" else value.text
        print("\n".join(f"    {line}" for line in clean_lines(text).splitlines()))
    if not given.vkey:
        print(f"{NOT_PINNED}: give the one that you know with --vkey")
    for problem in problems:
        print(f"problem: {clean(problem)}")
    if not entry["commit"] and not names_of(entry):
        print("It commits to nothing: all of it is in the entry.")
