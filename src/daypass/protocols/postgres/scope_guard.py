"""What a session whose access is limited to a scope may send: only statements that we can tell stay within it.

Everything is refused that is not known to be harmless: a text that does not parse, a kind of statement that is not
listed, a function that is not PostgreSQL's own and listed, a table whose name is not surely within the scope. Names
without a schema are safe to judge only as the session's search path holds the scope's schemas and cannot be changed
(`settings` makes it so at sign-in; the settings that a client may change are listed too).

What the owner of a table has attached to it (a view's query, triggers, rules, cascades, partitions, operators) still
does what its owner made it do: access to a thing is access to what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import postgast

from daypass.domain.scope import Scope, spoken_scope, within
from daypass.protocols.postgres import errors
from daypass.protocols.postgres.catalogues import CATALOGUES, DESCRIBING, SCHEMA_DESCRIPTION
from daypass.protocols.postgres.errors import Rejected
from daypass.protocols.postgres.parsing import Node, Unparsed, parse
from daypass.protocols.postgres.scope import IDENTIFIER_BYTES_MAX, schemas, search_path, written
from daypass.protocols.postgres.traits import PARSED_BYTES_MAX

CACHED_MAX: Final = 512
"""Texts of one session whose answer is kept."""
CACHED_TEXT_BYTES_MAX: Final = 4096

CATALOGUE: Final = "pg_catalog"

_STATEMENTS: Final = frozenset({
    "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "LockStmt", "CopyStmt",
    "ExplainStmt", "TransactionStmt", "VariableSetStmt", "VariableShowStmt", "PrepareStmt", "ExecuteStmt",
    "DeallocateStmt", "DeclareCursorStmt", "FetchStmt", "ClosePortalStmt", "DiscardStmt", "ConstraintsSetStmt",
})  # fmt: skip
_CHANGES: Final = frozenset({
    "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "LockStmt", "CopyStmt",
})  # fmt: skip
_SETTABLE: Final = frozenset({
    "application_name", "bytea_output", "datestyle", "default_transaction_isolation", "default_transaction_read_only",
    "extra_float_digits", "idle_in_transaction_session_timeout", "intervalstyle", "lock_timeout", "statement_timeout",
    "timezone", "transaction_isolation", "transaction_read_only", "work_mem",
})  # fmt: skip
"""Settings that a client may change: none of them says what a name or a text means, or whose rights count."""
_SAME_ANYWAY: Final = {"client_encoding": ("utf8", "utf-8", "unicode", "auto"), "standard_conforming_strings": ("on",)}
"""Settings that a client may only name as they are."""
_OPERATORS: Final = ("name", "oper_name", "use_op")
_UTF8: Final = "UTF8"


def settings(scope: Scope, asked: Mapping[str, str]) -> dict[str, str]:
    """What a limited session is signed in with, of what its client asked for. Raises `Rejected` for a setting that
    could have a text mean something else than we read in it."""
    for name, value in asked.items():
        same = _SAME_ANYWAY.get(name.lower())
        if name.lower() in _SETTABLE or (same is not None and value.strip("'\" ").lower() in same) or not value:
            continue
        raise Rejected(
            errors.INSUFFICIENT_PRIVILEGE,
            f"this access is {spoken_scope(scope)}: a client cannot set {name} there",
            hint="Connect without it.",
        )
    kept = {name: value for name, value in asked.items() if name.lower() in _SETTABLE}
    return kept | {"search_path": search_path(scope), "client_encoding": _UTF8, "standard_conforming_strings": "on"}


def check_welcome(scope: Scope, parameters: Mapping[str, str]) -> None:
    """Raise `Rejected` if the target does not read a text as we do."""
    for name, wanted in (("server_encoding", _UTF8), ("client_encoding", _UTF8), ("standard_conforming_strings", "on")):
        if parameters.get(name) != wanted:
            found = parameters.get(name, "not told")
            text = f"this access is {spoken_scope(scope)}, which needs {name} {wanted} at the target; it is {found}"
            raise Rejected(errors.FEATURE_NOT_SUPPORTED, text)


class _Outside(Exception):
    """Why a statement is refused."""


class ScopeGuard:
    """Judges the texts of one session."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._path = schemas(scope)
        self._known: dict[bytes, str] = {}

    def refusal(self, text: bytes, odd: bool = False) -> str:
        """Why this text is not sent; empty: it is. `odd`: the target reads strings in another way than we."""
        if odd:
            return self._said("the target reads strings in an unusual way now")
        known = self._known.get(text)
        if known is not None:
            return known
        found = self._judged(text)
        if len(text) <= CACHED_TEXT_BYTES_MAX:
            if len(self._known) >= CACHED_MAX:
                self._known.clear()
            self._known[text] = found
        return found

    def call(self) -> str:
        """Why a function call message is not sent."""
        return self._said("a function that is called by its number cannot be told apart")

    def _said(self, why: str) -> str:
        return f"this access is {spoken_scope(self._scope)}: {why}"

    def _judged(self, text: bytes) -> str:
        if len(text) > PARSED_BYTES_MAX or b"\0" in text:
            return self._said(f"a statement of more than {PARSED_BYTES_MAX} bytes, or with a zero byte, is not read")
        try:
            tree = parse(text.decode("utf-8"))
            for raw in tree.stmts:
                self._look(raw.stmt, frozenset())
        except _Outside as outside:
            return self._said(str(outside))
        except (Unparsed, UnicodeDecodeError, RecursionError):
            return self._said("the statement cannot be read")
        return ""

    # -- the tree ---------------------------------------------------------------------------------------------------

    def _look(self, node: Node, own: frozenset[str], changed: bool = False) -> None:
        """Look at a node and all below it. `own` are the names of WITH that are seen here; `changed`: it is a table
        that is written to, which no name of WITH can be."""
        kind = type(node).__name__
        if kind == "RangeVar":
            self._relation(node, frozenset() if changed else own, changed)
        elif kind == "FuncCall":
            _function(node)
        elif kind == "IntoClause":
            raise _Outside("SELECT INTO makes a table")
        elif kind == "LockingClause":
            return  # its names are those of the FROM
        elif kind.endswith("Stmt") and kind != "RawStmt":
            self._statement(kind, node)
        for field in _OPERATORS:
            _operator(node, field)
        seen = own
        for field, value in _parts(node):
            if field == "with_clause":
                seen = self._with(value, own)
        for field, value in _parts(node):
            if field == "with_clause":
                continue
            self._look(value, seen, field in ("relation", "relations") and kind in _CHANGES)

    def _with(self, clause: Node, own: frozenset[str]) -> frozenset[str]:
        """Look at a WITH. Returns the names that are seen behind it."""
        tables = [postgast.unwrap_node(one) for one in clause.ctes]
        seen = own | {one.ctename for one in tables} if clause.recursive else own
        for table in tables:
            self._look(table, seen)
            seen |= {table.ctename}
        return seen

    def _relation(self, node: Node, own: frozenset[str], changed: bool) -> None:
        schema, name = node.schemaname, node.relname
        if node.catalogname or any(len(one.encode()) > IDENTIFIER_BYTES_MAX for one in (schema, name)):
            raise _Outside("a table's name cannot be read")
        if not schema and name in own:
            return
        if not schema and name.startswith("pg_"):
            schema = CATALOGUE  # it is searched first
        if schema in (CATALOGUE, SCHEMA_DESCRIPTION):
            # To write to some of them is to change a setting (pg_settings).
            if changed or name not in CATALOGUES[schema]:
                raise _Outside(f"{schema}.{name} is not within it")
            return
        outside = [one for one in ((schema,) if schema else self._path) if not self._holds(one, name)]
        if schema and outside:
            raise _Outside(f"{written(schema, name)} is not within it")
        if outside:
            raise _Outside(f"{name} may be {written(outside[0], name)}, which is not within it; name its schema")

    def _holds(self, schema: str, name: str) -> bool:
        return within((written(schema, name),), self._scope)

    def _statement(self, kind: str, node: Node) -> None:
        if kind not in _STATEMENTS:
            raise _Outside(f"{_spelled(kind)} is not among what such an access can do")
        if kind == "CopyStmt" and (node.filename or node.is_program):
            raise _Outside("COPY with a file or a program of the server reaches beyond it")
        if kind == "TruncateStmt" and node.behavior == postgast.pg_query_pb2.DROP_CASCADE:
            raise _Outside("TRUNCATE … CASCADE empties other tables as well")
        if kind == "TransactionStmt" and node.gid:
            raise _Outside("a prepared transaction reaches beyond the session")
        if kind == "VariableSetStmt":
            self._set(node)

    def _set(self, node: Node) -> None:
        name = node.name.lower()
        many = postgast.pg_query_pb2.VAR_SET_MULTI
        if node.kind == postgast.pg_query_pb2.VAR_RESET_ALL or name in _SETTABLE:
            return
        if node.kind == many and name in ("transaction", "session characteristics"):
            return
        same = _SAME_ANYWAY.get(name)
        if same is not None and _value(node) in same:
            return
        raise _Outside(f"{node.name or 'this'} cannot be set in it")


def _parts(node: Node) -> Iterator[tuple[str, Node]]:
    """The nodes right below one, with the name of the field that each stands in."""
    for field, value in node.ListFields():
        if field.message_type is None:
            continue
        for one in value if field.is_repeated else (value,):
            inner = postgast.unwrap_node(one) if type(one).__name__ == "Node" else one
            if inner is not None:
                yield field.name, inner


def _function(node: Node) -> None:
    parts = [part.string.sval for part in node.funcname]
    if parts[:-1] not in ([], [CATALOGUE]) or parts[-1] not in DESCRIBING:
        raise _Outside(f"the function {'.'.join(parts)} is not known to stay within it")


def _operator(node: Node, field: str) -> None:
    if field not in type(node).DESCRIPTOR.fields_by_name:
        return
    value = getattr(node, field)
    if isinstance(value, str):
        return
    parts = [part.string.sval for part in value if part.HasField("string")]
    if len(parts) > 1 and parts[0] != CATALOGUE:
        raise _Outside(f"the operator {'.'.join(parts)} is not known to stay within it")


def _value(node: Node) -> str:
    """What a setting is set to, where that is one word."""
    inner: Node = postgast.unwrap_node(node.args[0]) if len(node.args) == 1 else None
    return str(inner.sval.sval).lower() if type(inner).__name__ == "A_Const" else ""


def _spelled(kind: str) -> str:
    return "".join(f" {letter}" if letter.isupper() else letter for letter in kind.removesuffix("Stmt")).strip().upper()
