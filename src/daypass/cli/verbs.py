"""The verbs: their one table, and how a command line finds its verb. No verb's own code is here."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from daypass.cli.showing import clean_lines
from daypass.domain.errors import ConfigError, DaypassError, NotYet

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a verb is told (`group`, `summary`) and where its code is."""

    group: str
    summary: str
    module: str


@dataclass(frozen=True, slots=True)
class Verb:
    """How a verb takes its arguments, and what it does. `run` returns the exit status or raises a DaypassError."""

    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    more: str = ""
    lenient: bool = False
    """Whether arguments that it does not know are passed over."""


ASK, WORK, LOOK, OWE, OPERATE = "Ask and decide", "Use access", "Look", "Owed", "Operate"

PLACES: Mapping[str, Place] = {
    "login": Place(ASK, "remember where Daypass is and who I am", "login"),
    "whoami": Place(ASK, "who Daypass takes me for", "login"),
    "tokens": Place(ASK, "my tokens, when and where they were used last", "tokens"),
    "token": Place(ASK, "make a token, revoke one or all", "tokens"),
    "targets": Place(ASK, "what I may ask for, and what asking would take", "targets"),
    "request": Place(ASK, "ask for access", "asking"),
    "repeat": Place(ASK, "ask again for what I asked before", "again"),
    "favourites": Place(ASK, "what I ask for again and again", "again"),
    "requests": Place(ASK, "requests: mine, to decide, or all", "asking"),
    "show": Place(ASK, "the whole story of a request, grant or session", "story"),
    "approve": Place(ASK, "say yes to a request", "deciding"),
    "deny": Place(ASK, "say no to a request", "deciding"),
    "ask": Place(ASK, "ask the requester a question", "deciding"),
    "answer": Place(ASK, "answer a question about my request", "asking"),
    "withdraw": Place(ASK, "take my request back", "asking"),
    "keys": Place(ASK, "the keys that I sign votes with", "signing"),
    "passkeys": Place(ASK, "my passkeys, and vouching for who has lost theirs", "passkeys"),
    "grants": Place(WORK, "what I have access to", "grants"),
    "activate": Place(WORK, "start the clock of a grant", "grants"),
    "extend": Place(WORK, "ask for more time", "grants"),
    "return": Place(WORK, "hand a grant back", "grants"),
    "revoke": Place(WORK, "end somebody's grant now", "grants"),
    "connect": Place(WORK, "run the native client through Daypass", "connect"),
    "break-glass": Place(WORK, "take access in an emergency", "owing"),
    "sessions": Place(LOOK, "who is or was connected", "sessions"),
    "watch": Place(LOOK, "watch a session live", "sessions"),
    "replay": Place(LOOK, "play a recorded session", "sessions"),
    "kill": Place(LOOK, "end a session now", "sessions"),
    "lock": Place(LOOK, "shut a person, a target or everything now", "locking"),
    "locks": Place(LOOK, "what is locked, and until when", "locking"),
    "unlock": Place(LOOK, "open something locked before its time", "locking"),
    "search": Place(LOOK, "find anything said or done", "searching"),
    "obligations": Place(OWE, "what is owed, and by when", "owing"),
    "sign-off": Place(OWE, "sign off what was done", "owing"),
    "settle": Place(OWE, "say what came of something flagged", "owing"),
    "ratify": Place(OWE, "ratify or refuse a broken glass", "owing"),
    "insights": Place(OWE, "named questions over what happened", "insights"),
    "evidence": Place(OWE, "a file of proofs for an auditor", "later"),
    "demo": Place(OPERATE, "see the main job on a real database", "demonstration"),
    "serve": Place(OPERATE, "run Daypass", "serving"),
    "init": Place(OPERATE, "write a starter daypass.yaml", "operating"),
    "check": Place(OPERATE, "validate daypass.yaml and the policies", "operating"),
    "notify": Place(OPERATE, "whether people can be told, and what they were", "notifying"),
    "secret": Place(OPERATE, "secrets that are kept encrypted in the store", "sealing"),
    "people": Place(OPERATE, "tokens and passwords for local people", "operating"),
    "backup": Place(OPERATE, "copy the whole of a Daypass, running or not", "keeping"),
    "restore": Place(OPERATE, "put a backup into an empty data directory", "keeping"),
    "policy": Place(OPERATE, "test and explain policies", "policies"),
    "erase": Place(OPERATE, "take away what people wrote, keep the proofs", "erasing"),
    "ledger": Place(OPERATE, "verify the log, get receipts", "ledgers"),
    "witness": Place(OPERATE, "cosign the checkpoints of other logs", "witnessing"),
}


class Parser(argparse.ArgumentParser):
    """Complains as every other error does: one line that says what, one that says what next."""

    def error(self, message: str) -> NoReturn:
        complain(message, f"{self.prog} --help")
        raise SystemExit(EXIT_USAGE)


def run(argv: Sequence[str]) -> int:
    """Find the verb, read its arguments, do it, tell what went wrong."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(overview())
        return EXIT_DONE if argv else EXIT_USAGE
    if argv[0] == "--version":
        from daypass import __version__

        print(f"daypass {__version__}")
        return EXIT_DONE
    name, place = argv[0], PLACES.get(argv[0])
    if place is None:
        complain(f"there is no command {name!r}", _nearest(name))
        return EXIT_USAGE
    try:
        verb = _verb(name, place)
        parser = Parser(prog=f"daypass {name}", description=_sentence(place.summary), epilog=verb.more or None)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        verb.arguments(parser)
        return verb.run(parser.parse_known_args(argv[1:])[0] if verb.lenient else parser.parse_args(argv[1:]))
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else EXIT_USAGE
    except NotYet as problem:
        complain(f"not yet: {problem.message.removeprefix('not yet: ')}", problem.hint)
        return EXIT_FAILED
    except ConfigError as problem:
        complain(problem.message, problem.hint)
        return EXIT_USAGE
    except DaypassError as problem:
        complain(problem.message, problem.hint)
        return EXIT_FAILED


def complain(message: str, hint: str = "") -> None:
    """Say on stderr what is wrong and what would be right. What others wrote into it steers no terminal."""
    print(f"daypass: {clean_lines(message)}", file=sys.stderr)
    if hint:
        print(f"  {clean_lines(hint)}", file=sys.stderr)


def overview() -> str:
    """What `daypass --help` prints."""
    lines = ["daypass: temporary production access, on the record", "", "usage: daypass COMMAND [ARGUMENT]..."]
    for group in (ASK, WORK, LOOK, OWE, OPERATE):
        lines += ["", f"{group}:"]
        lines += [f"  {name:<12} {place.summary}" for name, place in PLACES.items() if place.group == group]
    lines += [
        "",
        "daypass COMMAND --help tells more. DAYPASS_URL and DAYPASS_TOKEN say where and who (or: daypass login);",
        "DAYPASS_CONFIG or --config FILE name the settings of the machine's own commands.",
        "Exit status: 0 done, 1 refused or failed, 2 usage or configuration.",
    ]
    return "\n".join(lines)


def _verb(name: str, place: Place) -> Verb:
    verbs: Mapping[str, Verb] = importlib.import_module(f"daypass.cli.{place.module}").VERBS
    return verbs[name]


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."


def _nearest(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, PLACES, n=1)
    return f"did you mean {near[0]}? (daypass --help lists all)" if near else "daypass --help lists all commands"


def subcommands(parser: argparse.ArgumentParser) -> Any:
    """Room for the second word of a verb (`people token`)."""
    return parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
