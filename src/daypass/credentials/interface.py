"""What opens a target: the one thing that services ask of this room."""

from __future__ import annotations

from typing import Protocol as Interface

from daypass.domain.target import Credential, Target


class Credentials(Interface):
    """Finds the login for a role at the moment that it is needed, and keeps it no longer than that."""

    async def resolve(self, target: Target, role: str) -> Credential:
        """The credential of this role. Raises `Unavailable` if it cannot be had; never says what it is."""
