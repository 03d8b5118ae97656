"""Obligations, keys and sealed codes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from daypass.domain.obligation import Obligation, ObligationState
from daypass.domain.standing import EnrolledKey, SealedCode
from daypass.store import standing_codec as codec
from daypass.store.interface import Page
from daypass.store.schema import codes, keys, obligations
from daypass.store.sql.statement import Part, newest


class Duties(Part):
    async def obligation(self, id: str) -> Obligation | None:
        row = await self._one(select(obligations).where(obligations.c.id == id))
        return None if row is None else codec.obligation_of(row)

    async def obligation_for_change(self, id: str) -> Obligation | None:
        row = await self._one(select(obligations).where(obligations.c.id == id).with_for_update())
        return None if row is None else codec.obligation_of(row)

    async def obligations(
        self,
        *,
        person: str | None = None,
        request: str | None = None,
        grant: str | None = None,
        kind: str | None = None,
        states: Sequence[ObligationState] = (),
        due_until: int | None = None,
        page: Page | None = None,
    ) -> Sequence[Obligation]:
        query = newest(select(obligations), obligations, page)
        wanted = (
            (obligations.c.person, person),
            (obligations.c.request, request),
            (obligations.c.grant, grant),
            (obligations.c.kind, kind),
        )
        for column, value in wanted:
            if value is not None:
                query = query.where(column == value)
        if states:
            query = query.where(obligations.c.state.in_([state.value for state in states]))
        if due_until is not None:
            query = query.where(obligations.c.due_at <= due_until)
        return [codec.obligation_of(row) for row in await self._all(query)]

    async def save_obligation(self, obligation: Obligation) -> None:
        await self._save(obligations, codec.obligation_row(obligation))

    async def keys(self, *, person: str | None = None, fingerprint: str | None = None) -> Sequence[EnrolledKey]:
        query = newest(select(keys), keys, None)
        if person is not None:
            query = query.where(keys.c.person == person)
        if fingerprint is not None:
            query = query.where(keys.c.fingerprint == fingerprint)
        return [codec.key_of(row) for row in await self._all(query)]

    async def save_key(self, key: EnrolledKey) -> None:
        await self._save(keys, codec.key_row(key))

    async def code_for_change(self, id: str) -> SealedCode | None:
        row = await self._one(select(codes).where(codes.c.id == id).with_for_update())
        return None if row is None else codec.code_of(row)

    async def codes(self, *, target: str | None = None, live_at: int) -> Sequence[SealedCode]:
        query = newest(select(codes), codes, None).where(codes.c.used_at.is_(None), codes.c.expires_at > live_at)
        if target is not None:
            query = query.where(codes.c.target == target)
        return [codec.code_of(row) for row in await self._all(query)]

    async def save_code(self, code: SealedCode) -> None:
        await self._save(codes, codec.code_row(code))
