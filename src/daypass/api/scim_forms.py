"""Entra ID's forms of a PATCH, put as RFC 7644 or the SCIM library knows them. Reads JSON and decides nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def plainly(body: bytes) -> bytes:
    """A PATCH without two of Entra's forms. Paths with a filter as keys of one value
    (`{"op": "replace", "value": {"emails[type eq \\"work\\"].value": …}}`) are operations of their own then. Members to
    remove that are listed with more than their id (`"$ref": null`, a name) have the id alone: the rest would be
    compared too, match nobody, and leave everybody in the group."""
    try:
        said = json.loads(body)
        operations = said["Operations"]
        plain = [_by_id(one) for operation in operations for one in _spread(operation)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return body  # told by who reads it next
    return json.dumps({**said, "Operations": plain}).encode()


def id_in(entry: Any) -> str | None:
    """The id in an entry of a group's members; None: it has none, or several."""
    ids = [id for key, id in entry.items() if key.lower() == "value"] if isinstance(entry, Mapping) else []
    return ids[0] if len(ids) == 1 and isinstance(ids[0], str) else None


def _spread(operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = operation.get("value")
    if operation.get("path") or not isinstance(value, Mapping) or not any("[" in key for key in value):
        return [operation]
    apart = [{"op": operation.get("op"), "path": key, "value": value[key]} for key in value if "[" in key]
    rest = {key: value[key] for key in value if "[" not in key}
    return [*([{**operation, "value": rest}] if rest else []), *apart]


def _by_id(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    op, path, value = (operation.get(key) for key in ("op", "path", "value"))
    if str(op).lower() != "remove" or str(path).rpartition(":")[2].lower() != "members" or value is None:
        return operation
    entries = value if isinstance(value, list) else [value]
    return {**operation, "value": [one if (id := id_in(one)) is None else {"value": id} for one in entries]}
