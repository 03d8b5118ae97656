"""`show`: the whole story of a request, a grant or a session, in the order in which it happened."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from daypass.cli.asking import WAITING, limited, one_id
from daypass.cli.client import Api, Json, api
from daypass.cli.ending import Line, ending_lines, session_lines
from daypass.cli.listing import add_list, newest
from daypass.cli.showing import as_json, brief, clean, short, table, until, when
from daypass.cli.verbs import EXIT_DONE, Verb
from daypass.domain.errors import NotFound


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", type=one_id, metavar="ID", help="a request, grant or session (the end of its id is enough)"
    )
    add_list(parser)


def _show(given: argparse.Namespace) -> int:
    here = api()
    try:
        kind, thing = find(here, given.id)
    except NotFound as nothing:
        return _show_bundle(here, given, nothing)
    request = thing if kind == "request" else here.get(f"requests/{thing['request']}")
    grant = here.get(f"grants/{request['grant']}") if request["grant"] else None
    sessions = _sessions(given, kind, thing, grant)
    deciders = here.get(f"requests/{request['id']}/deciders") if request["state"] in WAITING else None
    if given.json:
        more = {"deciders_object": deciders} if deciders else {}
        whole = {**more, "kind": kind, "request_object": request, "grant_object": grant, "session_objects": sessions}
        as_json({**thing, **whole})
        return EXIT_DONE
    _head(kind, thing, request, request if kind == "request" or grant is None else grant)
    lines = [*_request_lines(request), *(_grant_lines(grant) if grant else ())]
    told = {each["session"] for each in ((grant and grant["ending"]) or {}).get("sessions", ())}
    for session in sessions:
        lines += _session_lines(session)
        lines += session_lines(session) if session["id"] not in told else ()
    for t, text in sorted(lines, key=lambda line: line[0]):
        print(f"  {when(t)}  {text}")
    _next(request, grant)
    _who_decides(deciders)
    return EXIT_DONE


def _sessions(given: argparse.Namespace, kind: str, thing: Json, grant: Json | None) -> list[Json]:
    """The session that was asked for, or the newest of the grant."""
    if kind == "session":
        return [thing]
    return newest(given, "sessions", "sessions", grant=grant["id"]) if grant else []


def _show_bundle(here: Api, given: argparse.Namespace, nothing: NotFound) -> int:
    """Several requests that were made together."""
    try:
        bundle = here.get(f"bundles/{given.id}")
    except NotFound:
        raise nothing from None
    if given.json:
        as_json({**bundle, "kind": "bundle"})
        return EXIT_DONE
    print(f"Bundle {bundle['id']}: {bundle['state']}\n")
    what = ((one, f"{one['target']}:{one['role']}") for one in bundle["requests"])
    rows = ((short(one["id"]), one["state"], one["requester"]["email"], name, one["takes"]) for one, name in what)
    table(("id", "state", "who", "what", "how"), rows, "")
    return EXIT_DONE


def _who_decides(deciders: Json | None) -> None:
    """For who waits: who can decide, who of them is there, and how long it usually takes."""
    for one in deciders["deciders"] if deciders else ():
        voted, there = ", has voted" if one["voted"] else "", "on duty" if one["on_duty"] else "not on duty"
        print(f"  can decide: {_person(one)} ({there}{voted})")
    if deciders and deciders["usual_wait_ms"] is not None:
        print(f"  usually decided within {brief(deciders['usual_wait_ms'])} ({deciders['decided_before']} before)")


def find(here: Api, part: str) -> tuple[str, Json]:
    """The request, grant or session that `part` names, in this order."""
    for kind in ("request", "grant", "session"):
        try:
            return kind, here.get(f"{kind}s/{part}")
        except NotFound:
            continue
    raise NotFound(f"there is no request, grant or session {clean(part)} that you may see", hint="daypass requests")


def _head(kind: str, thing: Json, request: Json, lasting: Json) -> None:
    print(f"{kind.capitalize()} {thing['id']}: {thing['state']}")
    print(f"  who     {_person(request['requester'])}")
    what = f"{clean(request['target'])}:{clean(request['role'])}{limited(request)}"
    print(f"  what    {what} for {brief(lasting['duration_ms'])}")
    print(f"  why     {clean(request['reason'])}" + (f" ({clean(request['ticket'])})" if request["ticket"] else ""))
    print(f"  policy  {clean(request['policy'])}, rule {clean(request['rule'])}: {clean(request['takes'])}")
    print()


def _request_lines(request: Json) -> Iterator[Line]:
    yield request["created_at"], f"asked by {_person(request['requester'])}"
    for message in request["messages"]:
        yield message["at"], f"{_person(message['person'])}: {clean(message['text'])}"
    for vote in request["votes"]:
        said = "approved" if vote["approve"] else "denied"
        narrowed = f" for {brief(vote['narrowed_ms'])}" if vote["narrowed_ms"] else ""
        narrowed += limited({"scope": vote["narrowed_scope"]})
        void = "" if vote["counts"] else " (void: what was asked has changed since)"
        note = f": {clean(vote['note'])}" if vote["note"] else ""
        yield vote["at"], f"{said}{narrowed} by {_person(vote['person'])}{void}{note}"
    if request["decided_at"]:
        because = f": {clean(request['decided_because'])}" if request["decided_because"] else ""
        yield request["decided_at"], f"request {request['state']}{because}"


def _grant_lines(grant: Json) -> Iterator[Line]:
    if grant["activated_at"]:
        yield grant["activated_at"], f"grant {short(grant['id'])} active until {when(grant['expires_at'])}"
    for extension in grant["extensions"]:
        yield extension["at"], f"extended by {brief(extension['by_ms'])} ({clean(extension['reason'])})"
    if grant["ending_at"]:
        by = f" by {_person(grant['end_by'])}" if grant["end_by"] else ""
        note = f" ({clean(grant['end_note'])})" if grant["end_note"] else ""
        yield grant["ending_at"], f"grant began to end: {clean(grant['end_reason'])}{by}{note}"
    yield from ending_lines(grant)
    if grant["ended_at"]:
        took = grant["ended_at"] - (grant["ending_at"] or grant["ended_at"])
        yield grant["ended_at"], f"grant {grant['state']}, {took} ms after it began to end"


def _session_lines(session: Json) -> Iterator[Line]:
    name = f"session {short(session['id'])}"
    yield session["opened_at"], f"{name} opened from {clean(session['client'])}"
    if session["ended_at"]:
        done = f"{session['statements']} statements, recording {session['recording']}"
        yield session["ended_at"], f"{name} {session['state'].lower()}: {clean(session['end_reason'])}; {done}"


def _next(request: Json, grant: Json | None) -> None:
    if request["state"] in ("PENDING", "NEEDS_INFO"):
        print(f"\n  to be decided {until(request['decide_by'])}: daypass approve {short(request['id'])}")
    elif grant and grant["state"] in ("READY", "ACTIVE"):
        clock = f"ends {until(grant['expires_at'])}" if grant["expires_at"] else f"use it {until(grant['activate_by'])}"
        print(f"\n  {clock}: daypass connect {clean(grant['target'])}")


def _person(person: Json) -> str:
    return clean(person["email"])


VERBS = {"show": Verb(_arguments, _show)}
