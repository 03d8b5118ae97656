"""The operator's verbs at the machine itself: `init`, `check`, `people`. They need the settings, not a token."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daypass.cli.asking import duration
from daypass.cli.showing import as_json, when
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, subcommands
from daypass.domain.durations import DAY_MS
from daypass.domain.errors import ConfigError, Conflict

if TYPE_CHECKING:
    from daypass.config import Settings

SETTINGS_FILE = "daypass.yaml"


def add_config(parser: argparse.ArgumentParser) -> None:
    """The `--config` that every operator's verb takes."""
    parser.add_argument("--config", metavar="FILE", help="the settings (or DAYPASS_CONFIG; else ./daypass.yaml)")


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings that the command line or the environment names. Raises ConfigError."""
    from daypass.config import read_settings

    return read_settings(config_file(given))


def config_file(given: argparse.Namespace) -> Path:
    named = given.config or os.environ.get("DAYPASS_CONFIG")
    if not named and not Path(SETTINGS_FILE).exists():
        raise ConfigError(
            "I don't know which settings to use", hint="--config FILE, or DAYPASS_CONFIG, or: daypass init"
        )
    return Path(named or SETTINGS_FILE)


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default=SETTINGS_FILE, metavar="FILE", help="where (daypass.yaml)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _init(given: argparse.Namespace) -> int:
    from daypass.cli.starter import POLICY, POLICY_FILE, starter

    file = Path(given.file)
    policy = file.parent / POLICY_FILE
    _write_new(file, starter())
    written = not policy.exists()
    if written:
        policy.parent.mkdir(exist_ok=True)
        _write_new(policy, POLICY)
    if given.json:
        as_json({"id": str(file), "state": "WRITTEN"})
    else:
        both = f"{file} and {policy}" if written else f"{file} ({policy} was there)"
        print(f"Wrote {both}. Next: put your targets into it, then: daypass check --config {file}")
    return EXIT_DONE


def _write_new(file: Path, text: str) -> None:
    try:
        with open(file, "x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise Conflict(f"{file} is there already", hint="daypass init OTHER-FILE") from None
    except OSError as problem:
        raise Conflict(f"{file} cannot be written: {problem.strerror}") from None


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _check(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import check, check_lending, told_over

    checked = check(settings)
    telling = told_over(settings)
    lending = check_lending(settings)
    refused = any(one["problems"] for one in lending)
    if given.json:
        more = {name: found for name, found in (("lending", lending), ("telling", telling)) if found}
        as_json({"id": str(settings.file), "state": "REFUSED" if refused else "VALID", **checked, **more})
    else:
        print(f"{settings.file} is valid: " + ", ".join(f"{count} {what}" for what, count in checked.items()) + ".")
        for one in lending:
            _show_lending(one)
        for one in telling:
            what = ", ".join(one["only"]) or "everything"
            print(f"Told over {one['id']}, to {one['to']}: {what}. Try it: daypass notify test {one['id']}")
    return EXIT_FAILED if refused else EXIT_DONE


def _show_lending(one: dict[str, Any]) -> None:
    what_for = "makes a login for each grant" if one["lends"] else "has a maintenance login to end work with"
    print(f"\n{one['id']} {what_for}.")
    for what in ("problems", "warnings"):
        for said in one[what]:
            print(f"  {what[:-1]}: {said}")
    if one["pg_hba"]:
        print("  Let only this gateway in with them: above all other lines of its pg_hba.conf,")
        for line in one["pg_hba"]:
            print(f"    {line}")


def _people_arguments(parser: argparse.ArgumentParser) -> None:
    words = subcommands(parser)
    _password_arguments(words.add_parser("password", help="print a link by which a local person sets their password"))
    token = words.add_parser("token", help="print a new token for a local person")
    token.set_defaults(word=_token)
    add_config(token)
    token.add_argument("email", metavar="EMAIL", help="who it is for")
    token.add_argument("--expires", type=duration, metavar="30d", help="after this (12h, or identity.tokens_last)")
    token.add_argument("--label", default="", metavar="TEXT", help="what it is for, like laptop")
    token.add_argument(
        "--scope", action="append", default=[], metavar="S", help="only api, mcp, connect:TARGET; repeat"
    )
    token.add_argument("--json", action="store_true", help="print JSON")


def _password_arguments(password: argparse.ArgumentParser) -> None:
    password.set_defaults(word=_password)
    add_config(password)
    password.add_argument("email", metavar="EMAIL", help="who it is for")
    password.add_argument("--expires", type=duration, default=DAY_MS, metavar="24h", help="the link, after this (24h)")
    password.add_argument("--remove", action="store_true", help="take their password away instead")
    password.add_argument("--json", action="store_true", help="print JSON")


def _people(given: argparse.Namespace) -> int:
    status: int = given.word(given)
    return status


def _password(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import set_password

    made = set_password(settings, {"email": given.email, "lasts_ms": given.expires, "remove": given.remove})
    if given.json:
        as_json(made)
    elif given.remove:
        print(f"{made['id']} has no password any more, and is signed out of every browser")
    else:
        print(made["link"])
        print(f"for {made['id']}, once, until {when(made['expires_at'])} UTC; it is not shown again", file=sys.stderr)
    return EXIT_DONE


def _token(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import issue_token

    lasts_ms = given.expires or settings.tokens_last_ms
    made = issue_token(settings, given.email, lasts_ms, given.label, given.scope)
    if given.json:
        as_json(made)
    else:
        print(made["token"])
        print(f"for {made['email']}, until {when(made['expires_at'])} UTC; it is not shown again", file=sys.stderr)
    return EXIT_DONE


VERBS = {
    "init": Verb(_init_arguments, _init),
    "check": Verb(_check_arguments, _check),
    "people": Verb(_people_arguments, _people, more="Example: daypass people token ana@acme.test --expires 30d"),
}
