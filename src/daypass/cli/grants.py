"""`grants`, `activate`, `extend`, `return`, `revoke`."""

from __future__ import annotations

import argparse

from daypass.cli.asking import duration, limited, one_id, some_text, tell
from daypass.cli.client import Json, api
from daypass.cli.listing import add_list, newest
from daypass.cli.showing import as_json, brief, short, table, until
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, complain

ID_HELP = "the grant (the end of its id is enough)"


def _id_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help=ID_HELP)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _grants_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="everybody's that I may see, not only mine")
    parser.add_argument("--live", action="store_true", help="only those that open something now or soon")
    add_list(parser)


def _grants(given: argparse.Namespace) -> int:
    view = "all" if given.all else "mine"
    found = newest(given, "grants", view=view, live="true" if given.live else None)
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (
            short(each["id"]),
            each["state"],
            each["person"]["email"],
            f"{each['target']}:{each['role']}{limited(each)}",
            brief(each["duration_ms"]),
            _clock(each),
            each["end_reason"],
        )
        for each in found
    )
    table(("id", "state", "who", "what", "for", "clock", "ended because"), rows, "There are no such grants.")
    return EXIT_DONE


def _clock(grant: dict[str, int | None]) -> str:
    if grant["ended_at"]:
        return f"ended {until(grant['ended_at'])}"
    if grant["ending_at"]:
        return f"began to end {until(grant['ending_at'])}"
    if grant["expires_at"]:
        return f"ends {until(grant['expires_at'])}"
    return f"use it {until(grant['activate_by'])}"


def _activate(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"grants/{given.id}/activate"))


def _return(given: argparse.Namespace) -> int:
    return _ended(given, api().post(f"grants/{given.id}/return"))


def _ended(given: argparse.Namespace, grant: Json) -> int:
    """Print what became of a grant that was to end. It is done when the end was seen, and not before."""
    tell(given, grant)
    if grant["state"] not in ("ENDING", "END_UNCONFIRMED"):
        return EXIT_DONE
    complain(
        f"the end of {grant['target']}:{grant['role']} is not confirmed, access may still exist; it is tried again",
        f"what was seen, and why: daypass show {grant['id']}",
    )
    return EXIT_FAILED


def _extend_arguments(parser: argparse.ArgumentParser) -> None:
    _id_arguments(parser)
    parser.add_argument("--by", required=True, type=duration, metavar="30m", help="by how much")
    parser.add_argument("--reason", required=True, type=some_text, metavar="TEXT", help="why; it stands in the record")


def _extend(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"grants/{given.id}/extend", {"by_ms": given.by, "reason": given.reason}))


def _revoke_arguments(parser: argparse.ArgumentParser) -> None:
    _id_arguments(parser)
    parser.add_argument(
        "--close-unconfirmed",
        action="store_true",
        help="close an end that could not be confirmed: I have looked, and answer for it",
    )
    parser.add_argument("--reason", required=True, type=some_text, metavar="TEXT", help="why; it stands in the record")


def _revoke(given: argparse.Namespace) -> int:
    verb = "close" if given.close_unconfirmed else "revoke"
    return _ended(given, api().post(f"grants/{given.id}/{verb}", {"reason": given.reason}))


VERBS = {
    "grants": Verb(_grants_arguments, _grants),
    "activate": Verb(_id_arguments, _activate),
    "extend": Verb(_extend_arguments, _extend),
    "return": Verb(_id_arguments, _return),
    "revoke": Verb(_revoke_arguments, _revoke),
}
