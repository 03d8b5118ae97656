"""`ledger verify`, `chain`, `receipt`: for everybody, from published files and a key. `recover`: the operator's."""

from __future__ import annotations

import argparse
from pathlib import Path

from daypass.cli.asking import one_id
from daypass.cli.operating import add_config, settings_of
from daypass.cli.showing import as_json
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, subcommands
from daypass.domain.errors import Invalid

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
    receipt.add_argument("entry", metavar="ENTRY", help="the entry's index, or its id")
    receipt.add_argument("--wait", metavar="2s", help="have it published now, and wait for so long (with its id)")
    receipt.add_argument("--log", metavar="DIR|URL", help="the published log (default: DAYPASS_URL/ledger)")
    receipt.add_argument("--vkey", metavar="K", help="the log's verifier key, or a file that holds it")
    receipt.add_argument("--out", metavar="FILE", help="where to (default: standard output)")
    receipt.add_argument("--json", action="store_true", help="print JSON")
    receipt.set_defaults(word="receipt")
    chain = words.add_parser("chain", help="check that entries of one session or target follow each other")
    chain.add_argument("entries", metavar="FILE", help="entries, one a line (- for standard input)")
    which = chain.add_mutually_exclusive_group(required=True)
    which.add_argument("--target", metavar="T", help="the target whose chain it is")
    which.add_argument("--session", type=one_id, metavar="ID", help="the session whose chain it is")
    chain.add_argument("--json", action="store_true", help="print JSON")
    chain.set_defaults(word="chain")
    recover = words.add_parser("recover", help="take published entries back into a store that is behind them")
    add_config(recover)
    recover.add_argument("--identity", metavar="FILE", help="the age identity that opens encrypted bodies")
    recover.add_argument("--json", action="store_true", help="print JSON")
    recover.set_defaults(word="recover")
    opened = words.add_parser("open", help="show what an entry commits to, and that it is that")
    opened.add_argument("entry", metavar="ENTRY", help="the entry's index in the log, or its id")
    opened.add_argument("--log", metavar="DIR|URL", help="take the entry from this published log")
    opened.add_argument("--vkey", metavar="K", help="the log's verifier key, or a file that holds it")
    opened.add_argument("--body", metavar="FILE", help="check this body, as it is stored")
    opened.add_argument("--identity", metavar="FILE", help="the age identity that opens encrypted bodies")
    opened.add_argument("--json", action="store_true", help="print JSON")
    opened.set_defaults(word="open")
    reindex = words.add_parser("reindex", help="make the search index anew from the log and its bodies")
    add_config(reindex)
    reindex.add_argument("--identity", metavar="FILE", help="the age identity that opens encrypted bodies")
    reindex.add_argument("--json", action="store_true", help="print JSON")
    reindex.set_defaults(word="reindex")


def _ledger(given: argparse.Namespace) -> int:
    from daypass.cli import verifying

    match given.word:
        case "verify":
            return verifying.verify(given)
        case "chain":
            from daypass.cli.chain import chain

            return chain(given)
        case "recover":
            return _recover(given)
        case "open":
            from daypass.cli.opening import open_entry

            return open_entry(given)
        case "reindex":
            return _reindex(given)
    if given.log or given.entry.isdecimal():
        return verifying.receipt(given)
    from daypass.cli.receipts import receipt

    return receipt(given)


def _recover(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import recover_log

    done = recover_log(settings, _identity(given.identity))
    if given.json:
        as_json(done)
        return EXIT_DONE
    if done["state"] == "INTACT":
        print(f"The store holds all of the {done['size']} published entries: there is nothing to recover.")
    if done["set_aside"]:
        print(f"{done['set_aside']} files that nobody had signed are moved from DATA/ledger to DATA/ledger.unsigned.")
    if done["taken_back"]:
        print(f"{done['taken_back']} published entries are back in the store; the log has {done['size']}.")
        if done["placed_anew"]:
            print(f"{done['placed_anew']} entries that only the store had get new places behind them.")
        print(f"{done['indexed']} entries are found by search again.")
        if done["locked_bodies"]:
            print("Not by their texts, which are encrypted: daypass ledger reindex --identity FILE")
        print("At the next start every grant that was live is ended: who needs access asks again.")
    return EXIT_DONE


def _identity(file: str | None) -> str | None:
    try:
        return Path(file).read_text() if file else None
    except (OSError, UnicodeDecodeError) as problem:
        raise Invalid(f"the identity {file} cannot be read: {problem}") from None


def _reindex(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import reindex

    done = reindex(settings, _identity(given.identity))
    if given.json:
        as_json(done)
    else:
        print(f"{done['entries']} entries are indexed anew; {done['without_body']} bodies of theirs are erased.")
        if done["damaged"]:
            print(f"{done['damaged']} bodies are damaged: daypass ledger open INDEX tells which and how.")
    return EXIT_FAILED if done["damaged"] else EXIT_DONE


VERBS = {"ledger": Verb(_arguments, _ledger, more=MORE)}
