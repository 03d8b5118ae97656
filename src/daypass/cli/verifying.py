"""What `daypass ledger verify` and `daypass ledger receipt` do: from a published log and a key to an exit status.

Imports nothing of the server (tests/cli/test_verifying.py sees to that): an auditor runs it on a machine of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import gc
import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from daypass.cli.client import load_login
from daypass.cli.showing import as_json, clean, clean_lines
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, complain
from daypass.domain.errors import Unauthenticated
from daypass.ledger.checkpoint import open_checkpoint
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.note import COSIGNATURE_V1, ED25519, NoteError, VerifierKey
from daypass.ledger.receipts import make_receipt
from daypass.ledger.remembered import remember
from daypass.ledger.source import Source, Unreadable, open_source
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import WIDTH, bundle_path, decode_bundle
from daypass.ledger.verify import Asked, Report, verify_log

LONG_LOG = 200_000
"""From this many entries on several processes share the work; below, starting them takes longer than it saves."""
PROCESSES_MAX = 16
KEY_BYTES_MAX = 1 << 20
"""A kept checkpoint, receipt or key is smaller by far."""
NOT_PINNED = "key not pinned"
LOCAL = "http://127.0.0.1:8420"
"""Where Daypass is if nothing says so."""

Progress = Callable[[int, int], None]


def verify(given: argparse.Namespace) -> int:
    """Run `ledger verify`; returns the exit status."""
    try:
        source = open_log(given.log)
        asked = _asked(given, source)
        with _processes(source, asked.key) as processes, _progress() as progress:
            report = verify_log(source, asked, progress, processes)
    except Tampered as found:
        return _tampered(given, found)
    except (Unreadable, NoteError, OSError, BrokenProcessPool) as problem:
        return _unchecked(given, str(problem))
    return _intact(given, report)


def _asked(given: argparse.Namespace, source: Source) -> Asked:
    key = key_of(given.vkey, source)
    witnesses = tuple(dict.fromkeys(_given_key(text) for text in given.witness))
    for witness in witnesses:
        if witness.algorithm != COSIGNATURE_V1:
            raise NoteError(f"--witness {witness}: the key of a log, not of a witness")
    quorum = len(witnesses) if given.quorum is None else given.quorum
    if not 0 <= quorum <= len(witnesses):
        raise NoteError(f"--quorum {quorum}, but --witness names {len(witnesses)}")
    remembered = []
    for name in given.checkpoint:
        try:
            remembered.append(remember(name, _read(name), key, witnesses, pinned=bool(given.vkey)))
        except NoteError as error:
            raise NoteError(f"{name}: {error}") from error
    return Asked(key, tuple(remembered), witnesses, quorum)


def open_log(name: str) -> Source:
    """A log by its name; at the Daypass that I am signed in to as who I am there, and nowhere else: a token is never
    shown to strangers. Raises Unreadable."""
    try:
        login = load_login()
    except Unauthenticated:
        return open_source(name, ca=os.environ.get("DAYPASS_CA"))
    if name.startswith(f"{login.url.rstrip('/')}/"):
        return open_source(name, login.token, login.ca)
    return open_source(name, ca=os.environ.get("DAYPASS_CA"))


def my_log() -> str:
    """The URL of the log of the Daypass that I use."""
    try:
        url = load_login().url
    except Unauthenticated:
        url = os.environ.get("DAYPASS_URL") or LOCAL
    return f"{url.rstrip('/')}/ledger"


def index_of(source: Source, key: VerifierKey, entry: str) -> int:
    """The index of an entry by what it was called: its index, or its id, which is looked for in every bundle. Raises
    ValueError where the log has none of that id."""
    if entry.isdecimal():
        return int(entry)
    size, wanted = _size(source, key), f'"id":{json.dumps(entry)}'.encode()
    widths = [min(WIDTH, size - first) for first in range(0, size, WIDTH)]
    bundles = source.read_all([bundle_path(number, width) for number, width in enumerate(widths)])
    for number, (width, raw) in enumerate(zip(widths, bundles, strict=True)):
        raw = raw if raw is not None else source.read(bundle_path(number))
        if raw is not None and wanted in raw:
            for offset, one in enumerate(decode_bundle(raw)[:width]):
                if wanted in one and json.loads(one)["id"] == entry:
                    return number * WIDTH + offset
    raise ValueError(f"there is no entry {entry} among the {size} of the log")


def key_of(given: str | None, source: Source) -> VerifierKey:
    """The key that was given, or the published one. Raises Tampered where that is damaged."""
    if given:
        key = _given_key(given)
        if key.algorithm != ED25519:
            raise NoteError(f"--vkey {key}: the key of a witness, not of a log")
        return key
    raw = source.read("vkey")
    if raw is None:
        raise Unreadable(f"{source.name}: no vkey beside the log: give the key that you know with --vkey")
    try:
        key = VerifierKey.parse(raw.decode())
    except ValueError as error:
        raise Tampered(f"vkey: {error}") from error
    if key.algorithm != ED25519:
        raise Tampered("vkey: the key of a witness, not of a log")
    return key


def _given_key(text: str) -> VerifierKey:
    return VerifierKey.parse(text if text.count("+") >= 2 else _read(text).decode(errors="replace"))


def _read(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            raw = file.read(KEY_BYTES_MAX + 1)
    except OSError as error:
        raise Unreadable(f"{name}: {error.strerror}") from error
    if len(raw) > KEY_BYTES_MAX:
        raise Unreadable(f"{name}: too large for a key, a checkpoint or a receipt")
    return raw


@contextlib.contextmanager
def _processes(source: Source, key: VerifierKey) -> Iterator[Executor | None]:
    """Processes for a long log, where there is more than one processor."""
    count = min(
        PROCESSES_MAX, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if count < 2 or _size(source, key) < LONG_LOG:
        yield None
        return
    # Forked while there is one thread, as on Linux nothing else of ours is imported anew then: a tenth of the time.
    start = "fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn"
    pool = ProcessPoolExecutor(count, multiprocessing.get_context(start), initializer=gc.disable)
    try:
        pool.submit(int)  # starts them now, before a thread draws the bar of the progress
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _size(source: Source, key: VerifierKey) -> int:
    """How long the log says that it is; 0 where it says nothing sensible, which verifying will tell."""
    try:
        return open_checkpoint(source.read("checkpoint") or b"", key).head.size
    except NoteError:
        return 0


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )
    with bar:
        task = bar.add_task("verifying")
        yield lambda done, size: bar.update(task, completed=done, total=size)


def _intact(given: argparse.Namespace, report: Report) -> int:
    head = report.head
    if given.json:
        found = _pinned(given) | {"origin": head.origin, "size": head.size, "root": head.root.hex()}
        found |= {"tiles": report.tiles, "chains": report.chains, "erased": report.erased}
        found["erased_bodies"] = report.bodies
        found["signed_votes"] = report.signed_votes
        found["cosigned"] = [{"witness": key.name, "at": at} for key, at in report.cosigned]
        as_json({"id": head.origin, "state": "INTACT", **found})
        return EXIT_DONE
    print(f"{clean(head.origin)}: intact")
    print(f"  {report.entries} entries, {report.tiles} tiles, {report.chains} chains, root {head.root.hex()}")
    if report.signed_votes:
        print(f"  {report.signed_votes} signed votes, each by a key that its person had enrolled")
    for key, at in report.cosigned:
        print(f"  cosigned by {clean(key.name)} at {_time(at)}")
    if report.erased:
        listed = ", ".join(map(str, report.erased[:10])) + (" …" if len(report.erased) > 10 else "")
        bodies = f"{len(report.bodies)} bodies erased (--json lists them)"
        print(f"  {bodies} in {len(report.erased)} erasures, each an entry: {listed}")
    if not given.vkey:
        print(f"{NOT_PINNED}: the published one was used; compare it with one that you know, with --vkey")
    return EXIT_DONE


def _tampered(given: argparse.Namespace, found: Tampered) -> int:
    if given.json:
        evidence = {"problem": found.message, "evidence": list(found.evidence)}
        as_json({"id": given.log, "state": "TAMPERED", **_pinned(given), **evidence})
        return EXIT_FAILED
    print(f"tampered: {clean(found.message)}")
    for piece in found.evidence:
        print(f"evidence:\n{clean_lines(piece)}")
    if not given.vkey:
        print(NOT_PINNED)
    return EXIT_FAILED


def _unchecked(given: argparse.Namespace, problem: str) -> int:
    if given.json:
        as_json({"id": given.log, "state": "UNCHECKED", **_pinned(given), "problem": problem})
    complain(f"could not check: {clean(problem)}")
    return EXIT_USAGE


def _pinned(given: argparse.Namespace) -> dict[str, Any]:
    return {"pinned": True} if given.vkey else {"pinned": False, "warning": NOT_PINNED}


def _time(at: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at} s"


def receipt(given: argparse.Namespace) -> int:
    """Run `ledger receipt`; returns the exit status."""
    if given.wait:
        complain("only Daypass itself has an entry published: --wait goes with its id, and without --log")
        return EXIT_USAGE
    try:
        source = open_log(given.log or my_log())
        key = key_of(given.vkey, source)
        made = make_receipt(source.read, key, index_of(source, key, given.entry))
    except (Unreadable, OSError) as problem:
        complain(str(problem))
        return EXIT_USAGE
    except (ValueError, Disagreement, Tampered) as problem:
        complain(str(problem))
        return EXIT_FAILED
    if given.out:
        Path(given.out).write_bytes(made.proof)
    if given.json:
        entry, proof = made.entry.decode(errors="replace"), made.proof.decode()
        as_json({"id": made.index, "state": "PUBLISHED", "entry": entry, "proof": proof})
    elif not given.out:
        sys.stdout.write(made.proof.decode())
    return EXIT_DONE
