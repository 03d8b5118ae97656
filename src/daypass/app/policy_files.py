"""The policy files of the settings, for changes that are made through the app: read, judged as loading judges them,
written in one step, and read again at once. Files that the settings do not name are never touched."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from daypass.app.checking import offline_crowd, read_policy_text
from daypass.config import Settings
from daypass.domain.crowd import Crowd
from daypass.domain.errors import ConfigError, Invalid, NotFound, Unavailable
from daypass.domain.policy_file import read_policy
from daypass.domain.policy_set import load_policies
from daypass.services.office import Office


class PolicyFilesOnDisk:
    """Implements `services.interface.PolicyFiles`. `reload` has the files read again."""

    def __init__(self, settings: Settings, office: Office, reload: Callable[[], None]) -> None:
        self._settings = settings
        self._office = office
        self._reload = reload

    async def present(self, policy: str) -> str:
        return (await asyncio.to_thread(self._file, policy))[1]

    async def judged(self, text: str) -> str:
        return await asyncio.to_thread(self._judged, text)

    async def texts(self) -> Sequence[tuple[str, str]]:
        paths = self._settings.policies
        return await asyncio.to_thread(lambda: [(path.name, read_policy_text(path)) for path in paths])

    def crowd(self) -> Crowd:
        return offline_crowd(self._settings)

    async def write(self, policy: str, text: str) -> None:
        path, _ = await asyncio.to_thread(self._file, policy)
        try:
            await asyncio.to_thread(_replace, path, text)
        except OSError as problem:
            raise Unavailable(
                f"the policy file {path.name} cannot be written: {problem.strerror or problem}",
                hint="the operator lets Daypass write it, or changes it",
            ) from None
        self._reload()

    def _file(self, policy: str) -> tuple[Path, str]:
        for path in self._settings.policies:
            try:
                text = read_policy_text(path)
                if read_policy(text, path.name).name == policy:
                    return path, text
            except ConfigError:
                # Somebody is at it; it is not the one that is in force.
                continue
        raise NotFound(f"no policy file has the policy {policy}", hint="the operator adds new ones")

    def _judged(self, text: str) -> str:
        try:
            name = read_policy(text, "the proposed file").name
            path, _ = self._file(name)
            files = [(one.name, text if one == path else read_policy_text(one)) for one in self._settings.policies]
            load_policies(files, self._office.targets, offline_crowd(self._settings), time.time_ns() // 1_000_000)
        except ConfigError as problem:
            raise Invalid(problem.message, hint=problem.hint) from None
        return name


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(fresh, "w", encoding="utf-8", newline="") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.chmod(fresh, path.stat().st_mode & 0o777)
    os.replace(fresh, path)
