"""One OpenID provider, as a client of it (OpenID Connect Core 1.0, authorization code with PKCE; Discovery 1.0).

It is asked when somebody signs in, and never otherwise: who is signed in stays so while it is away. Its metadata and
keys are read when they are needed first and kept for a while; a signature by a key that is not among them has the keys
read again, at most once in ten seconds, as anybody can send one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from daypass.domain.errors import Unauthenticated, Unavailable
from daypass.identity import oidc_tokens
from daypass.identity.oidc_tokens import LoggedOut, Rejected, UnknownKey

ASK_SECONDS_MAX = 8.0
"""One question; the person waits in front of their browser."""
ANSWER_BYTES_MAX = 1 << 20
KEPT_SECONDS = 3600
"""How long metadata and keys are kept."""
ANEW_SECONDS = 10
"""How soon after one another keys may be read again."""
SCOPES = "openid email profile"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Registered:
    """How we are known to the provider. `scopes`: what is asked for; `trust_email`: whether an address counts that the
    provider does not say to have verified; `ca`: the authority of its certificate, if not the machine's."""

    issuer: str
    client_id: str
    client_secret: str
    groups_claim: str = "groups"
    scopes: str = SCOPES
    trust_email: bool = False
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody, as the provider tells of them."""

    subject: str
    email: str
    email_verified: bool
    name: str
    groups: frozenset[str] | None
    """None: it told of no groups."""
    sid: str
    id_token: str


class Provider:
    """`now`: seconds since 1970."""

    def __init__(self, registered: Registered, now: Callable[[], float]) -> None:
        self.registered = registered
        self._now = now
        self._metadata: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = {"metadata": float("-inf"), "keys": float("-inf")}
        self._client: Any = None
        self._reading = asyncio.Lock()

    async def begin(self, back: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. `back`: where it comes back to; `verifier`: PKCE's, kept by us."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.registered.client_id,
            "redirect_uri": back,
            "scope": self.registered.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = await self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def finish(self, code: str, back: str, nonce: str, verifier: str) -> Arrived:
        """Who came back with this code. Raises `Unauthenticated`, `Unavailable`."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        answer = await self._token(form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise self._refused("the provider sent no ID token")
        claims = await self._checked(token, nonce)
        if not {"email", self.registered.groups_claim} <= claims.keys():
            claims = {**await self._user_info(answer, claims["sub"]), **claims}
        return self._arrived(claims, token)

    async def check_source(self, issuer: str) -> None:
        """Raise `Unauthenticated` unless an answer that says to come from `issuer` (empty: says nothing) is this
        provider's (RFC 9207). One that always says so is not believed without it."""
        says = (await self._metadata_now()).get("authorization_response_iss_parameter_supported") is True
        if issuer != self.registered.issuer and (issuer or says):
            raise self._refused("the answer is from another issuer")

    async def logged_out(self, token: str) -> LoggedOut:
        """Whom a logout token signs out. Raises `Unauthenticated`, `Unavailable`."""
        about = {"issuer": self.registered.issuer, "client": self.registered.client_id}
        try:
            try:
                return oidc_tokens.logout_token(token, await self._key_set(), now=int(self._now()), **about)
            except UnknownKey:
                keys = await self._key_set(anew=True)
                return oidc_tokens.logout_token(token, keys, now=int(self._now()), **about)
        except Rejected as problem:
            raise self._refused(str(problem)) from None

    async def end_url(self, hint: str, back: str) -> str:
        """Where a browser goes to sign out of the provider too; empty: it has no such place, or is away."""
        try:
            metadata = await self._metadata_now()
        except Unavailable:
            return ""
        endpoint = metadata.get("end_session_endpoint")
        if not isinstance(endpoint, str):
            return ""
        asked = {"client_id": self.registered.client_id, "post_logout_redirect_uri": back}
        asked |= {"id_token_hint": hint} if hint else {}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    # -- what is signed -----------------------------------------------------------------------------------------

    async def _checked(self, token: str, nonce: str) -> Mapping[str, Any]:
        about = {"issuer": self.registered.issuer, "client": self.registered.client_id, "nonce": nonce}
        try:
            try:
                return oidc_tokens.id_token(token, await self._key_set(), now=int(self._now()), **about)
            except UnknownKey:
                keys = await self._key_set(anew=True)
                return oidc_tokens.id_token(token, keys, now=int(self._now()), **about)
        except Rejected as problem:
            raise self._refused(str(problem)) from None

    def _arrived(self, claims: Mapping[str, Any], token: str) -> Arrived:
        groups, elsewhere = claims.get(self.registered.groups_claim), claims.get("_claim_names")
        if groups is None and isinstance(elsewhere, Mapping) and self.registered.groups_claim in elsewhere:
            # Entra, for who is in more than 200: nobody is let in with half of what they are.
            raise self._refused("their groups did not fit into the token: have the provider send fewer of them")
        told = frozenset(one for one in groups if isinstance(one, str)) if isinstance(groups, list) else None
        return Arrived(
            subject=claims["sub"],
            email=_text(claims, "email").strip().lower(),
            email_verified=claims.get("email_verified") is True or self.registered.trust_email,
            name=_text(claims, "name") or _text(claims, "preferred_username"),
            groups=told,
            sid=_text(claims, "sid"),
            id_token=token,
        )

    async def _user_info(self, answer: Mapping[str, Any], subject: str) -> Mapping[str, Any]:
        """What the provider tells of this very person beside the ID token (Core, 5.3)."""
        endpoint = (await self._metadata_now()).get("userinfo_endpoint")
        access = answer.get("access_token")
        if not isinstance(endpoint, str) or not isinstance(access, str):
            return {}
        told = await self._ask("GET", endpoint, headers={"Authorization": f"Bearer {access}"})
        if told.get("sub") != subject:
            raise self._refused("the provider told of somebody else than it signed")
        return {name: value for name, value in told.items() if name not in ("sub", "iss", "aud", "sid")}

    # -- asking -------------------------------------------------------------------------------------------------

    async def _token(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        metadata, known = await self._metadata_now(), self.registered
        ways = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        headers, more = {}, {}
        if "client_secret_basic" in ways:
            pair = f"{quote_plus(known.client_id)}:{quote_plus(known.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            more = {"client_id": known.client_id, "client_secret": known.client_secret}
        return await self._ask("POST", await self._endpoint("token_endpoint"), headers=headers, form={**form, **more})

    async def _endpoint(self, name: str) -> str:
        found = (await self._metadata_now()).get(name)
        if not isinstance(found, str) or not found.startswith(("https://", "http://")):
            raise Unavailable(f"the identity provider names no {name}", hint="identity.oidc.issuer in the settings")
        return found

    async def _metadata_now(self) -> Mapping[str, Any]:
        async with self._reading:
            if self._now() - self._read_at["metadata"] > KEPT_SECONDS:
                url = f"{self.registered.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = await self._ask("GET", url)
                if found.get("issuer") != self.registered.issuer:
                    raise Unavailable("the identity provider calls itself by another name than identity.oidc.issuer")
                self._metadata, self._read_at["metadata"] = found, self._now()
        return self._metadata

    async def _key_set(self, *, anew: bool = False) -> KeySet:
        endpoint = await self._endpoint("jwks_uri")
        async with self._reading:
            if self._keys is None or self._now() - self._read_at["keys"] > (ANEW_SECONDS if anew else KEPT_SECONDS):
                found = await self._ask("GET", endpoint)
                self._keys, self._read_at["keys"] = _signing_keys(found), self._now()
            return self._keys

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """One JSON object. Raises `Unavailable` for what did not answer, `Unauthenticated` for a no."""
        import httpx2

        if self._client is None:
            ca = self.registered.ca
            tls = ssl.create_default_context(cafile=str(ca) if ca else None)
            self._client = httpx2.AsyncClient(verify=tls, timeout=ASK_SECONDS_MAX, trust_env=False)
        sent = {"Accept": "application/json", **(headers or {})}
        try:
            async with asyncio.timeout(ASK_SECONDS_MAX):
                async with self._client.stream(method, url, headers=sent, data=form) as answer:
                    body = b""
                    async for part in answer.aiter_bytes():
                        body += part
                        if len(body) > ANSWER_BYTES_MAX:
                            raise Unavailable("the identity provider's answer is too long")
                    status = answer.status_code
        except (TimeoutError, httpx2.HTTPError, OSError) as problem:
            raise Unavailable(f"the identity provider cannot be asked ({type(problem).__name__})") from None
        if status in (400, 401, 403):
            raise self._refused(f"the provider answered with status {status}")
        try:
            found = json.loads(body) if status == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unavailable(f"the identity provider answered with something else (status {status})")
        return found

    def _refused(self, why: str) -> Unauthenticated:
        log.warning("a sign-in by the identity provider was refused", why=why)
        return Unauthenticated("the identity provider's word does not hold", hint="sign in again")


def _signing_keys(found: Mapping[str, Any]) -> KeySet:
    """The public keys that sign; what we cannot read is left out, as providers also list keys of other kinds."""
    kept = KeySet([])
    for one in found.get("keys", ()):
        if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig":
            try:
                kept.keys.extend(KeySet.import_key_set({"keys": [one]}).keys)
            except (JoseError, ValueError, KeyError, TypeError):
                continue
    if not kept.keys:
        raise Unavailable("the identity provider lists no key that signs")
    return kept


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
