"""`demo`: the guided run, which is a room of its own (`daypass.cli.demo`)."""

from __future__ import annotations

import argparse

from daypass.cli.verbs import Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exit", action="store_true", help="leave after the run: 0 if every step did what it should")


def _demo(given: argparse.Namespace) -> int:
    from daypass.cli.demo.run import demo

    return demo(stay=not given.exit)


VERBS = {"demo": Verb(_arguments, _demo)}
