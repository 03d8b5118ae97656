"""Refused connections as events, rate-limited: the first of a kind at once, then at most one every ten seconds with
how many there were. What floods us is counted and never stored one by one."""

from __future__ import annotations

from dataclasses import dataclass

from daypass.domain.events import Event
from daypass.domain.people import SYSTEM
from daypass.services.office import Office

WINDOW_MS = 10_000
"""One event of a kind in this time."""

KINDS_MAX = 1000
"""Kinds (client address, reason) told apart at once; those of a wider flood are counted together."""

TEXT_CHARS_MAX = 200
"""Names and targets are what a stranger typed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused connection."""

    name: str
    target: str
    client: str
    why: str


@dataclass(slots=True)
class _Kind:
    until: int
    newest: Refusal
    times: int = 0


class Refusals:
    """Counts refusals, and records them now and then."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._kinds: dict[tuple[str, str], _Kind] = {}

    async def note(self, refusal: Refusal) -> None:
        """A connection was refused."""
        now = self._office.now()
        address = refusal.client.rpartition(":")[0] or refusal.client
        key = (address, refusal.why)
        if key not in self._kinds and len(self._kinds) >= KINDS_MAX:
            key = ("", "many")
        kind = self._kinds.get(key)
        if kind is None:
            self._kinds[key] = _Kind(now + WINDOW_MS, refusal)
            await self._record(refusal, 1)
            return
        kind.times += 1
        kind.newest = refusal

    async def flush(self, now: int) -> None:
        """Record what was counted in windows that are over, and forget kinds that were quiet."""
        for key, kind in list(self._kinds.items()):
            if now < kind.until:
                continue
            if not kind.times:
                del self._kinds[key]
                continue
            times, kind.times, kind.until = kind.times, 0, now + WINDOW_MS
            await self._record(kind.newest, times)

    async def _record(self, refusal: Refusal, times: int) -> None:
        secret = {
            "name": refusal.name[:TEXT_CHARS_MAX],
            "target": refusal.target[:TEXT_CHARS_MAX],
            "client": refusal.client[:TEXT_CHARS_MAX],
            "why": refusal.why[:TEXT_CHARS_MAX],
        }
        async with self._office.change() as change:
            event = Event(
                "session.refused",
                self._office.now(),
                SYSTEM,
                target=self._office.target_ref(refusal.target),
                decision="refused",
                body={"times": times},
                secret={name: value for name, value in secret.items() if value},
            )
            await change.record(event)
