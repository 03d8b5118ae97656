"""A store of secrets, as those ask it who need one."""

from __future__ import annotations

from typing import Protocol as Interface


class Source(Interface):
    """One place where secrets are."""

    async def read(self, name: str) -> str:
        """The secret of this name. Raises `Unavailable`, and `ConfigError` for one of our own that is missing; neither
        says what it is."""

    async def close(self) -> None:
        """Let go of connections."""
