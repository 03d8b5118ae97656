"""`tokens` and `token`: what I prove who I am with. A new token is printed once, and kept nowhere."""

from __future__ import annotations

import argparse
import sys

from daypass.cli.asking import duration, one_id
from daypass.cli.client import api
from daypass.cli.showing import as_json, clean, short, table, until, when
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, Verb, complain, subcommands
from daypass.domain.durations import HOUR_MS

LASTS_MS = 12 * HOUR_MS


def _tokens_arguments(parser: argparse.ArgumentParser) -> None:
    _person(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--person", default="", metavar="EMAIL", help="my agent's; anybody's for security")


def _tokens(given: argparse.Namespace) -> int:
    found = api().get("tokens", person=given.person)["items"]
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (
            short(one["id"]) + (" *" if one["in_use"] else ""),
            one["label"],
            " ".join(one["scopes"]) or "everything",
            when(one["made_at"]),
            until(one["expires_at"]),
            f"{until(one['last_used_at'])} from {clean(one['last_used_from'])}" if one["last_used_at"] else "never",
        )
        for one in found
    )
    table(("id", "label", "good for", "made (UTC)", "ends", "last used"), rows, "There are no live tokens.")
    return EXIT_DONE


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    commands = subcommands(parser)
    new = commands.add_parser("new", help="make a token that can do no more than mine; it is printed once")
    new.add_argument("--for", type=duration, default=LASTS_MS, dest="duration", metavar="12h", help="for so long (12h)")
    new.add_argument("--scope", action="append", default=[], metavar="S", help="only api, mcp, connect:TARGET; repeat")
    new.add_argument("--label", default="", metavar="TEXT", help="what it is for, like laptop")
    revoke = commands.add_parser("revoke", help="revoke one, or all; the sessions that it opened end")
    revoke.add_argument("id", nargs="?", type=one_id, metavar="ID", help="the token (daypass tokens)")
    revoke.add_argument("--all", action="store_true", help="all of them, the one in use too")
    for one, step in ((new, _new), (revoke, _revoke)):
        _person(one)
        one.add_argument("--json", action="store_true", help="print JSON")
        one.set_defaults(step=step)


def _token(given: argparse.Namespace) -> int:
    done: int = given.step(given)
    return done


def _new(given: argparse.Namespace) -> int:
    wanted = {"duration_ms": given.duration, "scopes": given.scope, "label": given.label, "person": given.person}
    made = api().post("tokens", wanted)
    if given.json:
        as_json(made)
    else:
        print(made["token"])
        who = clean(made["person"]["email"])
        print(f"for {who}, until {when(made['expires_at'])} UTC; it is not shown again", file=sys.stderr)
    return EXIT_DONE


def _revoke(given: argparse.Namespace) -> int:
    if bool(given.id) is given.all or (given.id and given.person):
        complain("name one token, or say --all (of --person EMAIL)", "daypass tokens")
        return EXIT_USAGE
    here = api()
    if given.id:
        done = here.post(f"tokens/{given.id}/revoke")
    else:
        done = here.post("tokens/revoke", {"all": True, "person": given.person})
    if given.json:
        as_json(done)
    else:
        print(f"{len(done['tokens'])} tokens revoked, {len(done['sessions'])} sessions ended")
        for id in done["unconfirmed"]:
            print(f"NOT CONFIRMED: the end of session {id}")
    return EXIT_FAILED if done["unconfirmed"] else EXIT_DONE


VERBS = {
    "tokens": Verb(_tokens_arguments, _tokens),
    "token": Verb(_token_arguments, _token, more="Example: daypass token new --scope connect:orders --for 1h"),
}
