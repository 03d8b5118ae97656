"""What a statement would do, from its text alone: for search and review, never a guard.

Every node of every statement is looked at, so that `WITH d AS (DELETE ...) SELECT` is a write. What the parser does not
know is unknown. A function can do anything: only what is not a built-in query is visible here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

import postgast

from daypass.domain.statement import ELSEWHERE, OUTLIVES, UNKNOWN, Analysis
from daypass.domain.target import Effect
from daypass.protocols.postgres import parsing
from daypass.protocols.postgres.parsing import Node

CACHED = 2048
"""Texts, and again texts without their constants, whose analysis is kept."""
CACHED_CHARS_MAX = 4096
"""Longer texts are not kept: thousands of them would be memory that a client can make grow. Analysing one again costs
taking its constants out."""
TEXT_CHARS_MAX = 256 * 1024
"""Longer texts (bulk inserts, dumps) are not parsed: their record holds them whole, their analysis is unknown."""
NAMES_MAX = 100
"""Tables that an analysis names."""

_WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "LockStmt"})
_READS = frozenset({
    "SelectStmt", "ExplainStmt", "VariableSetStmt", "VariableShowStmt", "PrepareStmt", "ExecuteStmt",
    "DeallocateStmt", "DeclareCursorStmt", "FetchStmt", "ClosePortalStmt", "DiscardStmt", "ListenStmt", "UnlistenStmt",
    "CopyStmt", "ConstraintsSetStmt", "NotifyStmt", "PLAssignStmt", "ReturnStmt",
})  # fmt: skip
_ADMIN = frozenset({
    "AlterSystemStmt", "CreateRoleStmt", "AlterRoleStmt", "AlterRoleSetStmt", "DropRoleStmt", "GrantStmt",
    "GrantRoleStmt", "CreatedbStmt", "DropdbStmt", "AlterDatabaseStmt", "AlterDatabaseSetStmt", "CheckPointStmt",
    "LoadStmt", "CreateSubscriptionStmt", "AlterSubscriptionStmt", "DropSubscriptionStmt", "ReassignOwnedStmt",
    "DropOwnedStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt", "AlterDefaultPrivilegesStmt", "CreatePolicyStmt",
    "AlterPolicyStmt", "SecLabelStmt", "AlterOwnerStmt", "AlterDatabaseRefreshCollStmt",
})  # fmt: skip
_DDL = frozenset({
    "IndexStmt", "ViewStmt", "RuleStmt", "RenameStmt", "CommentStmt", "DefineStmt", "ClusterStmt", "VacuumStmt",
    "ReindexStmt", "ImportForeignSchemaStmt", "RefreshMatViewStmt", "CompositeTypeStmt",
})  # fmt: skip
_OPAQUE = frozenset({"DoStmt", "CallStmt"})
_ORDER = (Effect.READ, Effect.WRITE, Effect.DDL, Effect.ADMIN, Effect.UNKNOWN)
_CHANGING_CALLS = frozenset({
    "nextval", "setval", "lo_create", "lo_creat", "lo_from_bytea", "lo_put", "lo_unlink", "lo_import", "lowrite",
    "pg_logical_emit_message",
})  # fmt: skip
_ADMIN_CALLS = frozenset({
    "pg_cancel_backend", "pg_terminate_backend", "pg_reload_conf", "pg_rotate_logfile", "pg_promote", "pg_switch_wal",
    "pg_create_restore_point", "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "lo_export",
    "pg_drop_replication_slot", "pg_stat_reset",
})  # fmt: skip
_DBLINK = "dblink"
"""What functions begin with that work on a connection of the server's own."""
_WORDS = re.compile(r"(?<!^)(?=[A-Z])")


def analyse(text: str) -> Analysis:
    """Analyse a text. Never raises: what cannot be told is unknown."""
    if len(text) > TEXT_CHARS_MAX or "\0" in text:
        return UNKNOWN
    return _kept(text) if len(text) <= CACHED_CHARS_MAX else _by_text(text)


def _by_text(text: str) -> Analysis:
    try:
        # Not by the fingerprint: the same table of two schemas has one, and so do t1 and t2.
        key = sha256(parsing.normalized(text).encode()).digest()
        cached = _by_form.get(key)
        if cached is None:
            cached = _analyse(parsing.parse(text), parsing.fingerprint(text))
            if len(_by_form) >= CACHED:
                _by_form.pop(next(iter(_by_form)))
            _by_form[key] = cached
    except Exception:  # noqa: BLE001  a text that we cannot read must not keep its record from the store
        return UNKNOWN
    return cached


_kept = lru_cache(CACHED)(_by_text)
_by_form: dict[bytes, Analysis] = {}


class _Finding:
    """What is found while walking."""

    def __init__(self) -> None:
        self.effect = Effect.READ
        self.reads: dict[str, None] = {}
        self.writes: dict[str, None] = {}
        self.own: set[str] = set()

    def at_least(self, effect: Effect) -> None:
        self.effect = max(self.effect, effect, key=_ORDER.index)

    def write(self, relations: Iterable[Node]) -> None:
        for relation in relations:
            name = _relation(relation)
            if name:
                self.writes[name] = None


def _analyse(tree: Node, fingerprint: str) -> Analysis:
    kinds: list[str] = []
    found = _Finding()
    for raw in tree.stmts:
        top = postgast.unwrap_node(raw.stmt)
        kind = _kind(top)
        if kind not in kinds:
            kinds.append(kind)
        for _, node in postgast.walk(raw.stmt):
            _look(node, found)
    reads = tuple(sorted(name for name in found.reads if name not in found.own and name not in found.writes))
    writes = tuple(sorted(found.writes))
    return Analysis("; ".join(kinds[:5]) or "empty", found.effect, reads[:NAMES_MAX], writes[:NAMES_MAX], fingerprint)


def _look(node: Node, found: _Finding) -> None:
    kind = type(node).__name__
    if kind == "RangeVar":
        found.reads[_relation(node)] = None
    elif kind == "CommonTableExpr":
        found.own.add(node.ctename)
    elif kind == "FuncCall":
        name = node.funcname[-1].string.sval
        if name in _CHANGING_CALLS:
            found.at_least(Effect.WRITE)
        elif name in _ADMIN_CALLS:
            found.at_least(Effect.ADMIN)
        elif name.startswith(_DBLINK):
            found.at_least(Effect.UNKNOWN)
            found.reads[ELSEWHERE + _DBLINK] = None
    elif kind == "IntoClause":
        found.at_least(Effect.DDL)
        found.write([node.rel])
    elif kind == "LockingClause":
        found.at_least(Effect.WRITE)
    elif kind.endswith("Stmt") and kind != "RawStmt":
        _statement(kind, node, found)


def _statement(kind: str, node: Node, found: _Finding) -> None:
    if kind in _WRITES:
        found.at_least(Effect.WRITE)
        relations = node.relations if kind in ("TruncateStmt", "LockStmt") else [node.relation]
        found.write(map(postgast.unwrap_node, relations))
    elif kind == "CopyStmt":
        _copy(node, found)
    elif kind == "TransactionStmt":
        _transaction(node, found)
    elif kind in _READS:
        pass
    elif kind in _ADMIN:
        found.at_least(Effect.ADMIN)
    elif kind in _OPAQUE:
        found.at_least(Effect.UNKNOWN)
    elif kind in _DDL or kind.startswith(("Create", "Alter", "Drop")):
        found.at_least(Effect.DDL)
        for field in ("relation", "view"):
            if field in type(node).DESCRIPTOR.fields_by_name and node.HasField(field):
                found.write([getattr(node, field)])
        if kind == "DropStmt":
            _drop(node, found)
    else:
        found.at_least(Effect.UNKNOWN)


def _transaction(node: Node, found: _Finding) -> None:
    """One that is prepared outlives its session, so that its name is told; deciding one that is there is a write."""
    spelled = _kind(node)
    if spelled == "prepare transaction":
        found.writes[OUTLIVES + node.gid] = None
    if spelled in ("prepare transaction", "commit prepared", "rollback prepared"):
        found.at_least(Effect.WRITE)


def _copy(node: Node, found: _Finding) -> None:
    """COPY to or from the client is a read or a write; with a file or a program of the server it is administration."""
    if node.filename or node.is_program:
        found.at_least(Effect.ADMIN)
    if node.is_from:
        found.at_least(Effect.WRITE)
        found.write([node.relation])


def _drop(node: Node, found: _Finding) -> None:
    for item in node.objects:
        inner = postgast.unwrap_node(item)
        parts = [part.string.sval for part in inner.items] if type(inner).__name__ == "List" else []
        if parts:
            found.writes[".".join(parts)] = None


def _relation(node: Node) -> str:
    if not node.relname:
        return ""
    return f"{node.schemaname}.{node.relname}" if node.schemaname else node.relname


_TRANSACTION = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_ROLLBACK": "rollback",
    "TRANS_STMT_SAVEPOINT": "savepoint",
    "TRANS_STMT_RELEASE": "release",
    "TRANS_STMT_ROLLBACK_TO": "rollback to savepoint",
    "TRANS_STMT_PREPARE": "prepare transaction",
    "TRANS_STMT_COMMIT_PREPARED": "commit prepared",
    "TRANS_STMT_ROLLBACK_PREPARED": "rollback prepared",
}
_SPELLED = {
    "CreateStmt": "create table",
    "ViewStmt": "create view",
    "IndexStmt": "create index",
    "CreateTableAsStmt": "create table as",
    "VariableSetStmt": "set",
    "VariableShowStmt": "show",
    "DeclareCursorStmt": "declare",
    "ClosePortalStmt": "close",
    "CreatedbStmt": "create database",
    "DropdbStmt": "drop database",
    "RenameStmt": "alter",
    "DefineStmt": "create",
    "GrantRoleStmt": "grant",
    "RefreshMatViewStmt": "refresh materialized view",
    "CheckPointStmt": "checkpoint",
}


def _kind(node: Node) -> str:
    """The command in lower case, as a person would say it."""
    name = type(node).__name__
    if name == "TransactionStmt":
        field = type(node).DESCRIPTOR.fields_by_name["kind"]
        spelled = field.enum_type.values_by_number[node.kind].name
        return _TRANSACTION.get(spelled, "transaction")
    if name == "DropStmt":
        field = type(node).DESCRIPTOR.fields_by_name["remove_type"]
        what = field.enum_type.values_by_number[node.remove_type].name
        return f"drop {what.removeprefix('OBJECT_').replace('_', ' ').lower()}"
    if name == "GrantStmt":
        return "grant" if node.is_grant else "revoke"
    return _SPELLED.get(name) or _WORDS.sub(" ", name.removesuffix("Stmt")).lower()
