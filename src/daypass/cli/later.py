"""Verbs that are named but not there yet. They say so, and do nothing."""

from __future__ import annotations

import argparse

from daypass.cli.verbs import Verb
from daypass.domain.errors import NotYet


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("anything", nargs="*", help="not read yet")


def _later(what: str) -> Verb:
    def run(given: argparse.Namespace) -> int:
        raise NotYet(f"{what} is not in this version")

    return Verb(_arguments, run, more="Not in this version yet.", lenient=True)


VERBS = {
    "evidence": _later("the evidence file"),
}
