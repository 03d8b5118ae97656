"""Signing in at the identity provider, and being signed out by it.

A sign-in is begun here (state, nonce and PKCE's verifier are kept for ten minutes, bound to the browser by a cookie),
and finished once. What the provider signs out ends here: the visits that it was for, and the tokens that the command
line got in them, with the sessions that those opened.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from daypass.domain.errors import Invalid, NotFound, TooMany, Unauthenticated
from daypass.domain.people import SYSTEM
from daypass.domain.visit import lives
from daypass.identity import tokens
from daypass.identity.oidc import Provider
from daypass.services.joining import Joining
from daypass.services.office import Office
from daypass.services.revoking import Revoking
from daypass.services.tightening import Tightening
from daypass.services.visiting import Opened, Said, Visits
from daypass.store.visiting import Flow

KIND = "oidc"
FLOW_MS = 10 * 60_000
"""As long as somebody needs to find their second factor."""
FLOWS_MAX = 10_000
"""Sign-ins that are under way at once; more are an attack on our store."""
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
        visits: Visits,
        revoking: Revoking,
        tightening: Tightening,
        provider: Provider | None,
        public_url: str,
    ) -> None:
        self._office = office
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
        state, nonce, verifier = self._secret(), self._secret(), self._secret() + self._secret()
        url = await provider.begin(self._public_url + CALLBACK, state, nonce, verifier)
        about = {"nonce": nonce, "verifier": verifier, "next": local_path(after), "binding": _hash(binding)}
        async with self._office.store.begin() as tx:
            await tx.prune_flows(now)
            if await tx.count_flows(KIND, live_at=now) >= FLOWS_MAX:
                raise TooMany("too many sign-ins are under way", hint="wait a minute", wait_ms=60_000)
            await tx.save_flow(Flow(_hash(state), KIND, "", "", about, now, now + FLOW_MS))
        return Begun(url, binding)

    async def finish(self, state: str, code: str, issuer: str, binding: str, client: str) -> tuple[Opened, str]:
        """Who came back, signed in, and where they go. `issuer`: what the answer says it comes from (RFC 9207)."""
        provider, now = self._there(), self._office.now()
        if not tokens.well_formed(binding):  # nothing is looked up for a browser that another site has sent here
            raise Unauthenticated("this sign-in was begun in another browser", hint="sign in again")
        async with self._office.store.begin() as tx:
            flow = await tx.flow_for_change(_hash(state))
            if flow is not None and flow.kind == KIND:
                await tx.drop_flow(flow.id)
        if flow is None or flow.kind != KIND or now >= flow.expires_at:
            raise Unauthenticated("this sign-in was not begun here, or too long ago", hint="sign in again")
        about = {name: str(value) for name, value in flow.about.items()}
        if not hmac.compare_digest(about["binding"], _hash(binding)):
            raise Unauthenticated("this sign-in was begun in another browser", hint="sign in again")
        await provider.check_source(issuer)
        told = await provider.finish(code, self._public_url + CALLBACK, about["nonce"], about["verifier"])
        said = Said(provider.registered.issuer, told.subject, told.sid, told.id_token)
        async with self._office.change() as change:
            person = await self._joining.arrive(change, told)
            opened = await self._visits.open(change, person, "oidc", client, said=said)
        if any(event.type == "person.changed" for event in change.events):
            await self._tightening.look()
        return opened, about["next"]

    async def sign_out(self, token: str) -> int:
        """End what the provider says it has signed out (Back-Channel Logout 1.0). Returns how many visits."""
        provider = self._there()
        out = await provider.logged_out(token)
        issuer, now = provider.registered.issuer, self._office.now()
        async with self._office.change() as change:
            key = f"logout {issuer} {out.jti}"
            if not await change.tx.once(_hash(key), now=now, until=out.expires_at * 1000):
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


def local_path(after: str) -> str:
    """A page of ours; anything that a browser could take for another host is the first page."""
    plain = len(after) <= NEXT_CHARS_MAX and after.isascii() and after.isprintable() and "\\" not in after
    return after if plain and after.startswith("/") and not after.startswith("//") else "/"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
