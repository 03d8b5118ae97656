"""What a forger could send in the provider's name: ID tokens and logout tokens, and a provider that changes its keys.

The provider here answers what a test puts there: a real one signs no forgeries.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import KeySet, RSAKey

from daypass.domain.errors import Unauthenticated, Unavailable
from daypass.identity.oidc import ANEW_SECONDS, Provider, Registered
from daypass.identity.oidc_tokens import AGE_SECONDS_MAX, BACKCHANNEL, SKEW_SECONDS, Rejected, id_token, logout_token
from tests.servers.lying_provider import CLIENT, GOOD, ISSUER, KEY, NONCE, NOW, Lying, signed

OTHER = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
KEYS = KeySet([KEY])

OUT = {"iss": ISSUER, "aud": CLIENT, "sub": "s-1", "jti": "j", "iat": NOW, "exp": NOW + 60, "events": {BACKCHANNEL: {}}}


def read(token: str, now: int = NOW) -> Any:
    return id_token(token, KEYS, issuer=ISSUER, client=CLIENT, nonce=NONCE, now=now)


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


def plain(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned() -> str:
    return f"{plain({'alg': 'none'})}.{plain(GOOD)}."


def by_public_key() -> str:
    """Signed as with a shared secret, which is the public key that everybody has."""
    said = ".".join(plain(one) for one in ({"alg": "HS256", "kid": "k1"}, GOOD))
    mac = hmac.digest(KEY.as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def changed() -> str:
    head, _, rest = signed(GOOD).partition(".")
    return f"{head}.{plain({**GOOD, 'sub': 'somebody else'})}.{rest.partition('.')[2]}"


def test_what_the_provider_signs_is_believed() -> None:
    assert read(signed(GOOD))["sub"] == "s-1"
    several = {**GOOD, "aud": [CLIENT, "other"], "azp": CLIENT}
    assert read(signed(several))["sub"] == "s-1"
    assert read(signed({**GOOD, "iat": NOW + SKEW_SECONDS}))["sub"] == "s-1"


FORGED = {
    "no signature": unsigned(),
    "a shared secret that is the public key": by_public_key(),
    "another key under the same name": signed(GOOD, OTHER),
    "a changed body": changed(),
    "another issuer": signed({**GOOD, "iss": "https://evil.test"}),
    "an issuer with a slash more": signed({**GOOD, "iss": ISSUER + "/"}),
    "another audience": signed({**GOOD, "aud": "other"}),
    "no audience": signed(without(GOOD, "aud")),
    "several audiences and no azp": signed({**GOOD, "aud": [CLIENT, "other"]}),
    "issued to somebody else": signed({**GOOD, "azp": "other"}),
    "another nonce": signed({**GOOD, "nonce": "x"}),
    "no nonce": signed(without(GOOD, "nonce")),
    "expired": signed({**GOOD, "exp": NOW - SKEW_SECONDS}),
    "no expiry": signed(without(GOOD, "exp")),
    "from the future": signed({**GOOD, "iat": NOW + SKEW_SECONDS + 1}),
    "not yet good": signed({**GOOD, "nbf": NOW + SKEW_SECONDS + 1}),
    "kept by somebody": signed({**GOOD, "iat": NOW - AGE_SECONDS_MAX - SKEW_SECONDS - 1}),
    "nobody's": signed({**GOOD, "sub": ""}),
    "a number for a subject": signed({**GOOD, "sub": 7}),
    "a logout token": signed(without(OUT, "nonce")),
    "a text as a time": signed({**GOOD, "exp": "tomorrow"}),
    "no token": "x.y.z",
    "too long": "x" * 70_000,
}


@pytest.mark.parametrize("what", sorted(FORGED))
def test_a_forged_id_token_lets_nobody_in(what: str) -> None:
    with pytest.raises(Rejected):
        read(FORGED[what])


@pytest.mark.parametrize(
    ("what", "claims"),
    [
        ("no events", without(OUT, "events")),
        ("other events", {**OUT, "events": {"http://schemas.openid.net/event/other": {}}}),
        ("events that are no object", {**OUT, "events": [BACKCHANNEL]}),
        ("a nonce: it is an ID token", {**OUT, "nonce": NONCE}),
        ("no jti, so that it could come again", without(OUT, "jti")),
        ("nobody", without(OUT, "sub")),
        ("expired", {**OUT, "exp": NOW - SKEW_SECONDS}),
        ("old", {**without(OUT, "exp"), "iat": NOW - AGE_SECONDS_MAX - SKEW_SECONDS - 1}),
        ("another audience", {**OUT, "aud": "other"}),
        ("another issuer", {**OUT, "iss": "https://evil.test"}),
    ],
)
def test_a_forged_logout_token_signs_nobody_out(what: str, claims: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        logout_token(signed(claims), KEYS, issuer=ISSUER, client=CLIENT, now=NOW)


def test_a_good_logout_token_names_whom() -> None:
    out = logout_token(signed({**OUT, "sid": "x"}), KEYS, issuer=ISSUER, client=CLIENT, now=NOW)
    assert (out.subject, out.sid, out.jti) == ("s-1", "x", "j")


@pytest.fixture
def lying() -> Iterator[Lying]:
    with Lying() as made:
        yield made


class Watch:
    t = float(NOW)

    def __call__(self) -> float:
        return self.t


@pytest.fixture
def watch() -> Watch:
    return Watch()


def known(lying: Lying, watch: Watch) -> Provider:
    return Provider(Registered(lying.issuer, CLIENT, "secret"), watch)


async def arrive(provider: Provider) -> Any:
    return await provider.finish("code", "https://x", NONCE, "verifier")


async def test_new_keys_are_read_and_forgers_make_us_read_them_once_in_ten_seconds(lying: Lying, watch: Watch) -> None:
    provider = known(lying, watch)
    assert (await arrive(provider)).subject == "s-1"
    lying.signer = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
    watch.t += ANEW_SECONDS + 1
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await arrive(provider)
    assert lying.asked.count("/jwks_uri") == 2
    lying.keys = [KEY, lying.signer]
    with pytest.raises(Unauthenticated):
        await arrive(provider)
    watch.t += ANEW_SECONDS + 1
    assert (await arrive(provider)).subject == "s-1" and lying.asked.count("/jwks_uri") == 3
    lying.keys, watch.t = [lying.signer], watch.t + 4000
    lying.claims = {"iat": int(watch.t), "exp": int(watch.t) + 60}
    assert (await arrive(provider)).subject == "s-1"
    lying.signer = KEY  # the old key is gone, as after a leak
    with pytest.raises(Unauthenticated):
        await arrive(provider)
    await provider.close()


async def test_groups_that_did_not_fit_let_nobody_in(lying: Lying, watch: Watch) -> None:
    provider = known(lying, watch)
    assert (await arrive(provider)).groups == {"a"}
    lying.claims = {"groups": None, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}
    with pytest.raises(Unauthenticated):
        await arrive(provider)
    lying.claims = {"groups": None}
    assert (await arrive(provider)).groups is None
    await provider.close()


async def test_an_answer_from_another_issuer_is_none(lying: Lying, watch: Watch) -> None:
    """Mix-up (RFC 9207): a provider that always says who it is, is not believed when it does not."""
    provider = known(lying, watch)
    await provider.check_source("")
    await provider.check_source(lying.issuer)
    with pytest.raises(Unauthenticated):
        await provider.check_source("https://evil.test")
    await provider.close()
    lying.metadata["authorization_response_iss_parameter_supported"] = True
    strict = known(lying, watch)
    await strict.check_source(lying.issuer)
    with pytest.raises(Unauthenticated):
        await strict.check_source("")
    await strict.close()


async def test_a_provider_of_another_name_is_not_ours(lying: Lying, watch: Watch) -> None:
    lying.metadata["issuer"] = "https://evil.test"
    with pytest.raises(Unavailable):
        await known(lying, watch).begin("https://x", "s", "n", "v")
