"""`demo`: the guided run as a verb."""

from __future__ import annotations

import argparse

from daypass.cli.verbs import Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exit", action="store_true", help="leave after the run instead of staying up")


def _demo(given: argparse.Namespace) -> int:
    from daypass.cli.demo.run import demo

    return demo(stay=not given.exit)


VERBS = {
    "demo": Verb(
        _arguments,
        _demo,
        more="Starts its own PostgreSQL and its own Daypass in a temporary folder, on free loopback ports, plays the\n"
        "main job with three people, and removes all of it at the end. Exit status 1 if any step went wrong.",
    )
}
