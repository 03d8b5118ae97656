"""Sealed one-time codes: made in advance for a target, kept on paper, good once, from any native client.

A code opens its target when the API cannot be reached from where the person is: they sign in at the gateway's own port
as `glass:EMAIL` with the code as their password, and that breaks the glass in their name, as long as a rule of policy
lets them. Who signs in says who they are; that they hold the envelope is what the code proves, and both are told to
everybody at once. Only verifiers are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from daypass.domain.durations import DAY_MS
from daypass.domain.errors import Conflict, Invalid, NotFound, Refused, Unauthenticated
from daypass.domain.events import Event
from daypass.domain.people import GLASS, OPERATOR
from daypass.domain.policy import policy_of
from daypass.domain.rules import Rule
from daypass.domain.standing import SealedCode
from daypass.domain.target import Target
from daypass.services.asked import NOTHING, look_outside
from daypass.services.asking import Wish
from daypass.services.glass import Glass
from daypass.services.office import Office
from daypass.services.tokens import Tokens, stands

CODES_MAX = 20
"""Unused codes a target: envelopes that somebody can still account for."""

LASTS_MS = 366 * DAY_MS
"""A code that nobody renews is gone within a year."""

ENTROPY_BYTES = 20
GROUP_CHARS = 5
GROUPS = 6
_DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 letters and digits, without those that look alike on paper (I, O, 0, 1): 30 of them are 150 bits."""


@dataclass(frozen=True, slots=True)
class Made:
    """New codes, to be printed and sealed, now and never again."""

    target: str
    codes: tuple[str, ...] = field(repr=False)
    expires_at: int


class Codes:
    """Makes codes, and lets one in."""

    def __init__(self, office: Office, tokens: Tokens, glass: Glass) -> None:
        self._office = office
        self._tokens = tokens
        self._glass = glass

    async def make(self, target: str, count: int) -> Made:
        """New codes for a target. The operator's verb."""
        if target not in self._office.targets:
            raise NotFound(f"there is no target {target}", hint="targets in the settings")
        if not 0 < count <= CODES_MAX:
            raise Invalid(f"from 1 to {CODES_MAX} codes at once")
        now = self._office.now()
        secrets = tuple(_code(self._office.entropy(ENTROPY_BYTES)) for _ in range(count))
        async with self._office.change() as change:
            if len(await change.tx.codes(target=target, live_at=now)) + count > CODES_MAX:
                raise Conflict(f"{target} has unused codes already; {CODES_MAX} are the most")
            ids = []
            for secret in secrets:
                stored, server = await self._tokens.code_keys(secret)
                code = SealedCode(self._office.new_id(), target, stored, server, now, now + LASTS_MS)
                ids.append(code.id)
                await change.tx.save_code(code)
            body = {"codes": ids, "expires_at": now + LASTS_MS}
            place = self._office.target_ref(target)
            await change.record(Event("glass.codes_made", now, OPERATOR, target=place, body=body))
        return Made(target, secrets, now + LASTS_MS)

    async def open(self, token_id: str, target: str, role: str | None, client: str) -> None:
        """Use a code up and break the glass with it, in one commit. Raise `Refused` if it is for another target, or
        policy lets this person break no glass there: the code then stays good."""
        code_id, person_id = split_token(token_id)
        found = self._office.targets.get(target)
        known = await look_outside(self._office, found, "") if found is not None else NOTHING
        async with self._office.change() as change:
            code, person = await change.tx.code_for_change(code_id), await change.tx.person(person_id)
            now = self._office.now()
            if code is None or code.used_at is not None or now >= code.expires_at:
                raise Unauthenticated("this code is not good any more")
            if person is None or not await stands(change.tx, person):
                raise Unauthenticated("this code is not good any more")
            if found is None or code.target != target:
                raise Refused("this code is for another target")
            rule, wanted = self._rule(found, role, sorted(person.groups), person.email)
            glass = rule.break_glass
            assert glass is not None
            reason = f"a sealed code was opened, from {client}"
            longest = policy_of(self._office.policies.current.policies, found)
            most = longest.limits.longest_ms if longest is not None else None
            wish = Wish(target, wanted, min(glass.longest_ms, most or glass.longest_ms), reason)
            await change.tx.save_code(replace(code, used_at=now, used_by=person.id))
            await self._glass.broken(change, person, found, wish, known)

    def _rule(self, target: Target, role: str | None, groups: list[str], email: str) -> tuple[Rule, str]:
        policy = policy_of(self._office.policies.current.policies, target)
        names = {email, *(f"group:{group}" for group in groups)}
        rules = [
            (rule, name)
            for rule in (policy.rules if policy is not None else ())
            for name in rule.roles
            if rule.break_glass is not None and names & set(rule.who) and role in (None, name)
        ]
        if not rules:
            raise Refused(f"no rule lets you break the glass of {target.name}")
        if len({name for _, name in rules}) > 1:
            choices = sorted({f"{target.name}:{name}" for _, name in rules})
            raise Refused("name a role", hint=f"connect to {' or '.join(choices)}")
        return rules[0]


def split_token(token_id: str) -> tuple[str, str]:
    """The code and the person of what a sign-in with a code is known by."""
    _, code, person = token_id.split("/")
    return code, person


def is_code(token_id: str) -> bool:
    """Whether a sign-in was with a sealed code."""
    return token_id.startswith(f"{GLASS}/")


def _code(entropy: bytes) -> str:
    number = int.from_bytes(entropy, "big")
    digits = "".join(_DIGITS[(number >> (5 * n)) & 31] for n in range(GROUP_CHARS * GROUPS))
    return "-".join(digits[at : at + GROUP_CHARS] for at in range(0, len(digits), GROUP_CHARS))
