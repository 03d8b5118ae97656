"""`passkeys`: lists, renames and removes one's own, and has two others vouch for who has none left to show.

Enrolling one takes a browser, as authenticators talk to browsers.
"""

from __future__ import annotations

import argparse

from daypass.cli.asking import one_id, tell
from daypass.cli.client import Json, api
from daypass.cli.showing import as_json, clean, short, table, when
from daypass.cli.verbs import EXIT_DONE, Verb, subcommands


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(word=_list, json=False)
    words = subcommands(parser)
    words.required = False
    shown = words.add_parser("list", help="my passkeys")
    rename = words.add_parser("rename", help="call one something else")
    remove = words.add_parser(
        "remove", help="have one count no more (two others have vouched for me, or: in the browser)"
    )
    for each in (rename, remove):
        each.add_argument("id", type=one_id, metavar="ID", help="the passkey (the end of its id is enough)")
    rename.add_argument("name", metavar="NAME", help="like: laptop, blue key")
    ask = words.add_parser("ask", help="a code to tell two others, so that they vouch for me")
    vouch = words.add_parser("vouch", help="vouch for somebody who told me their code (security and operators)")
    vouch.add_argument("code", metavar="CODE", help="the code; speak to them first")
    vouch.add_argument("--look", action="store_true", help="only show who it is")
    pairs = ((shown, _list), (rename, _rename), (remove, _remove), (ask, _ask), (vouch, _vouch))
    for each, word in pairs:
        each.add_argument("--json", action="store_true", help="print JSON")
        each.set_defaults(word=word)


def _passkeys(given: argparse.Namespace) -> int:
    status: int = given.word(given)
    return status


def _list(given: argparse.Namespace) -> int:
    found = api().get("passkeys")["items"]
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (
            short(one["id"]),
            one["state"],
            clean(one["name"]),
            one["algorithm"],
            when(one["enrolled_at"]),
            when(one["last_used_at"]) if one["last_used_at"] else "-",
        )
        for one in found
    )
    table(
        ("id", "state", "name", "algorithm", "enrolled", "last used"),
        rows,
        "You have no passkeys: enrol one in the browser, under My keys.",
    )
    return EXIT_DONE


def _rename(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"passkeys/{given.id}/rename", {"name": given.name}))


def _remove(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"passkeys/{given.id}/remove"))


def _ask(given: argparse.Namespace) -> int:
    made = api().post("vouchings")
    if given.json:
        return tell(given, made)
    print(f"Your code is {made['id']}, until {when(made['expires_at'])} UTC.")
    print("Tell it to two people of security or the operators. Each types:  daypass passkeys vouch CODE")
    print("Then enrol (or remove) a passkey in the browser, under My keys.")
    return EXIT_DONE


def _vouch(given: argparse.Namespace) -> int:
    here, path = api(), f"vouchings/{given.code}"
    found: Json = here.get(path) if given.look else here.post(f"{path}/vouch")
    if given.json:
        return tell(given, found)
    by = ", ".join(clean(one["email"]) for one in found["by"]) or "nobody yet"
    print(
        f"{clean(found['person']['email'])}: {len(found['by'])} of {found['need']} have vouched ({by}) {found['state']}"
    )
    return EXIT_DONE


VERBS = {"passkeys": Verb(_arguments, _passkeys, more="Example: daypass passkeys vouch BCDF-GHJK")}
