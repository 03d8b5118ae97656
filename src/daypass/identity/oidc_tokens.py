"""What an OpenID provider signs: ID tokens (OpenID Connect Core, 3.1.3.7) and logout tokens (Back-Channel Logout, 2.6).

Pure: keys and the time are arguments. Every failure is `Rejected`, with a reason for our own log.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

SKEW_SECONDS = 60
"""How far the provider's clock may be from ours."""
AGE_SECONDS_MAX = 600
"""An ID token is used at once; an older one was kept by somebody."""
TOKEN_CHARS_MAX = 64 * 1024
"""Group claims can be long; longer than this nobody means."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures with the provider's own key: never `none`, never one with our shared secret."""
BACKCHANNEL = "http://schemas.openid.net/event/backchannel-logout"


class Rejected(Exception):
    """What came is not what the provider signs for us now."""


class UnknownKey(Rejected):
    """It is signed with a key that we have not seen: the provider may have changed its keys."""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """Whom the provider signed out: a person (`subject`), one sign-in of theirs (`sid`), or both."""

    subject: str
    sid: str
    jti: str
    expires_at: int


def id_token(token: str, keys: KeySet, *, issuer: str, client: str, nonce: str, now: int) -> Mapping[str, Any]:
    """The claims of an ID token for us. `now` in seconds."""
    claims = _read(token, keys, issuer, client, now)
    if not hmac.compare_digest(str(claims.get("nonce")).encode(errors="replace"), nonce.encode()):
        raise Rejected("its nonce is not ours")
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if claims.get("azp", client) != client or (several and "azp" not in claims):
        raise Rejected("it was issued for somebody else")
    if not isinstance(claims.get("exp"), int | float) or claims["exp"] <= now - SKEW_SECONDS:
        raise Rejected("it has expired")
    if claims["iat"] < now - AGE_SECONDS_MAX - SKEW_SECONDS:
        raise Rejected("it is too old")
    if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
        raise Rejected("it names nobody")
    return claims


def logout_token(token: str, keys: KeySet, *, issuer: str, client: str, now: int) -> LoggedOut:
    """Whom a logout token signs out. The caller sees that each `jti` counts once."""
    claims = _read(token, keys, issuer, client, now)
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(BACKCHANNEL), Mapping):
        raise Rejected("it is no logout token")
    if "nonce" in claims:
        raise Rejected("a logout token has no nonce")
    subject, sid, jti = (claims.get(name, "") for name in ("sub", "sid", "jti"))
    if not all(isinstance(one, str) for one in (subject, sid, jti)) or not jti or not (subject or sid):
        raise Rejected("it names nobody")
    expires = claims.get("exp", claims["iat"] + AGE_SECONDS_MAX)
    if not isinstance(expires, int | float) or expires <= now - SKEW_SECONDS:
        raise Rejected("it has expired")
    if claims["iat"] < now - AGE_SECONDS_MAX - SKEW_SECONDS:
        raise Rejected("it is too old")
    return LoggedOut(subject, sid, jti, int(expires) + SKEW_SECONDS)


def _read(token: str, keys: KeySet, issuer: str, client: str, now: int) -> dict[str, Any]:
    if len(token) > TOKEN_CHARS_MAX:
        raise Rejected("it is too long")
    try:
        read = jwt.decode(token, keys, algorithms=ALGORITHMS)
    except JoseError as problem:
        kind = UnknownKey if problem.error in ("invalid_key_id", "missing_key", "bad_signature") else Rejected
        raise kind(f"it is not signed by the provider ({problem.error})") from None
    except (ValueError, TypeError, KeyError) as problem:
        raise UnknownKey(f"it cannot be read ({type(problem).__name__})") from None
    claims = dict(read.claims)
    audience = claims.get("aud")
    if claims.get("iss") != issuer:
        raise Rejected("it is from another issuer")
    if client not in ([audience] if isinstance(audience, str) else _texts(audience)):
        raise Rejected("it is for somebody else")
    if not isinstance(claims.get("iat"), int | float) or claims["iat"] > now + SKEW_SECONDS:
        raise Rejected("it is from the future")
    if isinstance(claims.get("nbf"), int | float) and claims["nbf"] > now + SKEW_SECONDS:
        raise Rejected("it is from the future")
    return claims


def _texts(value: object) -> Sequence[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
