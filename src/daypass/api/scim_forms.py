"""Entra ID's forms of a PATCH, put as RFC 7644 or the SCIM library knows them. Reads JSON and decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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


def ids_of_all(entries: Any) -> frozenset[str] | None:
    """The ids in a whole list of members in which nothing else counts; None: it is none."""
    if not isinstance(entries, list) or not all(_plain(entry) for entry in entries):
        return None
    return frozenset(id for entry in entries if (id := id_in(entry)))


def members_in(body: bytes) -> tuple[dict[str, Any], frozenset[str]] | None:
    """What a PUT says of a group beside its members, and their ids; None: it does not plainly list them."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None  # told by who reads it next
    if not isinstance(said, dict) or any(":" in key for key in said):
        return None
    lists = [value for key, value in said.items() if key.lower() == "members"]
    ids = ids_of_all(lists[0]) if len(lists) == 1 else None
    return None if ids is None else ({key: said[key] for key in said if key.lower() != "members"}, ids)


def listed(ids: Iterable[str]) -> list[dict[str, str]]:
    """Members as SCIM lists them."""
    return [{"value": one} for one in sorted(ids)]


def _plain(entry: Any) -> bool:
    """Whether it is somebody's id, with nothing beside it that could contradict what is kept."""
    if id_in(entry) is None or not {key.lower() for key in entry} <= {"value", "type", "$ref", "display"}:
        return False
    kinds = [value for key, value in entry.items() if key.lower() == "type"]
    return all(value is None or isinstance(value, str) for value in entry.values()) and set(kinds) <= {None, "User"}


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
