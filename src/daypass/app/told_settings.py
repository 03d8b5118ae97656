"""The settings as their change is told: each key as a text, with the places of secrets and never one of them.

Targets, people, group owners and policies are told by themselves. Of what may hold a secret in an address (channels,
exports, tickets, schedules) only a digest is told: that it changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from daypass.config import Settings

TOLD_ELSEWHERE = ("file", "nodes", "targets", "people", "group_owners", "policies", "store")
DIGEST_ONLY = ("notify", "exports", "tickets", "on_call")


def told_settings(settings: Settings) -> Mapping[str, str]:
    """By key."""
    told = {}
    for one in dataclasses.fields(settings):
        if one.name in TOLD_ELSEWHERE:
            continue
        value = getattr(settings, one.name)
        text = json.dumps(_plain(value), sort_keys=True, default=str, ensure_ascii=False)
        told[one.name] = "sha256:" + hashlib.sha256(text.encode()).hexdigest() if one.name in DIGEST_ONLY else text
    where = urlsplit(settings.store)
    told["store"] = f"{where.scheme}://{where.hostname}{where.path}" if where.scheme else settings.store
    return told


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return sorted(map(str, value)) if isinstance(value, frozenset) else value
