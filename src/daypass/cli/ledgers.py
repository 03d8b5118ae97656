"""`ledger verify` and `ledger receipt`. They need the published files and a key, never the server."""

from __future__ import annotations

import argparse

from daypass.cli.verbs import Verb, subcommands

MORE = """\
verify leaves with 0 when the log is intact, 1 when it was tampered with (one line says where, and signed evidence is
printed), 2 when it could not be checked. Keep a checkpoint or a receipt now and then and give it as --checkpoint: only
that shows a log whose end was cut off or that was written anew by whoever holds its key."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    words = subcommands(parser)
    verify = words.add_parser("verify", help="check a whole published log, offline")
    verify.add_argument("log", metavar="DIR|URL", help="the folder that holds `checkpoint`, or its URL")
    verify.add_argument(
        "--checkpoint", action="append", default=[], metavar="OLD", help="a checkpoint or receipt that I kept (again)"
    )
    verify.add_argument("--vkey", metavar="K", help="the log's verifier key, or a file that holds it")
    verify.add_argument(
        "--witness", action="append", default=[], metavar="VKEY", help="a witness that must have cosigned (again)"
    )
    verify.add_argument("--quorum", type=int, metavar="N", help="how many of the witnesses must have (default: all)")
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.set_defaults(word="verify")
    receipt = words.add_parser("receipt", help="a proof that an entry stands in the log")
    receipt.add_argument("entry", metavar="ENTRY", help="the entry's index")
    receipt.add_argument("--log", metavar="DIR|URL", help="the published log (default: DAYPASS_URL/ledger)")
    receipt.add_argument("--vkey", metavar="K", help="the log's verifier key, or a file that holds it")
    receipt.add_argument("--out", metavar="FILE", help="where to (default: standard output)")
    receipt.add_argument("--json", action="store_true", help="print JSON")
    receipt.set_defaults(word="receipt")


def _ledger(given: argparse.Namespace) -> int:
    from daypass.cli import verifying

    return verifying.verify(given) if given.word == "verify" else verifying.receipt(given)


VERBS = {"ledger": Verb(_arguments, _ledger, more=MORE)}
