"""`ledger verify` and `ledger receipt`. Verifying needs the published files and a key, never the server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from daypass.cli.showing import as_json, clean
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, complain, subcommands
from daypass.domain.errors import Invalid, NotFound, NotYet


def _arguments(parser: argparse.ArgumentParser) -> None:
    words = subcommands(parser)
    verify = words.add_parser("verify", help="check a whole published log, offline")
    verify.add_argument("log", metavar="DIR|URL", help="the folder that holds `checkpoint`, or its URL")
    verify.add_argument(
        "--checkpoint", action="append", default=[], metavar="OLD", help="a checkpoint or receipt that I kept"
    )
    verify.add_argument("--vkey", metavar="K", help="the log's verifier key (default: the file vkey beside it)")
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.set_defaults(word=_verify)
    receipt = words.add_parser("receipt", help="a proof that an entry stands in the log (not yet)")
    receipt.add_argument("entry", metavar="ENTRY", help="the entry's id or index")
    receipt.add_argument("--json", action="store_true", help="print JSON")
    receipt.set_defaults(word=_receipt)


def _ledger(given: argparse.Namespace) -> int:
    status: int = given.word(given)
    return status


def _verify(given: argparse.Namespace) -> int:
    from daypass.ledger.note import NoteError, VerifierKey
    from daypass.ledger.source import Unreadable, open_source
    from daypass.ledger.verify import Tampered, remember, verify_log

    try:
        source = open_source(given.log)
        key = VerifierKey.parse(given.vkey or _beside(source.read("vkey")))
        remembered = [remember(name, _kept(name), key) for name in given.checkpoint]
        report = verify_log(source, key, remembered)
    except (Unreadable, NoteError) as problem:
        raise Invalid(str(problem)) from None
    except Tampered as found:
        complain(f"tampered: {found}")
        for piece in found.evidence:
            print(piece, file=sys.stderr)
        return EXIT_FAILED
    head = report.head
    if given.json:
        found_so = {"size": head.size, "root": head.root.hex(), "chains": report.chains, "erased": report.erased}
        as_json({"id": head.origin, "state": "INTACT", **found_so})
        return EXIT_DONE
    print(f"{clean(head.origin)}: intact")
    print(f"  {report.entries} entries, {report.tiles} tiles, {report.chains} chains, root {head.root.hex()}")
    print(f"  signed by {', '.join(clean(signer.name) for signer in report.signed_by)}")
    if not given.vkey:
        print("  with the key that lies beside it; compare it with one that you know: --vkey")
    return EXIT_DONE


def _beside(raw: bytes | None) -> str:
    if raw is None:
        raise NotFound("there is no vkey beside the log", hint="--vkey K, with the key that you were given")
    return raw.decode("ascii", "replace").strip()


def _kept(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as problem:
        raise NotFound(f"{name} cannot be read: {problem.strerror}") from None


def _receipt(given: argparse.Namespace) -> int:
    raise NotYet("receipts are not in this version", hint="daypass ledger verify checks the whole log")


VERBS = {"ledger": Verb(_arguments, _ledger, more="Leaves with 0 when intact, 1 when tampered with or unreadable.")}
