"""Visits, flows that are over in minutes, passkeys and passwords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, select, update

from daypass.domain.passkey import Passkey
from daypass.domain.visit import IDLE_MS, Visit
from daypass.store.schema import tokens
from daypass.store.sql.statement import Part
from daypass.store.visit_tables import flows, passkeys, passwords, visits
from daypass.store.visiting import Flow, Password

VISITS_READ_MAX = 1000
"""Visits that one question answers with; nobody has so many browsers."""


class Visits(Part):
    async def visit_by_verifier(self, verifier: bytes) -> Visit | None:
        row = await self._one(select(visits).where(visits.c.verifier == verifier))
        return None if row is None else Visit(**row)

    async def visit_for_change(self, id: str) -> Visit | None:
        row = await self._one(select(visits).where(visits.c.id == id).with_for_update())
        return None if row is None else Visit(**row)

    async def visits(
        self, *, person: str | None = None, issuer: str = "", subject: str = "", sid: str = "", live_at: int
    ) -> Sequence[Visit]:
        query = select(visits).where(
            visits.c.ended_at.is_(None), visits.c.expires_at > live_at, visits.c.seen_at > live_at - IDLE_MS
        )
        if person is not None:
            query = query.where(visits.c.person == person)
        for column, wanted in ((visits.c.issuer, issuer), (visits.c.subject, subject), (visits.c.sid, sid)):
            if wanted:
                query = query.where(column == wanted)
        rows = await self._all(query.order_by(visits.c.id.desc()).limit(VISITS_READ_MAX))
        return [Visit(**row) for row in rows]

    async def visits_born(self, *, issuer: str, subject: str = "", sid: str = "") -> Sequence[Visit]:
        query = select(visits).where(visits.c.issuer == issuer)
        for column, wanted in ((visits.c.subject, subject), (visits.c.sid, sid)):
            if wanted:
                query = query.where(column == wanted)
        rows = await self._all(query.order_by(visits.c.id.desc()).limit(VISITS_READ_MAX))
        return [Visit(**row) for row in rows]

    async def tokens_of_visits(self, visits: Sequence[str], *, live_at: int) -> Sequence[str]:
        query = select(tokens.c.id).where(
            tokens.c.visit.in_(visits), tokens.c.revoked_at.is_(None), tokens.c.expires_at > live_at
        )
        return [str(row["id"]) for row in await self._all(query)]

    async def save_visit(self, visit: Visit) -> None:
        await self._save(visits, asdict(visit))

    async def note_visit(self, id: str, at: int, client: str) -> None:
        seen = update(visits).where(visits.c.id == id).values(seen_at=at, seen_from=client)
        await self._connection.execute(seen)

    async def prune_visits(self, before: int) -> int:
        return int((await self._connection.execute(delete(visits).where(visits.c.expires_at < before))).rowcount)

    async def flow_for_change(self, id: str) -> Flow | None:
        row = await self._one(select(flows).where(flows.c.id == id).with_for_update())
        return None if row is None else Flow(**row)

    async def flow_by_code(self, kind: str, code: str) -> Flow | None:
        query = select(flows).where(flows.c.kind == kind, flows.c.code == code).with_for_update()
        row = await self._one(query) if code else None
        return None if row is None else Flow(**row)

    async def save_flow(self, flow: Flow) -> None:
        await self._save(flows, {**asdict(flow), "about": dict(flow.about)})

    async def drop_flow(self, id: str) -> bool:
        return bool((await self._connection.execute(delete(flows).where(flows.c.id == id))).rowcount)

    async def flow_of(self, kind: str, person: str, *, live_at: int) -> Flow | None:
        query = select(flows).where(flows.c.kind == kind, flows.c.person == person, flows.c.expires_at > live_at)
        row = await self._one(query.order_by(flows.c.made_at.desc(), flows.c.id).limit(1))
        return None if row is None else Flow(**row)

    async def flows(self, kind: str, *, live_at: int) -> Sequence[Flow]:
        query = select(flows).where(flows.c.kind == kind, flows.c.expires_at > live_at)
        return [Flow(**row) for row in await self._all(query.order_by(flows.c.made_at, flows.c.id))]

    async def drop_flows(self, kind: str, person: str) -> int:
        gone = delete(flows).where(flows.c.kind == kind, flows.c.person == person)
        return int((await self._connection.execute(gone)).rowcount)

    async def count_flows(self, kind: str, *, person: str = "", live_at: int) -> int:
        query = select(func.count()).select_from(flows).where(flows.c.kind == kind, flows.c.expires_at > live_at)
        if person:
            query = query.where(flows.c.person == person)
        return int((await self._connection.execute(query)).scalar_one())

    async def prune_flows(self, before: int) -> int:
        return int((await self._connection.execute(delete(flows).where(flows.c.expires_at < before))).rowcount)

    async def passkeys(self, person: str) -> Sequence[Passkey]:
        query = select(passkeys).where(passkeys.c.person == person).order_by(passkeys.c.id.desc())
        return [_passkey(row) for row in await self._all(query)]

    async def passkey_for_change(self, credential: str) -> Passkey | None:
        row = await self._one(select(passkeys).where(passkeys.c.credential == credential).with_for_update())
        return None if row is None else _passkey(row)

    async def save_passkey(self, passkey: Passkey) -> None:
        await self._save(passkeys, {**asdict(passkey), "transports": list(passkey.transports)})

    async def password(self, person: str) -> Password | None:
        row = await self._one(select(passwords).where(passwords.c.person == person))
        return None if row is None else Password(**row)

    async def password_for_change(self, person: str) -> Password | None:
        row = await self._one(select(passwords).where(passwords.c.person == person).with_for_update())
        return None if row is None else Password(**row)

    async def save_password(self, password: Password) -> None:
        await self._save(passwords, asdict(password))

    async def drop_password(self, person: str) -> bool:
        return bool((await self._connection.execute(delete(passwords).where(passwords.c.person == person))).rowcount)


def _passkey(row: Mapping[str, Any]) -> Passkey:
    return Passkey(**{**row, "transports": tuple(row["transports"])})
