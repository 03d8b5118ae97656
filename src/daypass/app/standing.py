"""What is left of Daypass when its log cannot go on: everything can be read, nothing is recorded, so nothing happens.

The API's GETs and `/ledger` answer; whatever would put something into the ledger is refused, and no session opens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from daypass.domain.errors import Unavailable
from daypass.domain.events import Draft
from daypass.ledger.disagreement import Disagreement
from daypass.store.interface import Store, Transaction

CLOSED = "the ledger cannot go on, so no session opens: {problem}"


class Frozen:
    """A store into whose ledger nothing goes any more; for the rest it is the one it is made of."""

    def __init__(self, store: Store, problem: Disagreement) -> None:
        self._store = store
        self._problem = problem

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        async with self._store.begin() as tx:
            yield cast(Transaction, _FrozenTransaction(tx, self._problem))


class _FrozenTransaction:
    def __init__(self, tx: Transaction, problem: Disagreement) -> None:
        self._tx = tx
        self._problem = problem

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def append(self, draft: Draft) -> None:
        raise Unavailable(f"nothing can be recorded: {self._problem.message}", hint=self._problem.hint)


def frozen(store: Store, problem: Disagreement) -> Store:
    """The same store, into whose ledger nothing goes."""
    return cast(Store, Frozen(store, problem))
