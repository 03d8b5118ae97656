"""`targets`: what I may ask for, and what asking would take."""

from __future__ import annotations

import argparse

from daypass.cli.client import api
from daypass.cli.showing import as_json, table
from daypass.cli.verbs import EXIT_DONE, Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _targets(given: argparse.Namespace) -> int:
    targets = api().get("targets")["items"]
    if given.json:
        as_json(targets)
        return EXIT_DONE
    rows = [
        (target["name"], target["protocol"], role["name"], role["effect"], role["takes"])
        for target in targets
        for role in target["roles"]
    ]
    head = ("target", "protocol", "role", "effect", "asking takes")
    table(head, rows, "There is nothing that you may ask for.", whole=True)
    return EXIT_DONE


VERBS = {"targets": Verb(_arguments, _targets)}
