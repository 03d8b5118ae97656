"""Recorded requests against changed policies: reads the store beside a running Daypass, and writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from daypass.app.checking import Checked, read_policy_text
from daypass.domain.crowd import Crowd
from daypass.domain.durations import DAY_MS
from daypass.domain.policy_file import read_policy
from daypass.domain.policy_set import PolicySet, load_policies
from daypass.domain.simulating import Differs, replay
from daypass.services.recorded import recorded_since
from daypass.store.opening import open_store

SLICE = 200
"""Requests between two steps of the progress bar."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """How many recorded requests there were, and those that would be decided otherwise."""

    requests: int
    differing: tuple[Differs, ...]


def simulate(checked: Checked, file: Path, days: int, now: int, progress: Callable[[int, int], None]) -> Simulated:
    """Ask again what was asked in the last `days`, with `file` in the place of the policy that has its name."""
    return asyncio.run(_simulate(checked, file, days, now, progress))


async def _simulate(
    checked: Checked, file: Path, days: int, now: int, progress: Callable[[int, int], None]
) -> Simulated:
    store = open_store(checked.settings.store, checked.settings.data)
    try:
        async with store.reading() as tx:
            crowd = Crowd(await tx.people(), checked.settings.group_owners)
        policies = changed(checked, file, crowd, now)
        recorded = [one async for one in recorded_since(store, now - days * DAY_MS)]
    finally:
        await store.close()
    differing = []
    for done, differs in enumerate(replay(recorded, policies.policies, checked.targets, crowd), 1):
        if differs is not None:
            differing.append(differs)
        if done % SLICE == 0 or done == len(recorded):
            progress(done, len(recorded))
    return Simulated(len(recorded), tuple(differing))


def changed(checked: Checked, file: Path, crowd: Crowd, now: int) -> PolicySet:
    """The policies of the settings, with this file in the place of the one that has its name. Raises ConfigError."""
    text = read_policy_text(file)
    name = read_policy(text, str(file)).name
    others = [(shown, old) for shown, old in checked.policy_files if read_policy(old, shown).name != name]
    return load_policies([*others, (str(file), text)], checked.targets, crowd, now)
