"""What a token is good for: `api`, `mcp`, `connect:TARGET`, `connect:*`. One without scopes is good for all of it.

`scim` stands apart: whoever has it says who there is and in which groups. No token has it that does not name it, and
only the operator makes one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daypass.domain.errors import Invalid

API = "api"
MCP = "mcp"
SCIM = "scim"
CONNECT = "connect:"
ANY_TARGET = f"{CONNECT}*"

SCOPES_MAX = 50
"""A token for more targets than this is for `connect:*`."""


def check_scopes(scopes: Iterable[str], targets: Iterable[str]) -> tuple[str, ...]:
    """The scopes, each once, in order. Raise `Invalid` for one that there is not."""
    known = {API, MCP, SCIM, ANY_TARGET, *(CONNECT + name for name in targets)}
    found = tuple(sorted(set(scopes)))
    if len(found) > SCOPES_MAX:
        raise Invalid(f"a token has at most {SCOPES_MAX} scopes", hint=ANY_TARGET)
    for scope in found:
        if scope not in known:
            raise Invalid(f"there is no scope {scope}", hint=f"{API}, {MCP}, {CONNECT}TARGET, {ANY_TARGET}")
    return found


def covers(held: Sequence[str], scope: str) -> bool:
    """Whether a token with the scopes `held` is good for this one."""
    if scope == SCIM:
        return SCIM in held
    return not held or scope in held or (scope.startswith(CONNECT) and ANY_TARGET in held)


def within(held: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a token with the scopes `wanted` could do no more than one with `held`."""
    if not held:
        return SCIM not in wanted
    return bool(wanted) and all(covers(held, scope) for scope in wanted)
