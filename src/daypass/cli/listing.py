"""Lists at the command line: the newest so many, and a word where that is not all."""

from __future__ import annotations

import argparse

from daypass.cli.client import Json, api
from daypass.cli.verbs import complain

LISTED_DEFAULT = 100
LISTED_MAX = 10_000


def count(text: str) -> int:
    """The argument type of `--limit`."""
    if not text.isdecimal() or not 0 < int(text) <= LISTED_MAX:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {LISTED_MAX}, not {text!r}")
    return int(text)


def add_list(parser: argparse.ArgumentParser, default: int = LISTED_DEFAULT) -> None:
    """The options of every list."""
    parser.add_argument("--limit", type=count, default=default, metavar="N", help=f"at most ({default})")
    parser.add_argument("--json", action="store_true", help="print JSON")


def newest(given: argparse.Namespace, path: str, noun: str = "", **query: object) -> list[Json]:
    """The newest `--limit` of a paged list. `noun`: what they are, where that is not plain."""
    found, more = api().every(path, given.limit, **query)
    if more:
        wider = f"more of them: --limit {min(given.limit * 2, LISTED_MAX)}"
        hint = wider if given.limit < LISTED_MAX else "that is as many as a list shows: GET /api/v1 gives page by page"
        complain(f"only the newest {len(found)}{noun and f' {noun}'} are shown", hint)
    return found
