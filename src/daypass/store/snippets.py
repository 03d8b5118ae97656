"""What may be asked of a store about snippets: a part of `interface.Transaction`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol as Interface

from daypass.domain.standing import Snippet


class Snippets(Interface):
    """Snippets, inside one commit."""

    async def snippets(self, person: str) -> Sequence[Snippet]:
        """In the order of their names."""

    async def save_snippet(self, snippet: Snippet) -> None: ...
    async def drop_snippet(self, person: str, name: str) -> bool:
        """Whether there was one."""
