"""What may be asked of a store about what people are told: a part of `interface.Transaction`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol as Interface

from daypass.domain.standing import Notice
from daypass.store.locking import Page


class Notices(Interface):
    """Notices on their way and those that arrived, inside one commit."""

    async def notices(self, *, due_until: int | None = None, person: str | None = None, limit: int) -> Sequence[Notice]:
        """What is to be told, oldest first; `due_until`: only what is to be tried by then."""

    async def save_notice(self, notice: Notice) -> None: ...

    async def notice(self, id: str) -> Notice | None: ...

    async def claim_notices(self, channel: str, *, now: int, until: int, limit: int) -> Sequence[Notice]:
        """Take the due notices of this channel: each counts one attempt more, and nobody else gets it before `until`.
        One waits while an earlier one to the same person in its thread is not over."""

    async def settle_notice(self, claimed: Notice, after: Notice) -> bool:
        """Save what came of a claimed notice, unless somebody claimed it since. Returns whether it was saved."""

    async def release_notices(self, now: int) -> int:
        """Make everything that was tried and is not over due now. Returns how many. For a store of one node, which has
        just started: nobody is sending."""

    async def sent_notice(self, channel: str, person: str, thread: str, kinds: Sequence[str] = ()) -> Notice | None:
        """The newest notice of this thread (of these kinds) that this person got there and that can be found again."""

    async def inbox(self, person: str, channel: str, page: Page) -> Sequence[Notice]:
        """What a person was told over this channel, newest first."""

    async def failed_notices(self, page: Page) -> Sequence[Notice]:
        """Those that were given up, newest first."""

    async def waiting_notices(self) -> Mapping[str, int]:
        """How many are not over, by channel."""

    async def prune_notices(self, before: int) -> int:
        """Delete those that were made before then and are over. Returns how many."""
