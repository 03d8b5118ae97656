"""Asking again: `repeat` a former request, and `favourites`."""

from __future__ import annotations

import argparse

from daypass.cli.asking import add_scope, duration, finish, moment, one_id, some_text, tell
from daypass.cli.client import api
from daypass.cli.showing import as_json, brief, table
from daypass.cli.verbs import EXIT_DONE, Verb


def _instead(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--for", type=duration, dest="duration", metavar="30m", help="for another length of time")
    parser.add_argument("--reason", type=some_text, metavar="TEXT", help="for another reason")
    parser.add_argument("--ticket", metavar="INC-7", help="for another ticket")
    parser.add_argument("--at", type=moment, metavar="TIME", help="not before this time")
    parser.add_argument("--wait", action="store_true", help="wait for the decision; exit 1 unless it is yes")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _wanted(given: argparse.Namespace) -> dict[str, object]:
    return {
        "duration_ms": given.duration,
        "reason": given.reason,
        "ticket": given.ticket,
        "start_at": given.at,
    }


def _repeat_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help="the former request (the end of its id is enough)")
    _instead(parser)


def _repeat(given: argparse.Namespace) -> int:
    here = api()
    return finish(given, here, here.post(f"requests/{given.id}/repeat", _wanted(given)))


def _favourites_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(word="list")
    words = parser.add_subparsers(dest="word", metavar="COMMAND", parser_class=type(parser))
    words.add_parser("list", help="what there is (the default)").add_argument(
        "--json", action="store_true", help="print JSON"
    )
    add = words.add_parser("add", help="keep one under a name")
    add.add_argument("name", metavar="NAME")
    add.add_argument("target", metavar="TARGET")
    add.add_argument("--role", required=True, metavar="R", help="as what")
    add.add_argument("--for", required=True, type=duration, dest="duration", metavar="30m", help="for how long")
    add_scope(add, "limited to this of the target; again for each")
    add.add_argument("--reason", default="", metavar="TEXT", help="why, if it is always the same")
    add.add_argument("--ticket", default="", metavar="INC-7")
    add.add_argument("--json", action="store_true", help="print JSON")
    ask = words.add_parser("ask", help="ask for it")
    ask.add_argument("name", metavar="NAME")
    _instead(ask)
    gone = words.add_parser("remove", help="keep it no longer")
    gone.add_argument("name", metavar="NAME")
    gone.add_argument("--json", action="store_true", help="print JSON")


def _favourites(given: argparse.Namespace) -> int:
    here = api()
    match given.word:
        case "add":
            kept = {"name": given.name, "target": given.target, "role": given.role, "duration_ms": given.duration}
            more = {"reason": given.reason, "ticket": given.ticket, "scope": given.scope}
            return tell(given, here.post("favourites", {**kept, **more}))
        case "ask":
            return finish(given, here, here.post(f"favourites/{given.name}/ask", _wanted(given)))
        case "remove":
            return tell(given, here.post(f"favourites/{given.name}/remove"))
    found = here.get("favourites")["items"]
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = ((one["id"], f"{one['target']}:{one['role']}", brief(one["duration_ms"]), one["reason"]) for one in found)
    table(("name", "what", "for", "reason"), rows, "There are no favourites: daypass favourites add NAME TARGET …")
    return EXIT_DONE


VERBS = {
    "repeat": Verb(_repeat_arguments, _repeat, more="Example: daypass repeat 4f2a91c0 --ticket INC-8"),
    "favourites": Verb(
        _favourites_arguments,
        _favourites,
        more="Example: daypass favourites add morning orders --role read --for 30m --reason 'the daily check'",
    ),
}
