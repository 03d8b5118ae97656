"""The form of a policy file: from its YAML to a `Policy`, with a complaint that names file, line and path.

It reads text that others have read from disk, and judges one file by itself; `policy_set.py` judges files together.
Every key has to be known here: what a file says and this version does not do would be a promise broken silently.
"""

from __future__ import annotations

import hashlib
import re

from daypass.domain.conditions import Condition, compile_condition
from daypass.domain.documents import Node, load
from daypass.domain.durations import DAY_MS, duration_text, instant_ms
from daypass.domain.errors import Invalid
from daypass.domain.hours import DAYS, Hours, minute_of_day, zone_name
from daypass.domain.matching import PLACES_MAX
from daypass.domain.people import ADDRESS
from daypass.domain.rules import (
    ACTIVATE_WITHIN_MS,
    SAMPLE_ALL,
    UNDECIDED_AFTER_MS,
    BreakGlass,
    Covers,
    Decide,
    Denial,
    Duty,
    Escalate,
    Expectation,
    ExtendLimit,
    Limits,
    Needs,
    Owes,
    Policy,
    Rule,
    StageRule,
)
from daypass.domain.scope import NAMES_MAX, WHOLE, Scope, scope_of

POLICY_KEYS = ("policy", "covers", "limits", "deny", "rules", "expect")
COVERS_KEYS = ("targets", "labels")
LIMITS_KEYS = ("longest", "activate_within", "extend", "idle", "project")
EXTEND_KEYS = ("times", "by", "decide")
DENIAL_KEYS = ("name", "who", "roles", "when", "hours", "because")
RULE_KEYS = ("name", "who", "roles", "when", "hours", "decide", "break_glass", "tell", "owes", "ends_with_ticket")
HOURS_KEYS = ("from", "to", "days", "zone")
DECIDE_KEYS = ("undecided_after", "stages", "deny", "escalate", "hours", "signed", "step_up")
STEP_UPS = ("passkey",)
STAGE_KEYS = ("need", "of")
ESCALATE_KEYS = ("after", "to")
BREAK_GLASS_KEYS = ("longest", "tell")
OWES_KEYS = ("sign_off", "ratify")
DUTY_KEYS = ("by", "within")
SIGN_OFF_KEYS = (*DUTY_KEYS, "escalate", "sample", "of")
RATIFY_KEYS = (*DUTY_KEYS, "escalate", "otherwise")
EXPECT_KEYS = (
    "by", "target", "role", "scope", "for", "ticket", "reason", "at", "ticket_facts", "history", "on_call", "then",
)  # fmt: skip
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
SIGN_OFF_OF = ("grant", "session")
THEN = ("automatic", "refused", "break_glass")

DENIALS_MAX = 1000
"""Each is looked at for every decision."""

_NAME = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x1f]{0,98}[^\s\x00-\x1f])?")
_NAMED = re.compile(rf"group:[A-Za-z0-9][A-Za-z0-9._-]{{0,62}}|{ADDRESS.pattern}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PEOPLE = "group:NAME or an address"
_PER_CENT = re.compile(r"[0-9]{1,3}%")


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
        denials=_denials(keys["deny"]) if "deny" in keys else (),
        lines={node.path: node.line for node in root.walk()},
    )
    _refuse_same_names(rules, policy)
    return policy


def _refuse_same_names(nodes: tuple[Node, ...], policy: Policy) -> None:
    seen: set[str] = set()
    for node, rule in zip(nodes, policy.rules, strict=True):
        if rule.name in seen:
            raise node.mapping()["name"].wrong(f"must be another name than that of a rule above, not {rule.name!r}")
        seen.add(rule.name)


def _denials(node: Node) -> tuple[Denial, ...]:
    items = node.sequence()
    if not 0 < len(items) <= DENIALS_MAX:
        raise node.wrong(f"must hold from 1 to {DENIALS_MAX} denials, not {len(items)}")
    return tuple(_denial(item) for item in items)


def _denial(node: Node) -> Denial:
    keys = node.mapping(DENIAL_KEYS, needs=("name",))
    return Denial(
        name=keys["name"].text(_NAME, "a name of at most 100 characters"),
        who=_people(keys["who"]) if "who" in keys else (),
        roles=_words(keys["roles"], "role names") if "roles" in keys else (),
        when=_condition(keys["when"]) if "when" in keys else None,
        hours=_hours(keys["hours"]) if "hours" in keys else None,
        because=keys["because"].text() if "because" in keys else "",
        line=node.line,
    )


def _hours(node: Node) -> Hours:
    keys = node.mapping(HOURS_KEYS, needs=("from", "to"))
    start, end = keys["from"].read(minute_of_day), keys["to"].read(minute_of_day)
    if start == end:
        raise keys["to"].wrong("must be another time than from; a whole day is from 00:00 to 24:00")
    days = list(range(len(DAYS)))
    if "days" in keys:
        days = [DAYS.index(day.one_of(DAYS)) for day in keys["days"].sequence()]
        if not days:
            raise keys["days"].wrong(f"must name days ({', '.join(DAYS)})")
    zone = keys["zone"].read(zone_name) if "zone" in keys else "UTC"
    return Hours(start, end, frozenset(days), zone)


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
        project_ms=keys["project"].duration_ms() if "project" in keys else None,
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
        hours=_hours(keys["hours"]) if "hours" in keys else None,
        tell=_people(keys["tell"]) if "tell" in keys else (),
        ends_with_ticket="ends_with_ticket" in keys and keys["ends_with_ticket"].flag(),
        line=node.line,
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
    return Decide(
        stages,
        after,
        deny=keys["deny"].integer(1, PLACES_MAX) if "deny" in keys else 1,
        escalate=_escalate(keys["escalate"], after) if "escalate" in keys else None,
        hours=_hours(keys["hours"]) if "hours" in keys else None,
        signed="signed" in keys and keys["signed"].flag(),
        step_up=keys["step_up"].one_of(STEP_UPS) if "step_up" in keys else "",
    )


def _escalate(node: Node, undecided_after_ms: int) -> Escalate:
    keys = node.mapping(ESCALATE_KEYS, needs=ESCALATE_KEYS)
    after = keys["after"].duration_ms()
    if after >= undecided_after_ms:
        raise keys["after"].wrong(f"must be less than undecided_after ({duration_text(undecided_after_ms)})")
    return Escalate(after, _people(keys["to"]))


def _stage(node: Node) -> StageRule:
    keys = node.mapping(STAGE_KEYS, needs=STAGE_KEYS)
    return StageRule(keys["need"].integer(1, PLACES_MAX), _people(keys["of"]))


def _break_glass(node: Node) -> BreakGlass:
    keys = node.mapping(BREAK_GLASS_KEYS, needs=BREAK_GLASS_KEYS)
    return BreakGlass(keys["longest"].duration_ms(), _people(keys["tell"]))


def _owes(node: Node) -> Owes:
    keys = node.mapping(OWES_KEYS)
    return Owes(
        sign_off=_duty(keys["sign_off"], SIGN_OFF_KEYS) if "sign_off" in keys else None,
        ratify=_duty(keys["ratify"], RATIFY_KEYS) if "ratify" in keys else None,
    )


def _duty(node: Node, known: tuple[str, ...]) -> Duty:
    keys = node.mapping(known, needs=DUTY_KEYS)
    return Duty(
        _people(keys["by"]),
        keys["within"].duration_ms(),
        keys["otherwise"].one_of(OTHERWISE) if "otherwise" in keys else "",
        _sample(keys["sample"]) if "sample" in keys else SAMPLE_ALL,
        keys["of"].one_of(SIGN_OFF_OF) if "of" in keys else SIGN_OFF_OF[0],
        _people(keys["escalate"]) if "escalate" in keys else (),
    )


def _sample(node: Node) -> int:
    text = node.text(_PER_CENT, "a share in per cent, like 10%")
    if not 1 <= int(text[:-1]) <= SAMPLE_ALL:
        raise node.wrong("must be from 1% to 100%")
    return int(text[:-1])


def _expectation(node: Node) -> Expectation:
    keys = node.mapping(EXPECT_KEYS, needs=("by", "target", "role", "for", "then"))
    then: str | Needs
    if keys["then"].is_mapping():
        parts = keys["then"].mapping(NEEDS_KEYS, needs=("needs",))
        never = parts["never"].text().lower() if "never" in parts else None
        then = Needs(parts["needs"].integer(1, PLACES_MAX), never)
    else:
        then = keys["then"].one_of(THEN)
    return Expectation(
        place=f"{node.file}:{node.line}: {node.path}",
        by=keys["by"].text().lower(),
        target=keys["target"].text(),
        role=keys["role"].text(),
        for_ms=keys["for"].duration_ms(),
        then=then,
        ticket=keys["ticket"].text() if "ticket" in keys else "",
        scope=_scope(keys["scope"]) if "scope" in keys else WHOLE,
        reason=keys["reason"].text() if "reason" in keys else "",
        at=keys["at"].read(instant_ms) if "at" in keys else None,
        ticket_facts=_facts(keys["ticket_facts"]) if "ticket_facts" in keys else None,
        history=_facts(keys["history"]) if "history" in keys else None,
        on_call={name: at.texts() for name, at in keys["on_call"].mapping().items()} if "on_call" in keys else None,
    )


def _facts(node: Node) -> dict[str, object]:
    """What a condition is to find, as plain values."""
    return {key: value.plain() for key, value in node.mapping().items()}


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


def _scope(node: Node) -> Scope:
    names = node.texts()
    if len(names) > NAMES_MAX:
        raise node.wrong(f"must be at most {NAMES_MAX} names")
    return scope_of(names)
