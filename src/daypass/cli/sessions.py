"""`sessions`, `kill`, `replay` and `watch`. What people wrote in a session is only shown: it steers no terminal."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator

from daypass.cli.asking import one_id, some_text, tell
from daypass.cli.client import Api, Json, api
from daypass.cli.ending import in_doubt
from daypass.cli.listing import add_list, newest
from daypass.cli.showing import as_json, clean_lines, short, table, until, when
from daypass.cli.verbs import EXIT_DONE, Verb
from daypass.domain.errors import Refused, Unavailable

PAUSE_SECONDS_MAX = 2.0
"""A replay waits no longer than this between two lines, however long the person thought."""

ID_HELP = "the session (the end of its id is enough)"


def _sessions_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--live", action="store_true", help="only those that are open now")
    add_list(parser)


def _sessions(given: argparse.Namespace) -> int:
    found = newest(given, "sessions", live="true" if given.live else None)
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (
            short(each["id"]),
            each["state"],
            each["person"]["email"],
            f"{each['target']}:{each['role']}",
            when(each["opened_at"]),
            _ended(each),
            each["statements"] if each["ended_at"] else "…",
        )
        for each in found
    )
    table(("id", "state", "who", "what", "opened (UTC)", "ended", "statements"), rows, "There are no such sessions.")
    return EXIT_DONE


def _ended(session: Json) -> str:
    if not session["ended_at"]:
        return "-"
    doubt = "; NOT CONFIRMED" if in_doubt(session) else ""
    return f"{until(session['ended_at'])}, {session['end_reason']}{doubt}"


def _kill_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help=ID_HELP)
    parser.add_argument(
        "--close-unconfirmed",
        action="store_true",
        help="close an end that could not be confirmed: I have looked, and answer for it",
    )
    parser.add_argument("--reason", required=True, type=some_text, metavar="TEXT", help="why; it stands in the record")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _kill(given: argparse.Namespace) -> int:
    verb = "close" if given.close_unconfirmed else "kill"
    return tell(given, api().post(f"sessions/{given.id}/{verb}", {"reason": given.reason}))


def speed(text: str) -> float:
    """The argument type of `--speed`."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1000, not {text!r}")
    return value


def _replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help=ID_HELP)
    parser.add_argument(
        "--speed",
        type=speed,
        metavar="N",
        help="N times as fast; 0: all at once (the default is 1 on a terminal, 0 elsewhere)",
    )
    parser.add_argument("--identity", metavar="FILE", help="the age identity that opens an encrypted recording")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--json", action="store_true", help="print the session and its statements as JSON")
    which.add_argument("--raw", action="store_true", help="print the recording as it is (asciicast v3)")


def _replay(given: argparse.Namespace) -> int:
    here = api()
    session = here.get(f"sessions/{given.id}")
    if given.raw:
        for line in _recording(here, session, given.identity):
            print(line)
        return EXIT_DONE
    if given.json:
        as_json({**session, "statement_list": list(_statements(here, session))})
        return EXIT_DONE
    factor = given.speed if given.speed is not None else (1.0 if sys.stdout.isatty() else 0.0)
    play(_recording(here, session, given.identity), factor)
    _tell_end(session)
    return EXIT_DONE


def _tell_end(session: Json) -> None:
    state = f"{session['state'].lower()}: {session['end_reason']}" if session["ended_at"] else "still open"
    print(f"-- {session['target']}:{session['role']}, {session['person']['email']}, {state}", file=sys.stderr)


def _statements(here: Api, session: Json) -> Iterator[Json]:
    """All of them, a page at a time."""
    since: str | None = "0"
    while since is not None:
        page = here.get(f"sessions/{session['id']}/statements", since=since)
        yield from page["items"]
        since = page["next"]


def _recording(here: Api, session: Json, identity: str | None) -> Iterator[str]:
    """The lines of a recording, opened here if an identity is given: the server cannot."""
    if identity is None:
        yield from here.lines(f"sessions/{session['id']}/recording")
        return
    from daypass.cli.unlocking import opened_recording

    yield from opened_recording(here, session, identity)


def _watch_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=one_id, metavar="ID", help=ID_HELP)
    parser.add_argument("--raw", action="store_true", help="print the recording as it is (asciicast v3)")


def _watch(given: argparse.Namespace) -> int:
    here = api()
    session = here.get(f"sessions/{given.id}")
    lines = _grown(here, session)
    if given.raw:
        for line in lines:
            print(line, flush=True)
        return EXIT_DONE
    play(lines, 0)
    _tell_end(here.get(f"sessions/{session['id']}"))
    return EXIT_DONE


def _grown(here: Api, session: Json) -> Iterator[str]:
    """The lines of a recording so far, and further ones as they come, until the session is over: the data of
    server-sent events, each of which is one line here."""
    event = ""
    for line in here.lines(f"sessions/{session['id']}/watch"):
        name, _, value = line.partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            told = json.loads(value)
            if event == "refused":
                raise Refused(told["detail"], hint=told["hint"])
            yield from (one for one in told.split("\n") if one)
            if event == "over":
                return
    raise Unavailable("the session goes on, but nothing more is told of it", hint=f"daypass watch {session['id']}")


def play(lines: Iterable[str], factor: float) -> None:
    """Show an asciicast v3 recording as it went, `factor` times as fast; 0 does not wait."""
    for seconds, text in outputs(lines):
        if factor and seconds:
            time.sleep(min(seconds, PAUSE_SECONDS_MAX) / factor)
        sys.stdout.write(clean_lines(text))
        sys.stdout.flush()


def outputs(lines: Iterable[str]) -> Iterator[tuple[float, str]]:
    """The output events of an asciicast v3 recording: seconds since the one before, and the text.

    Other events (`sql.q`, `sql.r`, markers) are passed over, but their time counts.
    """
    waited = 0.0
    for n, line in enumerate(lines):
        if not line or line.startswith("#"):
            continue
        try:
            event = json.loads(line)
            if n == 0 and isinstance(event, dict) and event["version"] == 3:
                continue
            waited += float(event[0])
            code, text = str(event[1]), event[2]
        except (ValueError, LookupError, TypeError):
            raise Unavailable(f"line {n + 1} of the recording is no asciicast v3") from None
        if code == "o":
            yield waited, str(text)
            waited = 0.0


VERBS = {
    "sessions": Verb(_sessions_arguments, _sessions),
    "kill": Verb(_kill_arguments, _kill),
    "replay": Verb(_replay_arguments, _replay),
    "watch": Verb(_watch_arguments, _watch, more="Ctrl-C leaves; the session goes on."),
}
