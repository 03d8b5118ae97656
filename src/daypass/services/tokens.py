"""Tokens: makes them, knows their holder and what they are good for. The secret is returned once and kept nowhere.

`revoking.py` takes them away."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from daypass.domain.durations import DAY_MS, MINUTE_MS
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused, Unauthenticated
from daypass.domain.events import Event
from daypass.domain.people import GLASS, Actor, Person, SignIn, Verifier
from daypass.domain.roles import Verb
from daypass.domain.token_scopes import API, CONNECT, SCIM, check_scopes, covers, within
from daypass.identity import scram, tokens
from daypass.services.locked import check_person
from daypass.services.office import Office, acting
from daypass.store.interface import Token, Transaction

TOKENS_MAX = 16
"""Live tokens a person: a proof is tried against so many, whoever it is for, and who needs more has lost count."""

LASTS_MS = 90 * DAY_MS
"""How long a token is good for unless asked otherwise."""

LASTS_MAX_MS = 366 * DAY_MS
"""How long a token may be good for at most."""

USED_MS = MINUTE_MS
"""`last_used_at` is this exact; writing it for each call would cost a commit each."""

LABEL_CHARS_MAX = 100

CODES_TRIED_MAX = 400
"""Sealed codes that a proof is tried against: each costs three hashes."""

CODE_USED_MS = MINUTE_MS
"""How long after it was used up a code lets its session in: the two follow at once."""

SCRAM_SECRET = "scram_secret"
"""The setting from which every name's salt is made."""

NOTHING = Verifier("", bytes(scram.KEY_BYTES), bytes(scram.KEY_BYTES))
"""Tried like a token's, and proven by nothing: nobody knows what hashes to zeros."""

SEAL = b"daypass seal\n"
"""Seals have a key of their own: of salts, which are made from the same secret, strangers are told by any name."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; `secret` is what its holder gets, now and never again."""

    token: Token
    secret: str = field(repr=False)


class Tokens:
    """What people prove who they are with."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._secret = b""

    async def start(self) -> None:
        """Read the installation's secret, or make it on the first start."""
        async with self._office.store.begin() as tx:
            stored = await tx.setting(SCRAM_SECRET)
            if stored is None:
                stored = self._office.entropy(scram.SECRET_BYTES).hex()
                await tx.save_setting(SCRAM_SECRET, stored)
        self._secret = bytes.fromhex(stored)

    async def issue(
        self,
        person: str,
        by: Actor,
        *,
        label: str = "",
        lasts_ms: int = LASTS_MS,
        scopes: Sequence[str] = (),
        until: int | None = None,
        visit: str = "",
    ) -> Issued:
        """A new token for the person with this id, good for these scopes (none: for everything), and never longer than
        `until`. `visit`: the one in which it is made, and with which it ends."""
        scopes = check_scopes(scopes, self._office.targets)
        if not 0 < lasts_ms <= LASTS_MAX_MS:
            raise Invalid("a token is good for at most a year")
        if len(label) > LABEL_CHARS_MAX:
            raise Invalid(f"a label has at most {LABEL_CHARS_MAX} characters")
        await self._started()
        async with self._office.change() as change:
            now = self._office.now()
            holder = await change.tx.person(person)
            if holder is None or holder.disabled:
                raise NotFound("there is no such person")
            if SCIM in scopes and not self._office.may(holder, Verb.PROVISION):
                raise Invalid(f"{holder.email} does not speak for a directory", hint="identity.scim.account")
            if len(await change.tx.tokens_of(person, live_at=now)) >= TOKENS_MAX:
                raise Conflict(f"{holder.email} has {TOKENS_MAX} tokens already", hint="revoke one first")
            expires_at = now + lasts_ms if until is None else min(now + lasts_ms, until)
            issued = self._make(holder, now, expires_at, label, scopes, visit)
            await change.tx.save_token(issued.token)
            body: dict[str, object] = {"token": issued.token.id, "person": person}
            body |= {"expires_at": issued.token.expires_at, "scopes": list(scopes)}
            secret = {"label": label} if label else {}
            await change.record(Event("token.issued", now, by, body=body, secret=secret))
        return issued

    async def issue_by(
        self, by: Person, held: Token, email: str, *, label: str, lasts_ms: int, scopes: Sequence[str]
    ) -> tuple[Person, Issued]:
        """A new token for oneself or for an agent of one's own, asked for with the token `held`: it can do no more
        than that one, and lasts no longer. Returns whose it is as well."""
        async with self._office.reading() as tx:
            holder = await tx.person_by_email(email.strip().lower()) if email else await tx.person(by.id)
        if holder is None or by.id not in (holder.id, holder.agent_of):
            raise NotFound(f"there is nobody with the address {email} whose tokens are yours", hint="daypass whoami")
        scopes = check_scopes(scopes, self._office.targets)
        if SCIM in scopes and SCIM not in held.scopes:
            raise Refused("only the operator makes tokens of the scope scim", hint="daypass people token --scope scim")
        if not within(held.scopes, scopes):
            raise Refused(
                "a token can make none that can do more than itself", hint=f"--scope {' --scope '.join(held.scopes)}"
            )
        issued = await self.issue(
            holder.id,
            acting(by),
            label=label,
            lasts_ms=lasts_ms,
            scopes=scopes,
            until=held.expires_at,
            visit=held.visit,
        )
        return holder, issued

    def _make(
        self, holder: Person, now: int, expires_at: int, label: str, scopes: tuple[str, ...], visit: str
    ) -> Issued:
        secret = tokens.make(self._office.entropy(tokens.ENTROPY_BYTES))
        stored_key, server_key = scram.keys(secret, scram.salt(self._secret, holder.email))
        token = Token(
            id=self._office.new_id(),
            person=holder.id,
            sha256=tokens.sha256(secret),
            stored_key=stored_key,
            server_key=server_key,
            created_at=now,
            expires_at=expires_at,
            label=label,
            scopes=scopes,
            visit=visit,
        )
        return Issued(token, secret)

    async def sign_in(self, name: str) -> SignIn:
        """What a listener checks this name's proof against: as many verifiers for a name that nobody has, and for who
        has no live token, as for anybody else."""
        await self._started()
        if name.startswith(f"{GLASS}:"):
            return await self._sign_in_by_code(name.partition(":")[2])
        async with self._office.reading() as tx:
            person = await tx.person_by_email(name.strip().lower())
            known = person is not None and not person.disabled
            live = await tx.tokens_of(person.id if known and person else "", live_at=self._office.now())
        verifiers = tuple(Verifier(token.id, token.stored_key, token.server_key) for token in live)
        nothing = (NOTHING,) * (TOKENS_MAX - len(verifiers))
        return SignIn(scram.salt(self._secret, name), scram.ITERATIONS, verifiers + nothing)

    async def _sign_in_by_code(self, email: str) -> SignIn:
        """Any unused code will do for anybody whom we know; for which target it is good is asked when it opens one. For
        others as many are tried that nothing proves, so that it takes as long."""
        async with self._office.reading() as tx:
            person = await tx.person_by_email(email.strip().lower())
            known = person is not None and not person.disabled
            live = await tx.codes(live_at=self._office.now())
        verifiers = tuple(
            Verifier(f"{GLASS}/{code.id}/{person.id}", code.stored_key, code.server_key)
            if known and person is not None
            else NOTHING
            for code in live[:CODES_TRIED_MAX]
        )
        return SignIn(scram.salt(self._secret, GLASS), scram.ITERATIONS, verifiers)

    async def seal(self, told: bytes) -> bytes:
        """What only this installation, with all its nodes, could have added to it."""
        await self._started()
        return hmac.digest(hashlib.sha256(SEAL + self._secret).digest(), told, "sha256")

    async def code_keys(self, code: str) -> tuple[bytes, bytes]:
        """What is kept of a sealed code."""
        await self._started()
        return scram.keys(code, scram.salt(self._secret, GLASS))

    async def authenticate(self, secret: str, client: str, scope: str = API) -> tuple[Person, Token]:
        """Who holds this token, which has to be good for `scope`. Raise `Unauthenticated`, in the same words whatever
        is wrong with it; `Refused` for somebody who is locked, and for another scope."""
        if not tokens.well_formed(secret):
            raise _nobody()
        async with self._office.reading() as tx:
            token = await tx.token_by_sha256(tokens.sha256(secret))
            person = await self._holder(tx, token)
            if person is not None:
                await check_person(tx, person, self._office.now(), self._office.everybody)
        if token is None or person is None:
            raise _nobody()
        _check_scope(token, scope)
        await self.used(token, client)
        return person, token

    async def opening(self, tx: Transaction, token_id: str, target: str, client: str) -> Person:
        """The person whose live token is about to open a session at this target, with a note that it was used. Raise
        `Refused` for a token that is not for it."""
        person = await self.holder(tx, token_id)
        token = await tx.token(token_id)
        if token is not None:
            _check_scope(token, CONNECT + target)
            await tx.note_use(token.id, self._office.now(), client)
        return person

    async def holder(self, tx: Transaction, token_id: str) -> Person:
        """The person whose live token this is, for a listener that has checked the proof itself."""
        if token_id.startswith(f"{GLASS}/"):
            return await self._holder_of_code(tx, token_id)
        person = await self._holder(tx, await tx.token(token_id))
        if person is None:
            raise _nobody()
        return person

    async def _holder_of_code(self, tx: Transaction, token_id: str) -> Person:
        """Who has just used this code up."""
        _, code_id, person_id = token_id.split("/")
        code, person = await tx.code_for_change(code_id), await tx.person(person_id)
        just = code is not None and code.used_at is not None and self._office.now() - code.used_at < CODE_USED_MS
        if code is None or not just or code.used_by != person_id or person is None or not await stands(tx, person):
            raise _nobody()
        return person

    async def _holder(self, tx: Transaction, token: Token | None) -> Person | None:
        if token is None or token.revoked_at is not None or self._office.now() >= token.expires_at:
            return None
        person = await tx.person(token.person)
        return person if person is not None and await stands(tx, person) else None

    async def used(self, token: Token, client: str) -> None:
        """Note that a token was used, at most once a minute."""
        now = self._office.now()
        if token.last_used_at is not None and now - token.last_used_at < USED_MS:
            return
        async with self._office.store.begin() as tx:
            await tx.note_use(token.id, now, client)

    async def _started(self) -> None:
        if not self._secret:
            await self.start()


async def stands(tx: Transaction, person: Person) -> bool:
    """Whether this account may do anything: it is not disabled, and neither is the person whose agent it is."""
    owner = await tx.person(person.agent_of) if person.agent_of else person
    return not person.disabled and owner is not None and not owner.disabled


def _check_scope(token: Token, scope: str) -> None:
    if not covers(token.scopes, scope):
        raise Refused(
            f"this token is not good for {scope}, but for {', '.join(token.scopes)}", hint="daypass token new"
        )


def _nobody() -> Unauthenticated:
    return Unauthenticated("nobody holds this token", hint="daypass login URL --token T")
