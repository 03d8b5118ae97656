"""`secret`: the operator's verbs for secrets that are kept encrypted in the store. A value is never an argument."""

from __future__ import annotations

import argparse
import sys

from daypass.cli.operating import add_config, settings_of
from daypass.cli.showing import as_json
from daypass.cli.verbs import EXIT_DONE, Verb, subcommands
from daypass.config.secrets import SECRET_BYTES_MAX
from daypass.domain.errors import Invalid

MORE = """\
The value is typed, or read from standard input without its last line break; arguments can be seen by everybody here.
Example: pass show orders-ro | daypass secret set orders-ro
A target names it by password: { sealed: orders-ro }"""


def _arguments(parser: argparse.ArgumentParser) -> None:
    words = subcommands(parser)
    put = words.add_parser("set", help="keep a secret, or replace it")
    gone = words.add_parser("remove", help="forget a secret")
    listed = words.add_parser("list", help="the names of those there are")
    for each in (put, gone):
        each.add_argument("name", metavar="NAME", help="what targets call it by")
    for each, word in ((put, "set"), (gone, "remove"), (listed, "list")):
        add_config(each)
        each.add_argument("--json", action="store_true", help="print JSON")
        each.set_defaults(word=word)


def _secret(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    value = _value() if given.word == "set" else ""
    from daypass.app import keep_secret

    done = keep_secret(settings, {"word": given.word, "name": getattr(given, "name", ""), "value": value})
    if given.json:
        as_json(done)
    elif given.word == "list":
        print("\n".join(done["names"]) or "There are no sealed secrets.")
    else:
        print(f"{done['id']}: {done['state'].lower()}")
    return EXIT_DONE


def _value() -> str:
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass("The secret (it is not shown): ")
    raw = sys.stdin.buffer.read(SECRET_BYTES_MAX + 2)
    try:
        value = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Invalid("a secret is UTF-8 text") from None
    return value


VERBS = {
    "secret": Verb(_arguments, _secret, more=MORE),
}
