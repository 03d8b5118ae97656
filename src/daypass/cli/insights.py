"""`insights`: named questions over what happened, each with the number, the former one, and what it is made of."""

from __future__ import annotations

import argparse

from daypass.cli.client import Json, api
from daypass.cli.searching import since
from daypass.cli.showing import as_json, brief, clean, table, when
from daypass.cli.verbs import EXIT_DONE, Verb
from daypass.domain.durations import SECOND_MS

ROWS_MAX = 1000
MORE = """\
Without a NAME: the questions there are. The period is the last 30 days unless --since and --until say otherwise; the
former one is as long, right before. Auditors and security see everybody's, others their own (docs/insights.md)."""


def _rows(text: str) -> int:
    if not text.isdecimal() or int(text) > ROWS_MAX:
        raise argparse.ArgumentTypeError(f"must be a number up to {ROWS_MAX}, not {text!r}")
    return int(text)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the question, as the list names it")
    parser.add_argument("--by", metavar="WHAT", help="what it is grouped by")
    parser.add_argument("--only", metavar="KEY", help="of what is in this group alone")
    parser.add_argument("--since", type=since, metavar="30d", help="from so long ago on, or from this time")
    parser.add_argument("--until", type=since, metavar="1d", help="before then")
    parser.add_argument("--rows", type=_rows, default=0, metavar="N", help="show so many of the rows behind it")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _insights(given: argparse.Namespace) -> int:
    here = api()
    if given.name is None:
        found = here.get("insights")["items"]
        if given.json:
            as_json(found)
        else:
            rows = [(one["id"], one["definition"], ", ".join(one["by"])) for one in found]
            table(("NAME", "WHAT IT SAYS", "BY"), rows, "")
        return EXIT_DONE
    limit = given.rows or (ROWS_MAX if given.json else 1)
    asked = {"since": given.since, "until": given.until, "by": given.by, "only": given.only, "limit": limit}
    answer = here.get(f"insights/{given.name}", **asked)
    if given.json:
        as_json(answer)
    else:
        _show(answer, given.rows)
    return EXIT_DONE


def _show(answer: Json, rows: int) -> None:
    unit = answer["unit"]
    print(f"{answer['title']}: {_number(answer['number'], unit)}  (before: {_number(answer['former'], unit)})")
    whose = "" if answer["about"] == "everybody" else ", of your own access"
    print(f"{when(answer['since'])} to {when(answer['until'])}, over {answer['count']}{whose}")
    print(answer["definition"])
    print()
    head = (answer["by"].upper(), "NOW", "BEFORE", "OVER")
    groups = [
        (clean(one["key"]), _number(one["number"], unit), _number(one["former"], unit), one["count"])
        for one in answer["groups"]
    ]
    table(head, groups, "Nothing of that happened.")
    if rows and answer["rows"]:
        print()
        columns = answer["columns"]
        table([name.upper() for name in columns], [[_cell(n, row[n]) for n in columns] for row in answer["rows"]], "")


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "share":
        return f"{value:.0%}"
    return _time(round(value)) if unit == "ms" else f"{value:.0f}"


def _time(ms: int) -> str:
    return brief(ms) if ms >= SECOND_MS else f"{ms}ms"


def _cell(name: str, value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and name == "at":
        return when(value)
    return _time(value) if isinstance(value, int) and name.endswith("_ms") else clean(value)


VERBS = {"insights": Verb(_arguments, _insights, more=MORE)}
