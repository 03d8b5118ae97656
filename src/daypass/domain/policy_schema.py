"""The form of a policy file as a JSON Schema (2020-12), so that editors complete and check it while it is written.

It says what `policy_file.py` reads, key by key; what only a whole file can tell (names that are not there, cases that
fail) stays with `daypass policy test`. docs/policy.schema.json is this, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daypass.domain import policy_file as form
from daypass.domain.hours import DAYS
from daypass.domain.matching import PLACES_MAX

ID = "https://daypass.dev/schemas/policy.schema.json"
Schema = dict[str, Any]

_DURATION: Schema = {"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "minLength": 2}
_TEXT: Schema = {"type": "string", "minLength": 1}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 100}
_WORDS: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"},
}
_PEOPLE: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "pattern": r"^(group:[A-Za-z0-9][A-Za-z0-9._-]*|[^\s@:/]+@[A-Za-z0-9.-]+)$"},
}
_FACTS: Schema = {"type": "object"}


def _of(keys: Sequence[str], needed: Sequence[str], /, **values: Schema) -> Schema:
    """A mapping with exactly these keys. A key without a value here, or the other way round, is a mistake of ours."""
    if set(keys) != {name.rstrip("_") for name in values}:
        raise ValueError(f"the schema and the form disagree about {set(keys) ^ {n.rstrip('_') for n in values}}")
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name.rstrip("_"): value for name, value in values.items()},
        **({"required": list(needed)} if needed else {}),
    }


def _told(schema: Mapping[str, Any], description: str) -> Schema:
    return {**schema, "description": description}


def _hours() -> Schema:
    clock: Schema = {"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$"}
    days: Schema = {"type": "array", "minItems": 1, "items": {"enum": list(DAYS)}}
    return _of(form.HOURS_KEYS, ("from", "to"), from_=clock, to=clock, days=days, zone=_told(_TEXT, "An IANA name."))


def _decide() -> Schema:
    stage = _of(
        form.STAGE_KEYS, form.STAGE_KEYS, need={"type": "integer", "minimum": 1, "maximum": PLACES_MAX}, of=_PEOPLE
    )
    people = _of(
        form.DECIDE_KEYS,
        ("stages",),
        undecided_after=_told(_DURATION, "A request that nobody decided on expires then (24h)."),
        stages={"type": "array", "minItems": 1, "items": stage, "description": "All of them, by distinct people."},
        deny={"type": "integer", "minimum": 1, "maximum": PLACES_MAX, "description": "So many denials deny (1)."},
        escalate=_of(form.ESCALATE_KEYS, form.ESCALATE_KEYS, after=_DURATION, to=_PEOPLE),
        hours=_told(_hours(), "When those who decide are there: waiting counts only then."),
        signed={"type": "boolean", "description": "Votes have to be signed with an enrolled key, or a passkey."},
        step_up={"enum": list(form.STEP_UPS), "description": "Votes have to be signed with a passkey."},
    )
    return {"oneOf": [{"const": "automatic"}, people]}


def _rule() -> Schema:
    sign_off = _of(
        form.SIGN_OFF_KEYS,
        form.DUTY_KEYS,
        by=_PEOPLE,
        within=_DURATION,
        escalate=_PEOPLE,
        sample={"type": "string", "pattern": "^[0-9]{1,3}%$"},
        of={"enum": list(form.SIGN_OFF_OF)},
    )
    ratify = _of(
        form.RATIFY_KEYS,
        form.DUTY_KEYS,
        by=_PEOPLE,
        within=_DURATION,
        escalate=_PEOPLE,
        otherwise={"enum": list(form.OTHERWISE)},
    )
    glass = _of(form.BREAK_GLASS_KEYS, form.BREAK_GLASS_KEYS, longest=_DURATION, tell=_PEOPLE)
    rule = _of(
        form.RULE_KEYS,
        ("name", "who", "roles"),
        name=_NAME,
        who=_told(_PEOPLE, "Who may ask."),
        roles=_told(_WORDS, "For which roles of the targets."),
        when=_told(_TEXT, "A condition in CEL over request, requester, target, now, ticket, history, on_call."),
        hours=_told(_hours(), "When the rule holds."),
        decide=_decide(),
        break_glass=glass,
        tell=_told(_PEOPLE, "Who is told of what is asked under it."),
        owes=_of(form.OWES_KEYS, (), sign_off=sign_off, ratify=ratify),
        ends_with_ticket={"type": "boolean", "description": "A closed ticket ends what the rule gave."},
    )
    return {**rule, "oneOf": [{"required": ["decide"]}, {"required": ["break_glass"]}]}


def _case() -> Schema:
    needs = _of(form.NEEDS_KEYS, ("needs",), needs={"type": "integer", "minimum": 1}, never=_TEXT)
    return _of(
        form.EXPECT_KEYS,
        ("by", "target", "role", "for", "then"),
        by=_TEXT,
        target=_TEXT,
        role=_TEXT,
        scope=_told({"type": "array", "items": _TEXT}, "What it is limited to in the target, in its one spelling."),
        for_=_DURATION,
        ticket=_TEXT,
        reason=_TEXT,
        at=_told(_TEXT, "An instant with its zone, like 2026-11-23T14:05:00Z."),
        ticket_facts=_FACTS,
        history=_FACTS,
        on_call={"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
        then={"oneOf": [{"enum": list(form.THEN)}, needs]},
    )


def _limits() -> Schema:
    extend = _of(
        form.EXTEND_KEYS,
        ("times", "by"),
        times={"type": "integer", "minimum": 1, "maximum": form.EXTEND_TIMES_MAX},
        by=_DURATION,
        decide={"enum": list(form.EXTEND_DECIDE)},
    )
    lengths = {"longest": _DURATION, "activate_within": _DURATION, "idle": _DURATION, "project": _DURATION}
    return _of(form.LIMITS_KEYS, (), extend=extend, **lengths)


def schema() -> Schema:
    """The schema of a policy file."""
    denial = _of(
        form.DENIAL_KEYS, ("name",), name=_NAME, who=_PEOPLE, roles=_WORDS, when=_TEXT, hours=_hours(), because=_TEXT
    )
    covers = _of(
        form.COVERS_KEYS,
        (),
        targets=_WORDS,
        labels={"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "number"]}},
    )
    whole = _of(
        form.POLICY_KEYS,
        ("policy", "covers", "rules"),
        policy=_NAME,
        covers={**covers, "minProperties": 1},
        limits=_told(_limits(), "Ceilings over every rule."),
        deny={"type": "array", "minItems": 1, "items": denial, "description": "Never given, whatever a rule says."},
        rules={"type": "array", "minItems": 1, "maxItems": form.RULES_MAX, "items": _rule()},
        expect={"type": "array", "maxItems": form.EXPECT_MAX, "items": _case()},
    )
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, "title": "A Daypass policy"}
    return {**head, **whole}
