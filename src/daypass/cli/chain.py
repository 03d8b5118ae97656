"""`daypass ledger chain`: whether entries of one session or target, handed over on their own, follow each other.

Needs nothing but the entries: each names its number in the chain and the leaf hash of the one before it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from daypass.cli.showing import as_json, clean
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, complain

ENTRY_BYTES_MAX = 0xFFFF


class Gap(Exception):
    """An entry that does not follow the one before it. One line says which."""


def chain(given: argparse.Namespace) -> int:
    """Run `ledger chain`; returns the exit status."""
    name = f"target:{given.target}" if given.target else f"session:{given.session}"
    try:
        first, last, head = follow(name, _lines(given.entries))
    except Gap as found:
        if given.json:
            as_json({"id": name, "state": "BROKEN", "problem": str(found)})
        else:
            print(f"broken: {clean(str(found))}")
        return EXIT_FAILED
    except (OSError, ValueError, KeyError, TypeError) as problem:
        complain(f"could not check: {clean(str(problem))}", "each line is an entry, the very bytes of it")
        return EXIT_USAGE
    if given.json:
        as_json({"id": name, "state": "INTACT", "first": first, "last": last, "head": head})
    else:
        print(f"{clean(name)}: entries {first} to {last}, none missing between them; the last one's leaf is {head}")
    return EXIT_DONE


def follow(name: str, entries: Iterator[bytes]) -> tuple[int, int, str]:
    """Numbers of the first and the last, and the last one's leaf hash. Raises Gap; ValueError for what is no entry."""
    first = last = 0
    head = ""
    for line, entry in enumerate(entries, 1):
        link = _link(name, entry)
        if link is None:
            raise Gap(f"line {line} is an entry that does not stand in the chain {name}")
        number, prev = int(link["n"]), str(link["prev"])
        if last and number != last + 1:
            raise Gap(f"line {line}: number {number} follows number {last} in the chain {name}")
        if (last or number == 1) and prev != head:
            raise Gap(f"line {line}: number {number} names another entry before it in the chain {name}")
        first, last = first or number, number
        head = sha256(b"\x00" + entry).hexdigest()
    if not last:
        raise ValueError("there are no entries")
    return first, last, head


def _link(name: str, entry: bytes) -> dict[str, Any] | None:
    links: list[dict[str, Any]] = json.loads(entry)["chains"]
    return next((link for link in links if link["name"] == name), None)


def _lines(file: str) -> Iterator[bytes]:
    with sys.stdin.buffer if file == "-" else Path(file).open("rb") as lines:
        while line := lines.readline(ENTRY_BYTES_MAX + 1):
            if entry := line.rstrip(b"\r\n"):
                yield entry
