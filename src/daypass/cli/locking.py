"""`lock`, `locks` and `unlock`: security shuts a person, a target or everything for a while."""

from __future__ import annotations

import argparse

from daypass.cli.asking import duration, one_id, some_text, tell
from daypass.cli.client import Json, api
from daypass.cli.listing import add_list, newest
from daypass.cli.showing import as_json, clean, short, table, until
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, subcommands


def _lock_arguments(parser: argparse.ArgumentParser) -> None:
    commands = subcommands(parser)
    person = commands.add_parser("person", help="all accounts of somebody, and their agents")
    person.add_argument("name", metavar="EMAIL", help="who")
    target = commands.add_parser("target", help="a target, for everybody")
    target.add_argument("name", metavar="TARGET", help="which")
    everything = commands.add_parser("everything", help="stop all access now")
    for scope, one in (("person", person), ("target", target), ("everything", everything)):
        one.add_argument("--reason", required=True, type=some_text, metavar="TEXT", help="why; who is shut out is told")
        one.add_argument("--for", required=True, type=duration, dest="duration", metavar="4h", help="for how long")
        one.add_argument("--json", action="store_true", help="print JSON")
        one.set_defaults(scope=scope)


def _lock(given: argparse.Namespace) -> int:
    name = getattr(given, "name", "")
    wanted = {"scope": given.scope, "name": name, "reason": given.reason, "duration_ms": given.duration}
    made = api().post("locks", wanted)
    if given.json:
        as_json(made)
    else:
        print(f"{made['id']} {made['state']}")
        print(f"{len(made['ended'])} running grants ended; open again {until(made['until'])}")
        for id in made["unconfirmed"]:
            print(f"NOT CONFIRMED: the end of grant {id}; it is tried again")
    return EXIT_FAILED if made["unconfirmed"] else EXIT_DONE


def _locks_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also those that are over")
    add_list(parser)


def _locks(given: argparse.Namespace) -> int:
    found = newest(given, "locks", all="true" if given.all else None)
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (short(one["id"]), one["state"], _what(one), until(one["until"]), one["made_by"]["email"], one["reason"])
        for one in found
    )
    table(("id", "state", "what", "ends", "by", "reason"), rows, "Nothing is locked.")
    return EXIT_DONE


def _what(lock: Json) -> str:
    name = lock["person"]["email"] if lock["person"] else lock["target"]
    return clean(f"{lock['scope']} {name}" if name else lock["scope"])


def _unlock_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help="the lock (the end of its id is enough)")
    parser.add_argument("--reason", required=True, type=some_text, metavar="TEXT", help="why; it stands in the record")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _unlock(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"locks/{given.id}/lift", {"reason": given.reason}))


VERBS = {
    "lock": Verb(
        _lock_arguments, _lock, more='Example: daypass lock target orders --for 2h --reason "strange writes, INC-7"'
    ),
    "locks": Verb(_locks_arguments, _locks),
    "unlock": Verb(_unlock_arguments, _unlock),
}
