"""What a start puts on record: that the gateway started, and which policies are in force if they changed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

from daypass.domain.events import Event
from daypass.domain.people import SYSTEM
from daypass.domain.policy_set import PolicySet
from daypass.domain.target import Target
from daypass.services.notices import tell_guards
from daypass.services.office import Change, Office
from daypass.store.interface import Transaction

DIGEST = "policies_digest"
"""The setting that keeps which policies were in force last."""
TARGETS = "targets_digests"
"""The setting that keeps what the targets were last, by name."""
GROUPS = "groups_digests"
"""The setting that keeps who owned which group last."""
TOLD_CHARS_MAX = 1 << 20
"""Of what changed, from what to what; longer files are told by their digest."""
TOLD = ("policies", "targets", "groups", "settings")
"""What is remembered as it was last told of, so that a change can say from what to what."""
NAMES_MAX = 200
"""Policies or targets that an event names; an entry has 32 KiB."""


class Starting:
    """Records the beginning of a run."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def put_in_force(self, policies: PolicySet) -> bool:
        """Make these the policies in force, and record it if they are others than last time. Returns whether."""
        self._office.policies.current = policies
        async with self._office.change() as change:
            was = await change.tx.setting(DIGEST)
            if was == policies.digest:
                return False
            await change.tx.save_setting(DIGEST, policies.digest)
            names = [{"name": policy.name, "digest": policy.digest} for policy in policies.policies]
            body = {"digest": policies.digest, "was": was or "", "policies": names[:NAMES_MAX]}
            secret = await _told(change, "policies", policies.texts)
            event = Event("policy.changed", self._office.now(), SYSTEM, body=body, secret=secret)
            await change.record(event)
            await tell_guards(self._office, change, event)
        return True

    async def targets(self) -> bool:
        """Record if the targets, or what their roles are, are others than last time. Returns whether."""
        said = {name: _target_said(target) for name, target in sorted(self._office.targets.items())}
        now = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in said.items()}
        async with self._office.change() as change:
            was: dict[str, str] = json.loads(await change.tx.setting(TARGETS) or "{}")
            if was == now:
                return False
            await change.tx.save_setting(TARGETS, json.dumps(now))
            body = {
                "digest": _digest(now),
                "was": _digest(was) if was else "",
                "added": sorted(now.keys() - was.keys())[:NAMES_MAX],
                "removed": sorted(was.keys() - now.keys())[:NAMES_MAX],
                "changed": sorted(name for name in now.keys() & was.keys() if now[name] != was[name])[:NAMES_MAX],
            }
            secret = await _told(change, "targets", said)
            event = Event("targets.changed", self._office.now(), SYSTEM, body=body, secret=secret)
            await change.record(event)
            await tell_guards(self._office, change, event)
        return True

    async def groups(self) -> bool:
        """Record if other people own groups than last time. Returns whether."""
        now = {name: _digest({"owners": sorted(owners)}) for name, owners in sorted(self._office.owners.items())}
        async with self._office.change() as change:
            was: dict[str, str] = json.loads(await change.tx.setting(GROUPS) or "{}")
            if was == now:
                return False
            await change.tx.save_setting(GROUPS, json.dumps(now))
            others = sorted(name for name in now.keys() | was.keys() if now.get(name) != was.get(name))
            body = {"digest": _digest(now), "was": _digest(was) if was else "", "groups": others[:NAMES_MAX]}
            said = {name: json.dumps(sorted(owners)) for name, owners in self._office.owners.items()}
            secret = await _told(change, "groups", said)
            event = Event("groups.changed", self._office.now(), SYSTEM, body=body, secret=secret)
            await change.record(event)
            await tell_guards(self._office, change, event)
        return True

    async def settings(self, said: Mapping[str, str]) -> bool:
        """Record if the other settings are others than last time: `said` is each as a text, by its key, and holds no
        secret, only where one is. Returns whether."""
        async with self._office.change() as change:
            secret = await _told(change, "settings", said)
            if not secret:
                return False
            keys = sorted({*json.loads(secret["from"]), *json.loads(secret["to"])})
            event = Event("settings.changed", self._office.now(), SYSTEM, body={"keys": keys}, secret=secret)
            await change.record(event)
        return True

    async def started(self, node: str, version: str, journal_last: int) -> None:
        """This node's gateway starts, with so many records in its journal's past."""
        body = {"node": node, "version": version, "journal": journal_last}
        async with self._office.change() as change:
            await change.record(Event("ledger.started", self._office.now(), SYSTEM, body=body))

    async def heartbeat(self, node: str) -> None:
        """Nothing else happened for a while; the silence is sealed too."""
        async with self._office.change() as change:
            await change.record(Event("ledger.heartbeat", self._office.now(), SYSTEM, body={"node": node}))


async def forget_told(tx: Transaction, word: str, instead: str) -> None:
    """Put another word for one in what is remembered of the settings: an erased person's address goes from there too.
    What the operator's own files say is the operator's; the next change is compared with what is left here."""
    for of in TOLD:
        was: dict[str, str] = json.loads(await tx.setting(f"told:{of}") or "{}")
        now = {key.replace(word, instead): text.replace(word, instead) for key, text in was.items()}
        if now != was:
            await tx.save_setting(f"told:{of}", json.dumps(now))


async def _told(change: Change, of: str, now: Mapping[str, str]) -> dict[str, str]:
    """What differs from last time, from what to what, as an event holds it; empty if nothing does. Remembers `now`."""
    name = f"told:{of}"
    was: dict[str, str] = json.loads(await change.tx.setting(name) or "{}")
    if was == now:
        return {}
    await change.tx.save_setting(name, json.dumps(dict(now)))
    others = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
    return {
        word: json.dumps({key: which[key] for key in sorted(others) if key in which}, ensure_ascii=False)[
            :TOLD_CHARS_MAX
        ]
        for word, which in (("from", was), ("to", now))
    }


def _target_said(target: Target) -> str:
    """A target as its settings say it, with the places of its secrets."""
    return json.dumps(dataclasses.asdict(target), sort_keys=True, default=str, ensure_ascii=False)


def _digest(digests: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
