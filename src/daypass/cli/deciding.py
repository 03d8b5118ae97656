"""The decider's verbs: `approve`, `deny`, `ask`. A vote names the digest of what it is for, so nobody votes blindly."""

from __future__ import annotations

import argparse

from daypass.cli.asking import WAITING, add_scope, duration, moment, one_id, some_text, tell
from daypass.cli.client import Api, Json, api
from daypass.cli.showing import clean, short
from daypass.cli.signing import add_sign, part_of, signed_vote
from daypass.cli.verbs import EXIT_DONE, Verb
from daypass.domain.errors import Invalid, NotFound

ID_HELP = "the request (the end of its id is enough)"
WHOLE_HELP = f"{ID_HELP}, or a whole bundle"


def _approve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help=WHOLE_HELP)
    parser.add_argument("--for", type=duration, dest="duration", metavar="15m", help="for less time than was asked")
    parser.add_argument("--role", metavar="R", help="as a role that can do less than the one asked for")
    parser.add_argument("--until", type=moment, metavar="TIME", help="a project, until then at most")
    add_scope(parser, "for less of the target than was asked, like public.orders; again for each")
    parser.add_argument("--note", default="", metavar="TEXT", help="a note for the record")
    add_sign(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _approve(given: argparse.Namespace) -> int:
    here = api()
    try:
        asked = here.get(f"requests/{given.id}")
    except NotFound as missing:
        vote = {"duration_ms": given.duration, "until": given.until, "note": given.note}
        return _decide_bundle(here, given, "approve", vote, missing)
    vote = {"digest": asked["digest"], "duration_ms": given.duration, "role": given.role, "note": given.note}
    vote |= {"until": given.until, "scope": given.scope}
    vote |= signed_vote(here, given, part_of(asked), "approve")
    return tell(given, here.post(f"requests/{asked['id']}/approve", vote))


def _decide_bundle(here: Api, given: argparse.Namespace, verb: str, vote: Json, missing: NotFound) -> int:
    """Decide on everything of a bundle that I may decide on. Where there is none either, it was no request."""
    try:
        bundle = here.get(f"bundles/{given.id}")
    except NotFound:
        raise missing from None
    if getattr(given, "role", None) or getattr(given, "scope", None):
        raise Invalid("another role or scope is for one request", hint="decide on them one by one")
    digests = {one["id"]: one["digest"] for one in bundle["requests"]}
    parts = [part_of(one) for one in bundle["requests"] if one["state"] in WAITING]
    if parts:
        vote = {**vote, **signed_vote(here, given, {"parts": parts}, verb)}
    done = here.post(f"bundles/{bundle['id']}/{verb}", {**vote, "digests": digests})
    if given.json:
        return tell(given, done)
    print(f"{done['id']} {done['state']}")
    for one in done["requests"]:
        what = f"{clean(one['requester']['email'])} {clean(one['target'])}:{clean(one['role'])}"
        print(f"  {short(one['id'])} {what} {one['state']}")
    return EXIT_DONE


def _deny_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help=WHOLE_HELP)
    parser.add_argument("--note", required=True, type=some_text, metavar="TEXT", help="why not")
    add_sign(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _deny(given: argparse.Namespace) -> int:
    here = api()
    try:
        asked = here.get(f"requests/{given.id}")
    except NotFound as missing:
        return _decide_bundle(here, given, "deny", {"note": given.note}, missing)
    vote = {"digest": asked["digest"], "note": given.note, **signed_vote(here, given, part_of(asked), "deny")}
    return tell(given, here.post(f"requests/{asked['id']}/deny", vote))


def _ask_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help=ID_HELP)
    parser.add_argument("text", type=some_text, metavar="QUESTION", help="what the requester should say")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _ask(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"requests/{given.id}/ask", {"text": given.text}))


VERBS = {
    "approve": Verb(_approve_arguments, _approve),
    "deny": Verb(_deny_arguments, _deny),
    "ask": Verb(_ask_arguments, _ask),
}
