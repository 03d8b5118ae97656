"""`policy propose`, `proposals`, `diff`, `approve` and `reject`: changing policy through the app, by two people."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path
from typing import Any

from daypass.cli.asking import one_id, some_text, tell
from daypass.cli.client import Json, api
from daypass.cli.listing import add_list, newest
from daypass.cli.showing import as_json, clean, clean_lines, short, table, when
from daypass.cli.verbs import EXIT_DONE
from daypass.domain.errors import Invalid


def add_proposing(words: Any) -> None:
    """The words of `policy` that change it."""
    propose = words.add_parser("propose", help="propose a changed policy file to a second person")
    propose.add_argument("file", metavar="FILE", help="the whole file, as it should be")
    propose.add_argument("--note", required=True, type=some_text, metavar="TEXT", help="why")
    listed = words.add_parser("proposals", help="proposed policy files")
    diff = words.add_parser("diff", help="what a proposal changes")
    approve = words.add_parser("approve", help="approve somebody else's proposal: it is written and loaded")
    reject = words.add_parser("reject", help="reject a proposal, or take mine back")
    for each in (diff, approve, reject):
        each.add_argument("id", type=one_id, metavar="ID", help="the proposal (the end of its id is enough)")
    approve.add_argument("--note", default="", metavar="TEXT", help="a note for the record")
    reject.add_argument("--note", required=True, type=some_text, metavar="TEXT", help="why")
    for each, run in ((propose, _propose), (listed, _proposals), (diff, _diff), (approve, _approve), (reject, _reject)):
        if each is listed:
            add_list(each)
        else:
            each.add_argument("--json", action="store_true", help="print JSON")
        each.set_defaults(word=run)


def _propose(given: argparse.Namespace) -> int:
    try:
        text = Path(given.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise Invalid(f"{given.file} cannot be read: {problem}") from None
    return tell(given, api().post("policy/proposals", {"text": text, "note": given.note}))


def _proposals(given: argparse.Namespace) -> int:
    found = newest(given, "policy/proposals")
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = (
        (short(one["id"]), one["state"], one["policy"], one["made_by"]["email"], when(one["made_at"]), one["note"])
        for one in found
    )
    table(("id", "state", "policy", "by", "at", "why"), rows, "Nobody has proposed anything.")
    return EXIT_DONE


def _diff(given: argparse.Namespace) -> int:
    found = api().get(f"policy/proposals/{given.id}")
    if given.json:
        as_json(found)
        return EXIT_DONE
    print(f"{found['id']} {found['state']}: {clean(found['policy'])}, by {clean(found['made_by']['email'])}")
    print(f"{clean(found['note'])}\n")
    print(changes(found))
    return EXIT_DONE


def changes(found: Json) -> str:
    """What would be otherwise, as a unified diff."""
    before, after = (clean_lines(found[name] or "").splitlines() for name in ("present", "text"))
    return "\n".join(difflib.unified_diff(before, after, "now", "proposed", lineterm=""))


def _approve(given: argparse.Namespace) -> int:
    here = api()
    found = here.get(f"policy/proposals/{given.id}")
    if not given.json:
        print(changes(found))
    vote = {"digest": found["digest"], "note": given.note}
    return tell(given, here.post(f"policy/proposals/{found['id']}/approve", vote))


def _reject(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"policy/proposals/{given.id}/reject", {"note": given.note}))
