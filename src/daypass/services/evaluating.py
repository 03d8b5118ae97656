"""What other systems may ask of Daypass as a decision point: may this person do this now, and if not, could it be asked
for? A denial that could be asked for is bound to what was denied, so that nothing else is asked for in its name."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass

from daypass.domain.durations import MINUTE_MS
from daypass.domain.errors import Conflict
from daypass.domain.grant import LIVE, Grant, opens
from daypass.domain.people import Person
from daypass.services.deliberation import Deliberation
from daypass.services.office import Office
from daypass.store.interface import Page

SECRET = "authzen_secret"
"""The setting that keeps what denials are bound with."""

FRESH_MS = 10 * MINUTE_MS
"""How long a denial can be asked about: as long as the person who was denied sits there."""

WRONG = "this is not what was denied, or it was too long ago"
SECRET_BYTES = 32
MARK_CHARS = 22
"""Of the mark of an evaluation's id: 132 bits of it."""
GRANTS_MAX = 100
ASKED_MS = MINUTE_MS
"""The length of access by which it is found out whether it could be asked for at all."""

REQUESTABLE = ("AUTOMATIC", "NEEDS_VOTES")
_HEADER = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`binding` is there where the denied access could be asked for, until `binding_until`."""

    decision: bool
    id: str
    reason: str
    t: int
    binding: str = ""
    binding_until: int = 0


class Evaluating:
    """Answers; changes nothing."""

    def __init__(self, office: Office, deliberation: Deliberation) -> None:
        self._office = office
        self._deliberation = deliberation

    async def evaluate(self, by: Person, target: str, role: str, approval: str | None) -> Evaluated:
        """Whether this person has a grant that opens this now. `approval`: only this grant counts."""
        now = self._office.now()
        id = await self._id(by, target, role, now + FRESH_MS)
        async with self._office.reading() as tx:
            held = await tx.grants(person=by.id, target=target, states=LIVE, page=Page(GRANTS_MAX))
        if any(self._opens(one, role, now, approval) for one in held):
            return Evaluated(True, id, "granted", now)
        found = self._office.targets.get(target)
        if found is None or role not in found.roles:
            return Evaluated(False, id, "no_access", now)
        explained = await self._deliberation.explain(by, found, role, ASKED_MS)
        if explained.state not in REQUESTABLE:
            return Evaluated(False, id, "no_access", now)
        until = now + FRESH_MS
        return Evaluated(False, id, "approval_required", now, await self._bound(by, target, role, id, until), until)

    def _opens(self, grant: Grant, role: str, now: int, approval: str | None) -> bool:
        return grant.role == role and opens(grant, now) and approval in (None, grant.id)

    async def _bound(self, by: Person, target: str, role: str, id: str, until: int) -> str:
        """A JWS (RFC 7515, HS256) over what was denied to whom, and until when it may be asked about."""
        claims = {"sub": by.id, "res": target, "act": role, "evaluation_id": id, "exp": until // 1000}
        signed = f"{_encoded(_HEADER)}.{_encoded(claims)}"
        return f"{signed}.{_base64(await self._mac(signed))}"

    async def _id(self, by: Person, target: str, role: str, until: int) -> str:
        """An evaluation's id: what it is of, and until when it may be asked about, can be checked by it."""
        stem = f"{self._office.new_id()}.{until // 1000}"
        return f"{stem}.{await self._mark(by, target, role, stem)}"

    async def _mark(self, by: Person, target: str, role: str, stem: str) -> str:
        return _base64(await self._mac(json.dumps(["evaluation", by.id, target, role, stem])))[:MARK_CHARS]

    async def check_denial(self, by: Person, target: str, role: str, token: str, evaluation: str) -> None:
        """Raise `Conflict` unless exactly this was denied to this person, and lately: by the token that binds it, or
        else by the evaluation's id."""
        if token or not evaluation:
            await self._check_token(by, target, role, token)
            return
        stem, _, mark = evaluation.rpartition(".")
        until = stem.rpartition(".")[2]
        ours = await self._mark(by, target, role, stem)
        good = hmac.compare_digest(ours.encode(), mark.encode()) and until.isdecimal()
        if not good or int(until) * 1000 <= self._office.now():
            raise Conflict(WRONG, hint="evaluate it anew")

    async def _check_token(self, by: Person, target: str, role: str, token: str) -> None:
        wrong = Conflict(WRONG, hint="evaluate it anew")
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        ours = _base64(await self._mac(signed))
        if not hmac.compare_digest(ours.encode(), signature.encode()) or header != _encoded(_HEADER):
            raise wrong
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if (claims["sub"], claims["res"], claims["act"]) != (by.id, target, role):
            raise wrong
        if claims["exp"] * 1000 <= self._office.now():
            raise wrong

    async def _mac(self, text: str) -> bytes:
        async with self._office.reading() as tx:
            secret = await tx.setting(SECRET)
        if secret is None:
            async with self._office.change() as change:
                secret = await change.tx.setting(SECRET) or self._office.entropy(SECRET_BYTES).hex()
                await change.tx.save_setting(SECRET, secret)
        return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).digest()


def _encoded(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
