"""The form of a policy file: from its YAML to a `Policy`, with a complaint that names file, line and path.

It reads text that others have read from disk, and judges one file by itself; `policy_set.py` judges files together.
Every key has to be known here: what a file says and this version does not do would be a promise broken silently.
"""

from __future__ import annotations

import hashlib
import re

from daypass.domain.conditions import Condition, compile_condition
from daypass.domain.documents import Node, load
from daypass.domain.durations import DAY_MS, instant_ms
from daypass.domain.errors import Invalid
from daypass.domain.matching import PLACES_MAX
from daypass.domain.policy import (
    ACTIVATE_WITHIN_MS,
    UNDECIDED_AFTER_MS,
    BreakGlass,
    Covers,
    Decide,
    Duty,
    Expectation,
    ExtendLimit,
    Limits,
    Needs,
    Owes,
    Policy,
    Rule,
    StageRule,
)

POLICY_KEYS = ("policy", "covers", "limits", "rules", "expect")
COVERS_KEYS = ("targets", "labels")
LIMITS_KEYS = ("longest", "activate_within", "extend", "idle")
EXTEND_KEYS = ("times", "by", "decide")
RULE_KEYS = ("name", "who", "roles", "when", "decide", "break_glass", "owes")
DECIDE_KEYS = ("undecided_after", "stages")
STAGE_KEYS = ("need", "of")
BREAK_GLASS_KEYS = ("longest", "tell")
OWES_KEYS = ("sign_off", "ratify")
DUTY_KEYS = ("by", "within")
RATIFY_KEYS = (*DUTY_KEYS, "otherwise")
EXPECT_KEYS = ("by", "target", "role", "for", "ticket", "reason", "at", "then")
NEEDS_KEYS = ("needs", "never")

RULES_MAX = 10_000
"""More rules than this in one file were not written by people, and each is looked at for every decision."""
EXPECT_MAX = 10_000
"""Each is decided when the file is loaded."""
EXTEND_TIMES_MAX = 100
"""Access that is extended more often is not temporary."""
UNDECIDED_AFTER_MAX_MS = 90 * DAY_MS
"""Nobody decides on what was asked a quarter of a year ago."""

EXTEND_DECIDE = ("automatic", "as rule")
"""How an extension is decided: by itself, or as the rule of its grant says."""

OTHERWISE = ("block_break_glass",)

_NAME = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x1f]{0,98}[^\s\x00-\x1f])?")
_NAMED = re.compile(r"group:[A-Za-z0-9][A-Za-z0-9._-]{0,62}|[^\s@:/\x00-\x20]{1,64}@[A-Za-z0-9.-]{1,190}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PEOPLE = "group:NAME or an address"


def read_policy(text: str, file: str) -> Policy:
    """Read one policy file. `file` is how complaints name it. Raise `ConfigError` for the first thing that is wrong."""
    root = load(text, file)
    keys = root.mapping(POLICY_KEYS, needs=("policy", "covers", "rules"))
    rules = keys["rules"].sequence()
    expect = keys["expect"].sequence() if "expect" in keys else ()
    if not 0 < len(rules) <= RULES_MAX:
        raise keys["rules"].wrong(f"must hold from 1 to {RULES_MAX} rules, not {len(rules)}")
    if len(expect) > EXPECT_MAX:
        raise keys["expect"].wrong(f"must hold at most {EXPECT_MAX} cases, not {len(expect)}")
    policy = Policy(
        name=keys["policy"].text(_NAME, "a name of at most 100 characters"),
        digest=hashlib.sha256(text.encode()).hexdigest(),
        file=file,
        covers=_covers(keys["covers"]),
        limits=_limits(keys["limits"]) if "limits" in keys else Limits(),
        rules=tuple(_rule(node) for node in rules),
        expect=tuple(_expectation(node) for node in expect),
    )
    _refuse_same_names(rules, policy)
    return policy


def _refuse_same_names(nodes: tuple[Node, ...], policy: Policy) -> None:
    seen: set[str] = set()
    for node, rule in zip(nodes, policy.rules, strict=True):
        if rule.name in seen:
            raise node.mapping()["name"].wrong(f"must be another name than that of a rule above, not {rule.name!r}")
        seen.add(rule.name)


def _covers(node: Node) -> Covers:
    keys = node.mapping(COVERS_KEYS)
    if not keys:
        raise node.wrong("must name targets or labels")
    targets = _words(keys["targets"], "target names") if "targets" in keys else ()
    labels = {key: value.text() for key, value in keys["labels"].mapping().items()} if "labels" in keys else {}
    if "labels" in keys and not labels:
        raise keys["labels"].wrong("must hold at least one label, like env: prod")
    return Covers(targets, labels)


def _limits(node: Node) -> Limits:
    keys = node.mapping(LIMITS_KEYS)
    extend = None
    if "extend" in keys:
        parts = keys["extend"].mapping(EXTEND_KEYS, needs=("times", "by"))
        automatic = "decide" in parts and parts["decide"].one_of(EXTEND_DECIDE) == "automatic"
        extend = ExtendLimit(parts["times"].integer(1, EXTEND_TIMES_MAX), parts["by"].duration_ms(), automatic)
    return Limits(
        longest_ms=keys["longest"].duration_ms() if "longest" in keys else None,
        activate_within_ms=keys["activate_within"].duration_ms() if "activate_within" in keys else ACTIVATE_WITHIN_MS,
        extend=extend,
        idle_ms=keys["idle"].duration_ms() if "idle" in keys else None,
    )


def _rule(node: Node) -> Rule:
    keys = node.mapping(RULE_KEYS, needs=("name", "who", "roles"))
    if ("decide" in keys) == ("break_glass" in keys):
        raise node.wrong("must say decide or break_glass, and only one of them")
    glass = _break_glass(keys["break_glass"]) if "break_glass" in keys else None
    owes = _owes(keys["owes"]) if "owes" in keys else Owes()
    if owes.ratify is not None and glass is None:
        raise keys["owes"].wrong("ratify belongs to a rule with break_glass; what people decided needs no ratifying")
    return Rule(
        name=keys["name"].text(_NAME, "a name of at most 100 characters"),
        who=_people(keys["who"]),
        roles=_words(keys["roles"], "role names"),
        when=_condition(keys["when"]) if "when" in keys else None,
        decide=_decide(keys["decide"]) if "decide" in keys else None,
        break_glass=glass,
        owes=owes,
    )


def _condition(node: Node) -> Condition:
    try:
        return compile_condition(node.text())
    except Invalid as problem:
        raise node.wrong(problem.message) from None


def _decide(node: Node) -> Decide:
    if not node.is_mapping():
        node.one_of(("automatic",))
        return Decide()
    keys = node.mapping(DECIDE_KEYS, needs=("stages",))
    stages = tuple(_stage(stage) for stage in keys["stages"].sequence())
    if not stages:
        raise keys["stages"].wrong("must hold at least one stage, like { need: 1, of: [group:leads] }")
    if sum(stage.need for stage in stages) > PLACES_MAX:
        raise keys["stages"].wrong(f"must need at most {PLACES_MAX} people in all")
    after = UNDECIDED_AFTER_MS
    if "undecided_after" in keys:
        after = keys["undecided_after"].duration_ms()
        if after > UNDECIDED_AFTER_MAX_MS:
            raise keys["undecided_after"].wrong("must be at most 90d")
    return Decide(stages, after)


def _stage(node: Node) -> StageRule:
    keys = node.mapping(STAGE_KEYS, needs=STAGE_KEYS)
    return StageRule(keys["need"].integer(1, PLACES_MAX), _people(keys["of"]))


def _break_glass(node: Node) -> BreakGlass:
    keys = node.mapping(BREAK_GLASS_KEYS, needs=BREAK_GLASS_KEYS)
    return BreakGlass(keys["longest"].duration_ms(), _people(keys["tell"]))


def _owes(node: Node) -> Owes:
    keys = node.mapping(OWES_KEYS)
    return Owes(
        sign_off=_duty(keys["sign_off"], DUTY_KEYS) if "sign_off" in keys else None,
        ratify=_duty(keys["ratify"], RATIFY_KEYS) if "ratify" in keys else None,
    )


def _duty(node: Node, known: tuple[str, ...]) -> Duty:
    keys = node.mapping(known, needs=DUTY_KEYS)
    otherwise = keys["otherwise"].one_of(OTHERWISE) if "otherwise" in keys else ""
    return Duty(_people(keys["by"]), keys["within"].duration_ms(), otherwise)


def _expectation(node: Node) -> Expectation:
    keys = node.mapping(EXPECT_KEYS, needs=("by", "target", "role", "for", "then"))
    then: str | Needs
    if keys["then"].is_mapping():
        parts = keys["then"].mapping(NEEDS_KEYS, needs=("needs",))
        never = parts["never"].text().lower() if "never" in parts else None
        then = Needs(parts["needs"].integer(1, PLACES_MAX), never)
    else:
        then = keys["then"].one_of(("automatic", "refused"))
    return Expectation(
        place=f"{node.file}:{node.line}: {node.path}",
        by=keys["by"].text().lower(),
        target=keys["target"].text(),
        role=keys["role"].text(),
        for_ms=keys["for"].duration_ms(),
        then=then,
        ticket=keys["ticket"].text() if "ticket" in keys else "",
        reason=keys["reason"].text() if "reason" in keys else "",
        at=keys["at"].read(instant_ms) if "at" in keys else None,
    )


def _people(node: Node) -> tuple[str, ...]:
    names = tuple(_lowered(item.text(_NAMED, _PEOPLE)) for item in node.sequence())
    if not names:
        raise node.wrong(f"must name somebody ({_PEOPLE}); an empty list would be nobody")
    return tuple(dict.fromkeys(names))


def _lowered(name: str) -> str:
    return name if name.startswith("group:") else name.lower()


def _words(node: Node, what: str) -> tuple[str, ...]:
    words = tuple(item.text(_WORD, what) for item in node.sequence())
    if not words:
        raise node.wrong(f"must hold {what}")
    return tuple(dict.fromkeys(words))
