"""`erase`: the operator's order to take away what people wrote, while everything proved from the log stays."""

from __future__ import annotations

import argparse

from daypass.cli.asking import duration, one_id, some_text
from daypass.cli.operating import add_config, settings_of
from daypass.cli.showing import as_json
from daypass.cli.verbs import EXIT_DONE, Verb

MORE = """\
Erased are bodies with their salts, what search has of them, and the words beside the states; the log stays whole, and
an entry says which bodies went. It cannot be undone. Backups, exports and the logs of serve are yours to look after."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--session", type=one_id, metavar="ID", help="what one session said")
    which.add_argument("--request", type=one_id, metavar="ID", help="a request, its grant, and their sessions")
    which.add_argument("--person", metavar="EMAIL", help="all that one person said, and their address and name")
    which.add_argument("--older-than", type=duration, metavar="90d", help="everything that is over and older than this")
    parser.add_argument("--reason", required=True, type=some_text, metavar="TEXT", help="why; it stands in the record")
    parser.add_argument("--dry-run", action="store_true", help="only count")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _erase(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import erase

    order = {"session": given.session, "request": given.request, "person": given.person}
    order |= {"older_than_ms": given.older_than, "reason": given.reason, "dry_run": given.dry_run}
    done = erase(settings, order)
    if given.json:
        as_json(done)
    else:
        would = "would be erased" if given.dry_run else "erased"
        print(
            f"{done['bodies']} bodies {would}: of {done['sessions']} sessions and {done['requests']} requests, "
            f"{done['entries']} entries looked at."
        )
    return EXIT_DONE


VERBS = {
    "erase": Verb(_arguments, _erase, more=MORE),
}
