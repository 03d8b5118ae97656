"""`policy test`, `policy explain` and `policy simulate`: what policies say, without anything being asked or stored."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from daypass.cli.asking import duration
from daypass.cli.operating import add_config, settings_of
from daypass.cli.showing import as_json, clean
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, subcommands
from daypass.domain.errors import NotFound, NotYet

if TYPE_CHECKING:
    from daypass.app.checking import Checked
    from daypass.domain.policy import Policy


def _arguments(parser: argparse.ArgumentParser) -> None:
    words = subcommands(parser)
    test = words.add_parser("test", help="run the `expect` cases of policy files")
    explain = words.add_parser("explain", help="say in one sentence how a request would be decided")
    simulate = words.add_parser("simulate", help="what a changed policy would have done to past requests (not yet)")
    for each in (test, explain, simulate):
        add_config(each)
        each.add_argument("file", nargs="?", metavar="FILE", help="a policy file (those of the settings, if left out)")
        each.add_argument("--json", action="store_true", help="print JSON")
    schema = words.add_parser("schema", help="print the JSON schema of policy files, for editors")
    schema.set_defaults(word=_schema)
    explain.add_argument("--by", required=True, metavar="EMAIL", help="who would ask")
    explain.add_argument("--target", required=True, metavar="TARGET", help="for what")
    explain.add_argument("--role", required=True, metavar="R", help="as what")
    explain.add_argument("--for", required=True, type=duration, dest="duration", metavar="30m", help="for how long")
    explain.add_argument("--ticket", default="", metavar="INC-7", help="with this ticket")
    explain.add_argument("--reason", default="", metavar="TEXT", help="with this reason")
    test.set_defaults(word=_test)
    explain.set_defaults(word=_explain)
    simulate.set_defaults(word=_simulate)


def _schema(given: argparse.Namespace) -> int:
    from daypass.domain.policy_schema import schema

    as_json(schema())
    return EXIT_DONE


def _policy(given: argparse.Namespace) -> int:
    status: int = given.word(given)
    return status


def _now() -> int:
    return int(time.time() * 1000)


def _policies(given: argparse.Namespace) -> tuple[Checked, tuple[Policy, ...]]:
    """The settings without their own policies' judgement, and the policies that are meant."""
    from dataclasses import replace

    from daypass.app.checking import check_settings, read_policy_text
    from daypass.domain.policy_file import read_policy

    settings = settings_of(given)
    checked = check_settings(replace(settings, policies=()), _now())
    files = [Path(given.file)] if given.file else settings.policies
    return checked, tuple(read_policy(read_policy_text(file), str(file)) for file in files)


def _test(given: argparse.Namespace) -> int:
    from daypass.app.checking import offline_people
    from daypass.domain.policy_set import check_policy

    checked, policies = _policies(given)
    people = offline_people(checked.settings)
    cases = [
        {
            "id": case.expectation.place,
            "state": "FAILED" if case.problem else "HOLDS",
            "policy": policy.name,
            "verdict": case.verdict.reason if case.verdict else "",
            "problem": case.problem,
        }
        for policy in policies
        for case in check_policy(policy, checked.targets, people, _now())
    ]
    failed = sum(case["state"] == "FAILED" for case in cases)
    if given.json:
        as_json(cases)
    else:
        for case in cases:
            said = case["problem"] or case["verdict"]
            print(f"{'no' if case['problem'] else 'ok'}  {case['id']}: {clean(said)}")
        print(f"{len(cases) - failed} of {len(cases)} cases hold")
    return EXIT_FAILED if failed else EXIT_DONE


def _explain(given: argparse.Namespace) -> int:
    from daypass.app.checking import offline_people
    from daypass.domain.policy import Automatic, NeedsVotes, Question, evaluate

    checked, policies = _policies(given)
    people = offline_people(checked.settings)
    by = next((person for person in people if person.email == given.by.lower()), None)
    if by is None:
        raise NotFound(f"there is nobody with the address {given.by}", hint="identity.people in the settings")
    target = checked.targets.get(given.target)
    if target is None or given.role not in target.roles:
        raise NotFound(f"there is no {given.target}:{given.role}", hint=f"targets: {', '.join(checked.targets) or '-'}")
    question = Question(by, target, given.role, given.duration, _now(), given.reason, given.ticket)
    verdict = evaluate(policies, question, people)
    match verdict:
        case Automatic():
            state, said = "AUTOMATIC", "would be approved at once"
        case NeedsVotes():
            state, said = "NEEDS_VOTES", "would wait for a decision"
        case _:
            state, said = "REFUSED", "would be refused"
    name = verdict.policy.name if verdict.policy else ""
    if given.json:
        as_json(
            {"id": name, "state": state, "rule": verdict.rule.name if verdict.rule else "", "reason": verdict.reason}
        )
    else:
        print(f"{given.by} asking for {given.target}:{given.role} {said}: {clean(verdict.reason)}.")
    return EXIT_DONE


def _simulate(given: argparse.Namespace) -> int:
    raise NotYet(
        "simulating a policy on past requests is not in this version", hint="daypass policy test runs its cases"
    )


VERBS = {"policy": Verb(_arguments, _policy, more="Example: daypass policy test policies/orders.yaml")}
