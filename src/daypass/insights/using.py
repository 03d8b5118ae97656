"""Questions about grants: how much of the time and the role that were given was used, and what not at all."""

from __future__ import annotations

from collections.abc import Sequence

from daypass.domain.grant import Grant
from daypass.domain.session import Session
from daypass.insights.cases import Case
from daypass.insights.facts import Facts
from daypass.insights.period import Period

READ, NOTHING = "read", "nothing"
RANKS = ("read", "write", "ddl", "admin")
"""Effects from the least to the most. One that is not known counts as the most."""


def over_in(facts: Facts, period: Period) -> list[Grant]:
    """Grants made in the period that are over, so that nothing more will be used of them."""
    return [one for one in facts.grants if period.holds(one.created_at) and one.ended_at is not None]


def asked_and_used(facts: Facts, period: Period) -> list[Case]:
    cases = []
    for one in over_in(facts, period):
        asked, used = asked_ms(one), used_ms(one, facts.sessions.get(one.id, ()), facts.now)
        keys = {"target": (one.target,), "role": (f"{one.target}:{one.role}",), "policy": (one.policy,)}
        row = {**_row(facts, one), "asked_ms": asked, "used_ms": used}
        cases.append(Case(one.created_at, used, keys, row, asked))
    return cases


def asked_ms(grant: Grant) -> int:
    """How long it was to last, extensions included."""
    return grant.duration_ms + sum(extension.by_ms for extension in grant.extensions)


def used_ms(grant: Grant, sessions: Sequence[Session], now: int) -> int:
    """How long at least one session was open, at most as long as it lasted."""
    if grant.activated_at is None:
        return 0
    end = grant.ended_at if grant.ended_at is not None else now
    used, reached = 0, grant.activated_at
    for session in sorted(sessions, key=lambda one: one.opened_at):
        start = max(session.opened_at, reached)
        stop = min(session.ended_at if session.ended_at is not None else now, end)
        if stop > start:
            used, reached = used + stop - start, stop
    return min(used, asked_ms(grant))


def wider_than_used(facts: Facts, period: Period) -> list[Case]:
    cases = []
    for one in over_in(facts, period):
        given, done = _given(facts, one), _done(facts, one)
        if given == READ or done == NOTHING:
            continue
        is_so = done == READ
        keys = {"target": (one.target,), "role": (f"{one.target}:{one.role}",), "person": (facts.name(one.person),)}
        row = {**_row(facts, one), "given": given, "done": done} if is_so else None
        cases.append(Case(one.created_at, int(is_so), keys, row))
    return cases


def _given(facts: Facts, grant: Grant) -> str:
    """The effect that the role has, as the settings say now; one that is gone may have had any."""
    target = facts.targets.get(grant.target)
    role = target.roles.get(grant.role) if target else None
    return str(role.effect.value) if role else RANKS[-1]


def _done(facts: Facts, grant: Grant) -> str:
    """The strongest effect of what was submitted under the grant."""
    seen = {effect for one in facts.sessions.get(grant.id, ()) for effect in facts.effects.get(one.id, {})}
    if not seen:
        return NOTHING
    return max(seen, key=lambda effect: RANKS.index(effect) if effect in RANKS else len(RANKS))


def unused_grants(facts: Facts, period: Period) -> list[Case]:
    cases = []
    for one in over_in(facts, period):
        unused = not facts.sessions.get(one.id)
        keys = {"target": (one.target,), "role": (f"{one.target}:{one.role}",), "person": (facts.name(one.person),)}
        cases.append(Case(one.created_at, int(unused), keys, _row(facts, one) if unused else None))
    return cases


def _row(facts: Facts, one: Grant) -> dict[str, str | int | None]:
    return {
        "grant": one.id,
        "request": one.request,
        "at": one.created_at,
        "person": facts.name(one.person),
        "target": one.target,
        "role": one.role,
        "ended_because": one.end_reason or one.state.value.lower(),
    }
