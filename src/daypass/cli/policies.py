"""`policy test`, `explain`, `simulate`, `who-can` and `schema`: what policies say. Nothing is asked or stored."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from daypass.cli.asking import add_scope, duration, moment, one_id
from daypass.cli.client import Json, api
from daypass.cli.operating import add_config, settings_of
from daypass.cli.proposing import add_proposing
from daypass.cli.showing import as_json, clean, short, table, when
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, Verb, subcommands
from daypass.domain.errors import Invalid, NotFound
from daypass.domain.explaining import YES

if TYPE_CHECKING:
    from daypass.app.checking import Checked
    from daypass.domain.policy import Policy
    from daypass.domain.target import Target

DAYS = 30
"""A month holds what a team does now and then."""

BAR_WIDTH = 30


def _arguments(parser: argparse.ArgumentParser) -> None:
    words = subcommands(parser)
    test = words.add_parser("test", help="run the `expect` cases of policy files")
    explain = words.add_parser("explain", help="say how a request would be decided, and why")
    simulate = words.add_parser("simulate", help="what a changed policy would have decided otherwise")
    can = words.add_parser("who-can", help="who could get a role, and how")
    schema = words.add_parser("schema", help="print the JSON schema of policy files, for editors")
    schema.set_defaults(word=_schema)
    for each in (test, explain, simulate, can):
        add_config(each)
        each.add_argument("--json", action="store_true", help="print JSON")
    for each in (test, explain):
        each.add_argument("file", nargs="?", metavar="FILE", help="a policy file (those of the settings, if left out)")
    simulate.add_argument("file", metavar="NEW", help="the changed policy file")
    simulate.add_argument("--days", type=int, default=DAYS, metavar="N", help=f"of how many days ({DAYS})")
    explain.add_argument(
        "--request", type=one_id, metavar="ID", help="a real request instead, as the policy in force sees it now"
    )
    explain.add_argument("--by", metavar="EMAIL", help="who would ask")
    explain.add_argument("--target", metavar="TARGET", help="for what")
    explain.add_argument("--role", metavar="R", help="as what")
    explain.add_argument("--for", type=duration, dest="duration", metavar="30m", help="for how long")
    explain.add_argument("--ticket", default="", metavar="INC-7", help="with this ticket")
    explain.add_argument("--reason", default="", metavar="TEXT", help="with this reason")
    add_scope(explain, "limited to this of the target; again for each")
    explain.add_argument("--at", type=moment, metavar="TIME", help="at this time (now)")
    explain.add_argument("--break-glass", action="store_true", help="by breaking the glass")
    can.add_argument("target", metavar="TARGET", help="what is to be reached")
    can.add_argument("role", metavar="ROLE", help="as what")
    can.add_argument("--at", type=moment, metavar="TIME", help="at this time (now)")
    add_proposing(words)
    test.set_defaults(word=_test)
    explain.set_defaults(word=_explain)
    simulate.set_defaults(word=_simulate)
    can.set_defaults(word=_who_can)


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
    from daypass.app.checking import offline_crowd
    from daypass.domain.policy_set import check_policy

    checked, policies = _policies(given)
    crowd = offline_crowd(checked.settings)
    cases = [
        {
            "id": case.expectation.place,
            "state": "FAILED" if case.problem else "HOLDS",
            "policy": policy.name,
            "verdict": case.verdict.reason if case.verdict else "",
            "problem": case.problem,
        }
        for policy in policies
        for case in check_policy(policy, checked.targets, crowd, _now())
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
    if given.request:
        return _show_explained(given, api().get(f"requests/{given.request}/explain"))
    if not (given.by and given.target and given.role and given.duration):
        raise Invalid("who would ask for what?", hint="--by EMAIL --target T --role R --for 30m, or --request ID")
    from daypass.app.checking import offline_crowd
    from daypass.domain.explaining import explain, person_named
    from daypass.domain.policy import Question
    from daypass.services.asking import scope_at

    checked, policies = _policies(given)
    crowd = offline_crowd(checked.settings)
    by = person_named(crowd.people, given.by)
    if by is None:
        raise NotFound(f"there is nobody with the address {given.by}", hint="identity.people in the settings")
    target = _target(checked, given.target, given.role)
    now = given.at or _now()
    question = Question(
        by,
        target,
        given.role,
        given.duration,
        now,
        given.reason,
        given.ticket,
        on_behalf_of=by.agent_of or None,
        scope=scope_at(target, given.scope) if given.scope else (),
    )
    found = explain(policies, question, crowd, glass=given.break_glass)
    verdict = found.verdict
    return _show_explained(
        given,
        {
            "id": verdict.policy.name if verdict.policy else "",
            "state": found.state,
            "rule": verdict.rule.name if verdict.rule else "",
            "reason": getattr(verdict, "reason", ""),
            "sentence": found.sentence,
            "trace": [asdict(one) for one in found.looked],
            # Offline an id is an address.
            "asked": [[{"email": email} for email in stage] for stage in found.asked],
        },
    )


def _show_explained(given: argparse.Namespace, told: Json) -> int:
    if given.json:
        as_json(told)
        return EXIT_DONE
    print(clean(told["sentence"]))
    for one in told["trace"]:
        kind = "denial" if one["denial"] else "rule"
        print(f"  {kind} {clean(one['name'])!r} (line {one['line']}): {clean(one['why_not']) or fits(one)}")
        for part in one["parts"]:
            print(f"    {clean(part['source'])}: {clean(part['answer'])}")
    for n, stage in enumerate(told["asked"], 1):
        print(
            f"  asked{f' (stage {n})' if len(told['asked']) > 1 else ''}: {', '.join(clean(p['email']) for p in stage)}"
        )
    return EXIT_DONE


def fits(looked: Json) -> str:
    """What is said of a rule that nothing speaks against: that it fits, or that its condition has no answer."""
    answered = all(part["answer"] == YES for part in looked["parts"])
    return "it fits" if answered else "its condition cannot be answered, which refuses"


def _target(checked: Checked, name: str, role: str) -> Target:
    target = checked.targets.get(name)
    if target is None or role not in target.roles:
        raise NotFound(f"there is no {name}:{role}", hint=f"targets: {', '.join(checked.targets) or '-'}")
    return target


def _who_can(given: argparse.Namespace) -> int:
    from daypass.app.checking import check_settings, offline_crowd
    from daypass.domain.explaining import who_can

    checked = check_settings(settings_of(given), _now())
    target = _target(checked, given.target, given.role)
    crowd = offline_crowd(checked.settings)
    found = who_can(checked.policies.policies, target, given.role, crowd, given.at or _now())
    if given.json:
        as_json([{"id": one.person, "state": "CAN", "rule": one.rule, "how": one.how, "if": one.if_} for one in found])
        return EXIT_DONE
    rows = ((one.person, one.how, one.if_, one.rule) for one in found)
    table(("who", "how", "if", "rule"), rows, f"Nobody can have {given.target}:{given.role} then.")
    return EXIT_DONE


def _simulate(given: argparse.Namespace) -> int:
    from daypass.app.checking import check_settings
    from daypass.app.simulating import simulate

    checked = check_settings(settings_of(given), _now())
    found = simulate(checked, Path(given.file), given.days, _now(), _bar)
    if given.json:
        differing = [
            {"id": one.recorded.id, "state": "DIFFERS", "was": one.was, "now": one.now, "why": one.why}
            for one in found.differing
        ]
        as_json({"id": given.file, "state": "SIMULATED", "requests": found.requests, "differing": differing})
        return EXIT_DONE
    rows = (
        (
            short(one.recorded.id),
            when(one.recorded.t),
            f"{one.recorded.target}:{one.recorded.role}",
            one.was,
            one.now,
            one.why,
        )
        for one in found.differing
    )
    print(f"{len(found.differing)} of {found.requests} requests of {given.days} days would be decided otherwise.")
    if found.differing:
        table(("request", "asked", "what", "was", "would be", "because"), rows, "")
    return EXIT_DONE


def _bar(done: int, whole: int) -> None:
    if sys.stderr.isatty():
        filled = BAR_WIDTH * done // max(1, whole)
        end = "\n" if done == whole else ""
        print(f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done} of {whole}", end=end, file=sys.stderr, flush=True)


VERBS = {"policy": Verb(_arguments, _policy, more="Example: daypass policy test policies/orders.yaml")}
