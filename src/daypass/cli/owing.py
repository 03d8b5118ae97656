"""`break-glass`, `ratify`, `obligations`, `sign-off`, `settle`: an emergency, and what is owed afterwards."""

from __future__ import annotations

import argparse

from daypass.cli.asking import duration, limited, one_id, some_text, tell
from daypass.cli.client import Json, api
from daypass.cli.listing import add_list, newest
from daypass.cli.operating import add_config, settings_of
from daypass.cli.showing import as_json, brief, clean, short, table, until, when
from daypass.cli.verbs import EXIT_DONE, EXIT_USAGE, Verb, complain

CODES = 3
"""Codes that are made at once: one for each of a few envelopes."""


def _glass_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="what to reach")
    parser.add_argument("--role", metavar="R", help="as what")
    parser.add_argument("--for", type=duration, dest="duration", metavar="15m", help="for how long")
    parser.add_argument("--reason", type=some_text, metavar="TEXT", help="why; it stands in the record")
    parser.add_argument("--ticket", default="", metavar="INC-7", help="the ticket that this is for")
    parser.add_argument("--drill", action="store_true", help="go the whole way as an exercise; it ends at once")
    parser.add_argument(
        "--make-codes", action="store_true", help="operator: print sealed one-time codes for the target"
    )
    parser.add_argument("--count", type=int, default=CODES, metavar="N", help=f"how many codes ({CODES})")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _glass(given: argparse.Namespace) -> int:
    if given.make_codes:
        return _codes(given)
    if not (given.role and given.duration and given.reason):
        complain("as what, for how long, and why?", '--role R --for 15m --reason "…" [--ticket INC-7]')
        return EXIT_USAGE
    body = {
        "target": given.target,
        "role": given.role,
        "duration_ms": given.duration,
        "reason": given.reason,
        "ticket": given.ticket,
        "drill": given.drill,
    }
    made = api().post("break-glass", body)
    if given.json:
        as_json(made)
        return EXIT_DONE
    print(made["id"])
    if given.drill:
        print(f"A drill: it was opened and has ended; daypass show {short(made['id'])}. It is still to be ratified.")
    else:
        print(f"You have {brief(made['duration_ms'])}: daypass connect {clean(made['target'])}:{clean(made['role'])}")
        print("Everybody whom this bypassed is being told.")
    return EXIT_DONE


def _codes(given: argparse.Namespace) -> int:
    from daypass.app import make_codes

    made = make_codes(settings_of(given), given.target, given.count)
    if given.json:
        as_json(made)
        return EXIT_DONE
    for code in made["codes"]:
        print(code)
    good = f"each good once, until {when(made['expires_at'])}"
    print(f"For {clean(given.target)}, {good}. Seal them: they are not shown again.")
    print(f"Sign in as glass:EMAIL, with the code as the password, to {clean(given.target)}:ROLE.")
    return EXIT_DONE


def _ratify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", type=one_id, metavar="ID", help="the request that broke the glass (the end of its id is enough)"
    )
    parser.add_argument("--refuse", action="store_true", help="do not stand for it: ends what is still open of it")
    parser.add_argument("--note", required=True, type=some_text, metavar="TEXT", help="why; it stands in the record")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _ratify(given: argparse.Namespace) -> int:
    body = {"refuse": given.refuse, "note": given.note}
    return tell(given, api().post(f"requests/{given.id}/ratify", body))


def _obligations_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", nargs="?", type=one_id, metavar="ID", help="one of them, with what was asked and what was done"
    )
    parser.add_argument("--all", action="store_true", help="also those that are done, and about me")
    add_list(parser)


def _obligations(given: argparse.Namespace) -> int:
    here = api()
    if given.id:
        return _one(given, here.get(f"obligations/{given.id}"))
    found = newest(given, "obligations", everything="true" if given.all else None)
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (
            short(one["id"]),
            one["state"],
            one["kind"].replace("_", "-"),
            one["person"]["email"],
            until(one["due_at"]),
            one["note"],
        )
        for one in found
    )
    table(("id", "state", "what", "about", "due", "note"), rows, "Nothing is owed.")
    return EXIT_DONE


def _one(given: argparse.Namespace, one: Json) -> int:
    if given.json:
        as_json(one)
        return EXIT_DONE
    asked = one["receipt"]
    print(f"{one['kind'].replace('_', '-')} {one['id']}: {one['state']}, due {until(one['due_at'])}")
    print(
        f"  asked   {clean(one['person']['email'])}: {clean(asked['target'])}:{clean(asked['role'])}{limited(asked)}"
        f" for {brief(asked['asked_ms'])}: {clean(asked['reason'])}"
        + (f" ({clean(asked['ticket'])})" if asked["ticket"] else "")
    )
    used = f" in {brief(asked['used_ms'])}" if asked["used_ms"] is not None else ""
    print(
        f"  done    {asked['statements']} statements in {len(asked['sessions'])} sessions{used}; "
        f"{asked['rows']} rows, {asked['failed']} failed, {asked['refused']} refused"
    )
    for word in ("kinds", "reads", "writes"):
        if asked[word]:
            print(f"  {word:<7} {', '.join(f'{clean(name)} ({count})' for name, count in asked[word].items())}")
    for remark in asked["remarks"]:
        print(f"  look at: {clean(remark)}")
    for session in asked["sessions"]:
        print(f"  daypass replay {short(session['id'])}")
    return EXIT_DONE


def _sign_off_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help="the obligation (daypass obligations)")
    parser.add_argument("--flag", action="store_true", help="a follow-up is needed")
    parser.add_argument(
        "--note", required=True, type=some_text, metavar="TEXT", help="what was seen; it stands in the record"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _sign_off(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"obligations/{given.id}/sign-off", {"note": given.note, "flag": given.flag}))


def _settle_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help="the flagged obligation")
    parser.add_argument(
        "--note", required=True, type=some_text, metavar="TEXT", help="what came of it; it stands in the record"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _settle(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"obligations/{given.id}/settle", {"note": given.note}))


VERBS = {
    "break-glass": Verb(
        _glass_arguments, _glass, more="Example: daypass break-glass orders --role write --for 15m --reason INC-7"
    ),
    "ratify": Verb(_ratify_arguments, _ratify),
    "obligations": Verb(_obligations_arguments, _obligations),
    "sign-off": Verb(_sign_off_arguments, _sign_off),
    "settle": Verb(_settle_arguments, _settle),
}
