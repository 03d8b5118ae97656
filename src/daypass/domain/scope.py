"""A scope: what an access is limited to inside its target. No scope at all is everything that the role can do.

It is a list of names, each of one thing (`public.orders`) or of all that begins so (`billing.*`); the target's protocol
says which names it knows and in which one spelling they stand here (`Protocol.scope`). So what lies within what can be
told without knowing any protocol: approvers make a scope smaller, and nobody makes one larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from daypass.domain.errors import Invalid

Scope = tuple[str, ...]
"""Names in their one spelling, sorted, each once; empty: no limit."""

WHOLE: Scope = ()

NAMES_MAX = 50
"""Names of one scope: what a decider reads, and what each statement is held against."""

NAME_CHARS_MAX = 200
"""The longest name: two of PostgreSQL's, quoted."""

_REST = "*"


def scope_of(names: Iterable[str]) -> Scope:
    """The scope of these names, which are in their one spelling. What lies within another is left out."""
    found = sorted(set(names))
    if len(found) > NAMES_MAX:
        raise Invalid(f"a scope has at most {NAMES_MAX} names, this one has {len(found)}")
    return tuple(one for one in found if not any(one != other and _holds(other, one) for other in found))


def within(narrow: Scope, wide: Scope) -> bool:
    """Whether everything of `narrow` lies within `wide`."""
    if not wide:
        return True
    return bool(narrow) and all(any(_holds(one, name) for one in wide) for name in narrow)


def common(scopes: Sequence[Scope]) -> Scope | None:
    """What lies within all of them. None: nothing does."""
    limits = [one for one in scopes if one]
    if not limits:
        return WHOLE
    met = reduce(_met, limits)
    return scope_of(met) if met else None


def spoken_scope(scope: Scope) -> str:
    """`limited to billing.*, public.orders`; empty where there is no limit."""
    return f"limited to {', '.join(scope)}" if scope else ""


def _met(one: Scope, other: Scope) -> Scope:
    inner = [name for name in one if any(_holds(each, name) for each in other)]
    return tuple([*inner, *(name for name in other if any(_holds(each, name) for each in one))])


def _holds(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    return wide.endswith(f".{_REST}") and narrow.startswith(wide[: -len(_REST)])
