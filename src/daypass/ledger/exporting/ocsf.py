"""An entry as an event of the Open Cybersecurity Schema Framework, version 1.6.0. Pure.

Statements are Datastore Activity, access that begins or ends is User Access Management, a session Authentication; all
else is Entity Management of what it is about. What OCSF has no place for is under `unmapped`, the entry's place in the
log as well. People are their opaque ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSION = "1.6.0"

Entry = Mapping[str, Any]
Event = dict[str, Any]

_DATASTORE, _ACCESS, _ENTITY, _SIGN_IN = (6, 6005), (3, 3005), (3, 3004), (3, 3002)
_INFORMATIONAL, _MEDIUM, _HIGH = 1, 3, 4
_SUCCESS, _FAILURE = 1, 2

_EFFECTS = {"read": (1, "Read"), "write": (5, "Write"), "ddl": (6, "Create"), "admin": (99, "Administer")}
_ACCESS_TYPES = {
    "grant.activated": (1, "Assign Privileges"),
    "grant.extended": (1, "Assign Privileges"),
    "glass.broken": (1, "Assign Privileges"),
    "grant.ended": (2, "Revoke Privileges"),
    "grant.lapsed": (2, "Revoke Privileges"),
}
_SIGN_INS = {
    "session.opened": (1, "Logon"),
    "session.refused": (1, "Logon"),
    "session.ended": (2, "Logoff"),
    "session.killed": (2, "Logoff"),
}
_ENTITY_VERBS = {"created": (1, "Create"), "issued": (1, "Create"), "enrolled": (6, "Enroll"), "erased": (4, "Delete"),
                 "revoked": (4, "Delete"), "withdrawn": (4, "Delete"), "changed": (3, "Update")}  # fmt: skip
_GRAVE = {"grant.end_unconfirmed": _HIGH, "session.end_unconfirmed": _HIGH, "glass.broken": _HIGH,
          "credential.drift": _HIGH, "ledger.recovered": _HIGH,
          "session.refused": _MEDIUM, "statement.refused": _MEDIUM, "request.refused": _MEDIUM}  # fmt: skip
_DATABASE_OTHER = 99


def ocsf_event(site: str, index: int, leaf: str, entry: Entry) -> Event:
    """The event for an entry."""
    type = str(entry["type"])
    if type.startswith("statement."):
        event = _statement(entry)
    elif type in _SIGN_INS:
        event = _of(_SIGN_IN, _SIGN_INS[type])
        event |= {"user": _user(entry), "service": _service(entry)}
    elif type in _ACCESS_TYPES:
        event = _of(_ACCESS, _ACCESS_TYPES[type])
        event |= {"user": _user(entry), "privileges": [_privilege(entry)]}
    else:
        event = _of(_ENTITY, _ENTITY_VERBS.get(type.partition(".")[2], (99, type)))
        event["entity"] = _entity(entry)
    failed = type.endswith((".refused", ".denied", ".end_unconfirmed")) or bool(entry["body"].get("error"))
    event |= {
        "time": entry["t"],
        "severity_id": _GRAVE.get(type, _INFORMATIONAL),
        "status_id": _FAILURE if failed else _SUCCESS,
        "message": type,
        "metadata": _metadata(site, index, entry),
        "unmapped": {"log_index": index, "log_leaf": leaf, "entry": dict(entry)},
    }
    event["actor"] = _actor(entry)
    return event


def _of(place: tuple[int, int], activity: tuple[int, str]) -> Event:
    category, uid = place
    return {
        "category_uid": category,
        "class_uid": uid,
        "activity_id": activity[0],
        "activity_name": activity[1],
        "type_uid": uid * 100 + activity[0],
    }


def _statement(entry: Entry) -> Event:
    body = entry["body"]
    target = entry.get("target", {"name": "unknown", "protocol": "unknown"})
    event = _of(_DATASTORE, _EFFECTS.get(str(body.get("effect", "")), (4, "Query")))
    event |= {
        "database": {"name": target["name"], "type_id": _DATABASE_OTHER, "type": target["protocol"]},
        "src_endpoint": {"name": "daypass", "uid": entry.get("session", "unknown")},
    }
    if "duration_us" in body:
        event["duration"] = int(body["duration_us"]) // 1000
    if body.get("error"):
        event["status_code"] = str(body["error"])
    return event


def _metadata(site: str, index: int, entry: Entry) -> Event:
    found: Event = {
        "version": VERSION,
        "uid": entry["id"],
        "sequence": index,
        "event_code": entry["type"],
        "log_name": site,
        "log_provider": "daypass",
        "product": {"name": "Daypass", "vendor_name": "Daypass"},
    }
    if entry.get("request"):
        found["correlation_uid"] = entry["request"]
    return found


def _user(entry: Entry) -> Event:
    return {"uid": entry["actor"]["id"], "type_id": 1 if entry["actor"]["kind"] == "person" else 3}


def _actor(entry: Entry) -> Event:
    found: Event = {"user": _user(entry), "app_name": "daypass"}
    if entry.get("session"):
        found["session"] = {"uid": entry["session"]}
    return found


def _service(entry: Entry) -> Event:
    return {"name": entry.get("target", {}).get("name", "daypass")}


def _privilege(entry: Entry) -> str:
    target = entry.get("target", {}).get("name", "unknown")
    role = entry["body"].get("role")
    return f"{target}:{role}" if role else str(target)


def _entity(entry: Entry) -> Event:
    noun = str(entry["type"]).partition(".")[0]
    uid = entry.get(noun) or entry["body"].get(noun) or entry.get("grant") or entry.get("request") or entry["id"]
    return {"uid": str(uid), "type": noun, "name": noun}
