"""The requester's verbs: `request`, `requests`, `answer`, `withdraw`."""

from __future__ import annotations

import argparse
import datetime
import sys
import time

from daypass.cli.client import Api, Json, api
from daypass.cli.listing import add_list, newest
from daypass.cli.showing import as_json, brief, clean, short, table, until
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, Verb, complain
from daypass.domain.durations import duration_ms
from daypass.domain.errors import NotFound
from daypass.domain.scope import spoken_scope

POLL_SECONDS = 1.0
"""How often `--wait` looks: a person decides, so a second is nothing, and the server hardly notices."""

WAITING = ("PENDING", "NEEDS_INFO")


def duration(text: str) -> int:
    """The argument type of `--for` and `--by`."""
    try:
        return duration_ms(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(f"must be {problem}, not {text!r}") from None


def moment(text: str) -> int:
    """The argument type of `--at`: ISO 8601; without an offset it is local time."""
    try:
        return int(datetime.datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"must be a time like 2026-11-23T14:00, not {text!r}") from None


def one_id(text: str) -> str:
    """The argument type of an ID: the whole of it, or its end. It becomes part of a path."""
    if not text.strip() or "/" in text:
        raise argparse.ArgumentTypeError(f"must be an id, or the end of one, not {text!r}")
    return text


def some_text(text: str) -> str:
    """The argument type of what has to be said."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def add_scope(parser: argparse.ArgumentParser, help: str) -> None:
    """The `--scope` of what is asked or approved."""
    parser.add_argument("--scope", action="append", default=[], metavar="SCHEMA.TABLE", help=help)


def _request_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="+", metavar="TARGET[:ROLE]", help="what to reach (daypass targets lists them)")
    parser.add_argument("--role", metavar="R", help="as what, where no role stands behind the target")
    parser.add_argument("--for", required=True, type=duration, dest="duration", metavar="30m", help="for how long")
    parser.add_argument("--reason", required=True, type=some_text, metavar="TEXT", help="why; it stands in the record")
    parser.add_argument("--ticket", default="", metavar="INC-7", help="the ticket that this is for")
    parser.add_argument("--at", type=moment, metavar="TIME", help="not before this time, like 2026-11-23T14:00")
    parser.add_argument("--person", action="append", default=[], metavar="EMAIL", help="for them; again for each")
    parser.add_argument("--until", type=duration, metavar="14d", help="a project: so long, each day for --for")
    add_scope(parser, "limited to this of the target, like public.orders or billing.*; again for each")
    parser.add_argument("--wait", action="store_true", help="wait for the decision; exit 1 unless it is yes")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _request(given: argparse.Namespace) -> int:
    items = [_item(text, given.role, given.scope) for text in given.target]
    if nameless := next((one["target"] for one in items if not one["role"]), None):
        complain(f"no role is named for {nameless}", f"--role R, or {nameless}:ROLE")
        return EXIT_USAGE
    asked = {
        "duration_ms": given.duration,
        "reason": given.reason,
        "ticket": given.ticket,
        "start_at": given.at,
    }
    here = api()
    if len(items) > 1 or given.person or given.until:
        until = None if given.until is None else (given.at or int(time.time() * 1000)) + given.until
        return _bundle(given, here.post("bundles", {**asked, "items": items, "people": given.person, "until": until}))
    return finish(given, here, here.post("requests", {**asked, **items[0]}))


def _item(text: str, role: str | None, scope: list[str]) -> Json:
    target, _, own = text.partition(":")
    return {"target": target, "role": own or role or "", "scope": scope}


def _bundle(given: argparse.Namespace, made: Json) -> int:
    if given.json:
        as_json(made)
        return EXIT_DONE
    print(made["id"], flush=True)
    for one in made["requests"]:
        who = f"{clean(one['requester']['email'])}: " if given.person else ""
        print(f"{short(one['id'])}  {who}{_told(one)}", file=sys.stderr)
    return EXIT_DONE


def finish(given: argparse.Namespace, here: Api, made: Json) -> int:
    """Tell what came of a new request, and wait for its decision if that is wanted."""
    if not given.json:
        print(made["id"], flush=True)
        print(_told(made), file=sys.stderr)
    if given.wait and made["state"] in WAITING:
        made = _wait(here, made)
        if not given.json:
            print(_told(made), file=sys.stderr)
    if given.json:
        as_json(made)
    refused = made["state"] not in ("APPROVED", "BROKEN_GLASS") and (given.wait or made["state"] not in WAITING)
    return EXIT_FAILED if refused else EXIT_DONE


def _wait(here: Api, made: Json) -> Json:
    asked: int = len(made["messages"])
    while made["state"] in WAITING:
        time.sleep(POLL_SECONDS)
        made = here.get(f"requests/{made['id']}")
        for message in made["messages"][asked:]:
            print(f"{clean(message['person']['email'])}: {clean(message['text'])}", file=sys.stderr)
        asked = len(made["messages"])
    return made


def limited(thing: Json) -> str:
    """` (limited to public.orders)`, or nothing where it is not limited."""
    spoken = spoken_scope(tuple(thing["scope"]))
    return f" ({clean(spoken)})" if spoken else ""


def _told(made: Json) -> str:
    what = f"{clean(made['target'])}:{clean(made['role'])}{limited(made)}"
    match made["state"]:
        case "APPROVED":
            return f"Approved for {brief(made['granted_ms'])}. Use it: daypass connect {clean(made['target'])}"
        case "PENDING":
            return f"Waiting for a decision on {what} ({clean(made['takes'])}), {until(made['decide_by'])} it expires."
        case "NEEDS_INFO":
            return f'There is a question. Answer it: daypass answer {short(made["id"])} "…"'
        case state:
            because = f": {clean(made['decided_because'])}" if made["decided_because"] else ""
            return f"{state.capitalize()}{because}."


def _requests_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--mine", action="store_const", const="mine", dest="view", help="those I made (the default)")
    which.add_argument("--to-decide", action="store_const", const="to-decide", dest="view", help="those I may decide")
    which.add_argument("--all", action="store_const", const="all", dest="view", help="all that I may see")
    add_list(parser)


def _requests(given: argparse.Namespace) -> int:
    found = newest(given, "requests", view=given.view or "mine")
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (
            short(each["id"]),
            each["state"],
            each["requester"]["email"],
            f"{each['target']}:{each['role']}",
            brief(each["duration_ms"]),
            until(each["decide_by"]) if each["state"] in WAITING else "",
            each["reason"],
        )
        for each in found
    )
    table(("id", "state", "who", "what", "for", "decide", "reason"), rows, "There are no such requests.")
    return EXIT_DONE


def _answer_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help="the request (the end of its id is enough)")
    parser.add_argument("text", type=some_text, metavar="TEXT", help="the answer; votes so far still count")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _answer(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"requests/{given.id}/answer", {"text": given.text}))


def _withdraw_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", type=one_id, metavar="ID", help="the request (the end of its id is enough), or a whole bundle"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _withdraw(given: argparse.Namespace) -> int:
    here = api()
    try:
        return tell(given, here.post(f"requests/{given.id}/withdraw"))
    except NotFound as missing:
        try:
            return tell(given, here.post(f"bundles/{given.id}/withdraw"))
        except NotFound:
            raise missing from None


def tell(given: argparse.Namespace, thing: Json) -> int:
    """Print what became of a thing: its id and state."""
    if given.json:
        as_json(thing)
    else:
        print(f"{thing['id']} {thing['state']}")
    return EXIT_DONE


VERBS = {
    "request": Verb(
        _request_arguments, _request, more='Example: daypass request orders --role read --for 30m --reason "INC-7"'
    ),
    "requests": Verb(_requests_arguments, _requests),
    "answer": Verb(_answer_arguments, _answer),
    "withdraw": Verb(_withdraw_arguments, _withdraw),
}
