"""What may be erased in a store: a part of `interface.Transaction`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol as Interface


class Erasing(Interface):
    """Bodies, and words beside the states, inside one commit. `Store.scrub` comes after it."""

    async def kept_bodies(self, sha256: Sequence[str]) -> frozenset[str]:
        """Those of these bodies that are still there."""

    async def erase_bodies(self, sha256: Sequence[str], indexes: Sequence[int]) -> None:
        """Delete these bodies, and the searchable text of the entries with these indexes."""

    async def erase_notes(self, *, request: str, sessions: Sequence[str]) -> None:
        """Blank the notes of a request's obligations, and of these sessions where they came from and what their clients
        were told."""

    async def erase_words(self, person: str, names: Callable[[str], bool]) -> None:
        """Blank what a person wrote elsewhere (notes of obligations and proposals, reasons of locks, what clients were
        told), and what others wrote there that `names` them; drop their favourites, and others' that name them."""

    async def erase_old_words(self, before: int) -> None:
        """Blank the reasons of locks that were over before this time, and the notes of what was decided on by then."""

    async def erase_tokens(self, person: str, now: int) -> None:
        """Revoke a person's tokens, and blank what they were called and where they were used, and what channels
        answered about them. Their passkeys count no more, their password is gone, and so are their snippets."""
