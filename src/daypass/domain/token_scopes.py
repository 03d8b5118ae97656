"""What a token is good for: `api`, `mcp`, `connect:TARGET`, `connect:*`. One without scopes is good for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daypass.domain.errors import Invalid

API = "api"
MCP = "mcp"
CONNECT = "connect:"
ANY_TARGET = f"{CONNECT}*"

SCOPES_MAX = 50
"""A token for more targets than this is for `connect:*`."""


def check_scopes(scopes: Iterable[str], targets: Iterable[str]) -> tuple[str, ...]:
    """The scopes, each once, in order. Raise `Invalid` for one that there is not."""
    known = {API, MCP, ANY_TARGET, *(CONNECT + name for name in targets)}
    found = tuple(sorted(set(scopes)))
    if len(found) > SCOPES_MAX:
        raise Invalid(f"a token has at most {SCOPES_MAX} scopes", hint=ANY_TARGET)
    for scope in found:
        if scope not in known:
            raise Invalid(f"there is no scope {scope}", hint=f"{API}, {MCP}, {CONNECT}TARGET, {ANY_TARGET}")
    return found


def covers(held: Sequence[str], scope: str) -> bool:
    """Whether a token with the scopes `held` is good for this one."""
    return not held or scope in held or (scope.startswith(CONNECT) and ANY_TARGET in held)


def within(held: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a token with the scopes `wanted` could do no more than one with `held`."""
    return not held or (bool(wanted) and all(covers(held, scope) for scope in wanted))
