"""Policies and certificates that change while we run: read again on SIGHUP, and when a file of theirs has changed.

What does not load changes nothing: it is told, and what was in force stays in force.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from daypass.app.checking import check_settings
from daypass.config import Settings, read_settings
from daypass.domain.errors import ConfigError, DaypassError
from daypass.services.tightening import Tightening

LOOK_SECONDS = 2.0
"""How often the files are looked at; each look is a handful of system calls."""

log = structlog.get_logger()

Stamp = Mapping[Path, tuple[int, int]]


class Reloading:
    """Runs until `stop`."""

    def __init__(self, settings: Settings, tightening: Tightening, renew: Callable[[], None] = lambda: None) -> None:
        """`renew` has listeners serve with what the certificate's files say now."""
        self._renew = renew
        self._settings = settings
        self._tightening = tightening
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="policies")

    def ask(self) -> None:
        """Read everything again now (SIGHUP)."""
        self._asked.set()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        seen = _stamp(self._settings)
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                now = _stamp(self._settings)
                if now == seen:
                    continue
                seen = now
            self._asked.clear()
            await self._reload()

    async def _reload(self) -> None:
        try:
            self._renew()
        except (OSError, ConfigError) as problem:
            log.error("the certificate does not load: the old one is served on", problem=str(problem))
        try:
            settings = await asyncio.to_thread(read_settings, self._settings.file)
            checked = await asyncio.to_thread(check_settings, settings, time.time_ns() // 1_000_000)
            ended = await self._tightening.put_in_force(checked.policies)
        except ConfigError as problem:
            log.error("the policies do not load: the old ones stay in force", problem=problem.message)
        except DaypassError as problem:
            log.error("the policies could not be put in force: tried at the next change", problem=problem.message)
            self._asked.set()
            await asyncio.sleep(LOOK_SECONDS)
        else:
            log.info("policies read", ended=len(ended))


def _certificate(settings: Settings) -> tuple[Path, ...]:
    return (settings.tls.cert, settings.tls.key) if settings.tls else ()


def _stamp(settings: Settings) -> Stamp:
    """What tells whether a policy file changed, came or went; the folders say so of new ones."""
    found: dict[Path, tuple[int, int]] = {}
    for path in {
        *_certificate(settings),
        *settings.policies,
        *(path.parent for path in settings.policies),
        settings.file,
    }:
        try:
            about = path.stat()
        except OSError:
            continue
        found[path] = (about.st_mtime_ns, about.st_size if path.is_file() else 0)
    return found
