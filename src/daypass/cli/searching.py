"""`search`: what was said and done. What one may see, and whether a hit is genuine, the server has judged."""

from __future__ import annotations

import argparse
import time

from daypass.cli.asking import duration, moment
from daypass.cli.client import Json
from daypass.cli.listing import add_list, newest
from daypass.cli.showing import as_json, clean, short, when
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb
from daypass.domain.finding import OUTCOMES

SHOWN_DEFAULT = 50
TEXT_CHARACTERS_MAX = 300
"""What of one text a list shows."""
FIELDS = ("table", "person", "target", "kind", "outcome", "since", "until")

MORE = """\
TEXT is words that must all be there; "in quotes" (within the quotes of your shell) next to each other; a word that ends
in * is a beginning. Every hit was hashed again and compared with the published log: DAMAGED is what does not fit, and
then the exit status is 1."""


def since(text: str) -> int:
    """The argument type of `--since` and `--until`: a length of time before now, or a time."""
    try:
        return int(time.time() * 1000) - duration(text)
    except argparse.ArgumentTypeError:
        return moment(text)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="words, of statements, reasons, notes")
    parser.add_argument("--table", metavar="T", help="statements that name this table")
    parser.add_argument("--person", metavar="P", help="what this person did (an address or an id)")
    parser.add_argument("--target", metavar="T", help="what happened at this target")
    parser.add_argument("--kind", metavar="K", help="a kind of statement (select) or a type of entry (grant.ended)")
    parser.add_argument(
        "--outcome", choices=tuple(OUTCOMES), metavar="O", help=f"how it came out: {', '.join(OUTCOMES)}"
    )
    parser.add_argument("--since", type=since, metavar="7d", help="from so long ago on, or from this time")
    parser.add_argument("--until", type=since, metavar="1d", help="before then")
    add_list(parser, SHOWN_DEFAULT)


def _search(given: argparse.Namespace) -> int:
    asked = {name: getattr(given, name) for name in FIELDS}
    found = newest(given, "search", q=given.text, **asked)
    if given.json:
        as_json(found)
    else:
        for hit in found:
            _show(hit)
        if not found:
            print("Nothing of that is on record, as far as you may see.")
    return EXIT_FAILED if any("DAMAGED" in (hit["state"], hit["body"]) for hit in found) else EXIT_DONE


def _show(hit: Json) -> None:
    who = clean(hit["person"]["email"]) if hit["person"] else "?"
    where = f" at {clean(hit['target'])}" if hit["target"] else ""
    what = clean(hit["type"]) + (f" ({clean(hit['kind'])})" if hit["kind"] else "")
    session = f", session {short(hit['session'])}" if hit["session"] else ""
    print(f"{when(hit['t'])}  #{hit['index']}  {what} by {who}{where}{session}")
    if hit["state"] == "DAMAGED":
        print("    DAMAGED: this entry is not the one that stands in the log")
    for field, text in hit["said"].items():
        shown = text if len(text) <= TEXT_CHARACTERS_MAX else f"{text[:TEXT_CHARACTERS_MAX]}…"
        print(f"    {clean(shown)}" if field == "text" else f"    {clean(field)}: {clean(shown)}")
    if hit["body"] not in ("KEPT", "NONE"):
        print(f"    ({_BODIES[hit['body']]})")


_BODIES = {
    "ERASED": "what was said was erased",
    "ENCRYPTED": "what was said is encrypted: daypass ledger open INDEX --identity FILE",
    "DAMAGED": "DAMAGED: what is kept is not what the entry commits to",
    "NOT_OPENED": "too much to open at once: daypass ledger open INDEX",
}

VERBS = {"search": Verb(_arguments, _search, more=MORE)}
