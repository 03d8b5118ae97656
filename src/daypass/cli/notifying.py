"""`notify`: what I was told, whether channels work, and what could not be told."""

from __future__ import annotations

import argparse

from daypass.cli.asking import one_id, tell
from daypass.cli.client import api
from daypass.cli.listing import add_list, newest
from daypass.cli.operating import add_config, settings_of
from daypass.cli.showing import as_json, short, table, when
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, subcommands


def _arguments(parser: argparse.ArgumentParser) -> None:
    commands = subcommands(parser)
    mine = commands.add_parser("list", help="what I was told")
    failed = commands.add_parser("failed", help="what could not be told (auditors, security)")
    retry = commands.add_parser("retry", help="try something again that was given up (security)")
    retry.add_argument("id", type=one_id, metavar="ID", help="the message, as `notify failed` shows it")
    channels = commands.add_parser("channels", help="operator: the channels, and whether they are there")
    test = commands.add_parser("test", help="operator: send a test over a channel")
    test.add_argument("channel", metavar="CHANNEL", help="email, slack, slack-channel, or its name")
    test.add_argument("--to", default="", metavar="EMAIL", help="to whom, where it goes to people")
    for one, step in ((mine, _mine), (failed, _failed), (retry, _retry), (channels, _channels), (test, _test)):
        if one in (mine, failed):
            add_list(one)
        else:
            one.add_argument("--json", action="store_true", help="print JSON")
        one.set_defaults(step=step)
    for one in (channels, test):
        add_config(one)


def _run(given: argparse.Namespace) -> int:
    done: int = given.step(given)
    return done


def _mine(given: argparse.Namespace) -> int:
    found = newest(given, "notices")
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = [(when(one["made_at"]), one["kind"], one["title"] or "(settled meanwhile)") for one in found]
    table(("WHEN", "KIND", "WHAT"), rows, "You were told nothing yet.")
    return EXIT_DONE


def _failed(given: argparse.Namespace) -> int:
    found = newest(given, "notices", view="failed")
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = [
        (one["id"], one["channel"], one["to"]["email"] if one["to"] else "-", one["kind"], one["problem"])
        for one in found
    ]
    table(("ID", "CHANNEL", "TO", "KIND", "PROBLEM"), rows, "Everybody could be told.")
    return EXIT_DONE


def _retry(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"notices/{given.id}/retry"))


def _channels(given: argparse.Namespace) -> int:
    from daypass.app import check_channels

    found = check_channels(settings_of(given))
    if given.json:
        as_json(found)
    else:
        rows = [(one["id"], one["state"], one["what"]) for one in found]
        table(
            ("CHANNEL", "STATE", "WHAT"), rows, "No channels are set: people are told here only (daypass notify list)."
        )
    return EXIT_FAILED if any(one["state"] == "FAILED" for one in found) else EXIT_DONE


def _test(given: argparse.Namespace) -> int:
    from daypass.app import send_test

    sent = send_test(settings_of(given), given.channel, given.to)
    if given.json:
        as_json(sent)
    else:
        print(f"{given.channel} took the test ({short(sent['id'])}).")
    return EXIT_DONE


VERBS = {
    "notify": Verb(_arguments, _run, more="Example: daypass notify test email --to ana@acme.test"),
}
