"""The names of a scope at PostgreSQL: `schema.table` for one table (view, sequence), `schema.*` for all of a schema.

A name is written as in SQL: what is not quoted is in lower case, and what needs quotes has them. Only that spelling is
stored, so that two names are the same exactly if their texts are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from daypass.domain.errors import Invalid
from daypass.domain.scope import NAME_CHARS_MAX, Scope, scope_of

IDENTIFIER_BYTES_MAX = 62
"""One less than PostgreSQL keeps: a longer one might be cut by the server and not by us, or the other way round."""

ALL = "*"
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_PART = re.compile(r'"((?:[^"\x00]|"")+)"|([A-Za-z_][A-Za-z0-9_$]*)|(\*)')
_HINT = "schema.table, or schema.* for all of a schema"


def read_scope(names: Sequence[str]) -> Scope:
    """The scope that somebody wrote. Raise `Invalid` for a name that is none."""
    return scope_of(_spelled(name) for name in names)


def written(schema: str, table: str) -> str:
    """The one spelling of a table's name."""
    return f"{_quoted(schema)}.{_quoted(table)}"


def schemas(scope: Scope) -> tuple[str, ...]:
    """The schemas that a scope names, in their order; unquoted."""
    return tuple(dict.fromkeys(_parts(name)[0] for name in scope))


def search_path(scope: Scope) -> str:
    """The search path under which a name without a schema can only mean something of these schemas."""
    return ", ".join(f'"{one.replace(chr(34), chr(34) * 2)}"' for one in schemas(scope))


def _spelled(name: str) -> str:
    if len(name) > NAME_CHARS_MAX:
        raise Invalid(f"a name of a scope has at most {NAME_CHARS_MAX} characters", hint=_HINT)
    schema, table = _parts(name.strip())
    if schema.startswith("pg_") or schema == "information_schema":
        raise Invalid(f"{name}: the catalogues are no scope; what describes tables can be read anyway", hint=_HINT)
    return f"{_quoted(schema)}.{ALL}" if table is None else written(schema, table)


def _parts(name: str) -> tuple[str, str | None]:
    """Schema and table, unquoted; a table of None is all of them."""
    first = _PART.match(name)
    second = _PART.fullmatch(name, first.end() + 1) if first is not None and name[first.end() :][:1] == "." else None
    if first is None or second is None or first[3]:
        raise Invalid(f"{name!r} is no name of a scope", hint=_HINT)
    schema, table = _plain(first), None if second[3] else _plain(second)
    if any(len(part.encode()) > IDENTIFIER_BYTES_MAX for part in (schema, table or "")):
        raise Invalid(f"{name!r}: an identifier has at most {IDENTIFIER_BYTES_MAX} bytes here", hint=_HINT)
    return schema, table


def _plain(part: re.Match[str]) -> str:
    return part[1].replace('""', '"') if part[1] else part[2].lower()


def _quoted(identifier: str) -> str:
    if _PLAIN.fullmatch(identifier):
        return identifier
    return '"' + identifier.replace('"', '""') + '"'
