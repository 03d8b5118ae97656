"""Signing in at the identity provider, and being signed out by it.

A sign-in that is under way is with its browser, sealed (`identity/oidc_state.py`): nothing is kept of it here, so that
strangers who begin as many as they like take nobody's room. It is good for ten minutes, once, and in the browser that
has its cookie. What the provider signs out ends here: the visits that it was for, and the tokens that the command line
got in them, with the sessions that those opened.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from daypass.domain.errors import Invalid, NotFound, Unauthenticated
from daypass.domain.people import SYSTEM
from daypass.domain.visit import lives
from daypass.identity import tokens
from daypass.identity.oidc import Provider
from daypass.identity.oidc_state import ID_BYTES, UnderWay, read
from daypass.services.joining import Joining
from daypass.services.office import Office
from daypass.services.revoking import Revoking
from daypass.services.tightening import Tightening
from daypass.services.tokens import Tokens
from daypass.services.visiting import Opened, Said, Visits

FLOW_MS = 10 * 60_000
"""As long as somebody needs to find their second factor."""
NEXT_CHARS_MAX = 500
CALLBACK = "/api/v1/sign-in/oidc/callback"
SIGNED_OUT = "/signed-out"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the cookie that binds what comes back to it."""

    url: str
    binding: str = field(repr=False)


class ProviderSignIn:
    """`provider`: None where the settings name none."""

    def __init__(
        self,
        office: Office,
        tokens: Tokens,
        visits: Visits,
        revoking: Revoking,
        tightening: Tightening,
        provider: Provider | None,
        public_url: str,
    ) -> None:
        self._office = office
        self._tokens = tokens
        self._visits = visits
        self._revoking = revoking
        self._tightening = tightening
        self._joining = Joining(office)
        self.provider = provider
        self._public_url = public_url

    async def begin(self, after: str, binding: str) -> Begun:
        """Send a browser to the provider. `after`: the page of ours that it comes to in the end; `binding`: the
        cookie that it has of an earlier beginning (or empty)."""
        provider, now = self._there(), self._office.now()
        binding = binding if tokens.well_formed(binding) else self._secret()
        id, page = self._office.entropy(ID_BYTES), local_path(after)
        flow = UnderWay(id, _hash(binding), now + FLOW_MS, page, await self._key())
        url = await provider.begin(self._public_url + CALLBACK, flow.state(), flow.nonce, flow.verifier)
        return Begun(url, binding)

    async def came_back(self, state: str, binding: str) -> UnderWay:
        """The sign-in that this browser, with this cookie, began. Raise `Unauthenticated` if it did not. Nothing is
        looked up for it, as any site can send a browser here."""
        self._there()
        flow = read(await self._key(), state)
        if flow is None or self._office.now() >= flow.expires_at:
            raise Unauthenticated("this sign-in was not begun here, or too long ago", hint="sign in again")
        if not hmac.compare_digest(flow.binding, _hash(binding)):
            raise Unauthenticated("this sign-in was begun in another browser", hint="sign in again")
        return flow

    async def finish(self, flow: UnderWay, code: str, issuer: str, client: str) -> tuple[Opened, str]:
        """Who came back, signed in, and where they go. `issuer`: what the answer says it comes from (RFC 9207)."""
        provider, now = self._there(), self._office.now()
        async with self._office.store.begin() as tx:
            # Remembered for longer than it is good for, as clocks of nodes differ.
            first = await tx.once(f"sign-in {flow.id.hex()}", now=now, until=flow.expires_at + FLOW_MS)
        if not first:
            raise Unauthenticated("this sign-in is over", hint="sign in again")
        await provider.check_source(issuer)
        told = await provider.finish(code, self._public_url + CALLBACK, flow.nonce, flow.verifier)
        said = Said(provider.registered.issuer, told.subject, told.sid, told.id_token)
        async with self._office.change() as change:
            person = await self._joining.arrive(change, told)
            opened = await self._visits.open(change, person, "oidc", client, said=said)
        if any(event.type == "person.changed" for event in change.events):
            await self._tightening.look()
        return opened, flow.after

    async def sign_out(self, token: str) -> int:
        """End what the provider says it has signed out (Back-Channel Logout 1.0). Returns how many visits."""
        provider = self._there()
        out = await provider.logged_out(token)
        issuer, now = provider.registered.issuer, self._office.now()
        async with self._office.change() as change:
            key = f"logout {issuer} {out.jti}"
            if not await change.tx.once(_hash(key).hex(), now=now, until=out.expires_at * 1000):
                raise Invalid("this logout token was used already")
            found = await change.tx.visits_born(issuer=issuer, subject=out.subject, sid=out.sid)
            over = await self._visits.close(change, [one for one in found if lives(one, now)], SYSTEM, "provider")
            await self._visits.revoke_made_in(change, found, SYSTEM)
        await self._revoking.settle()
        return len(over)

    async def elsewhere(self, hint: str) -> str:
        """Where a browser goes to sign out of the provider too; empty: nowhere."""
        return await self.provider.end_url(hint, self._public_url + SIGNED_OUT) if self.provider is not None else ""

    def _there(self) -> Provider:
        if self.provider is None:
            raise NotFound("no identity provider is set up here", hint="identity.oidc in the settings")
        return self.provider

    def _secret(self) -> str:
        return tokens.make(self._office.entropy(tokens.ENTROPY_BYTES))

    async def _key(self) -> bytes:
        """What sign-ins that are under way are sealed by, on every node of this installation."""
        return await self._tokens.seal(b"sign-in under way")


def local_path(after: str) -> str:
    """A page of ours; anything that a browser could take for another host is the first page."""
    plain = len(after) <= NEXT_CHARS_MAX and after.isascii() and after.isprintable() and "\\" not in after
    return after if plain and after.startswith("/") and not after.startswith("//") else "/"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
