"""Enrolling passkeys: what a browser is asked for, and what its answer is worth. The library `webauthn` reads
attestations; what a passkey signs later is checked by `domain/passkey_signature.py`, here as offline.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from daypass.domain.errors import DaypassError, Invalid
from daypass.domain.passkey import Passkey, RelyingParty
from daypass.domain.passkey_signature import ALGORITHMS, encode, read_cose
from daypass.domain.people import Person

CHALLENGE_MS = 5 * 60_000
"""As long as somebody looks for their security key. The browser gives up then."""
CREATE = "webauthn.create"
ANSWER_BYTES_MAX = 32 * 1024
"""An attestation with a chain of certificates has some kilobytes; ours have none."""
TRANSPORTS_MAX = 8


@dataclass(frozen=True, slots=True)
class Created:
    """What an authenticator made: the credential's id, its public key (COSE) and its counter."""

    credential: str
    public: bytes
    counter: int


def relying_party(public_url: str, site: str) -> RelyingParty | None:
    """What passkeys are for; None where none can be: the browser takes a name only, no address."""
    host = urlsplit(public_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(host, public_url, site)
    return None


def challenge_in(client_data: bytes) -> str:
    """The challenge that a browser says it answers. It is only a name to look up by. Raise `Invalid`."""
    try:
        said = json.loads(client_data.decode())
    except (ValueError, RecursionError):
        said = None
    challenge = said.get("challenge") if isinstance(said, dict) else None
    if not isinstance(challenge, str) or not challenge.isascii():
        raise Invalid("the browser's answer holds no challenge")
    return challenge


def creation_options(party: RelyingParty, person: Person, challenge: bytes, known: Sequence[Passkey]) -> dict[str, Any]:
    """PublicKeyCredentialCreationOptionsJSON: a discoverable passkey that verifies its person, and no attestation."""
    return {
        "rp": {"id": party.id, "name": f"Daypass {party.name}"},
        "user": {"id": encode(person.id.encode()), "name": person.email, "displayName": person.name or person.email},
        "challenge": encode(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in ALGORITHMS],
        "timeout": CHALLENGE_MS,
        "excludeCredentials": described(known),
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }


def request_options(party: RelyingParty, challenge: bytes, known: Sequence[Passkey]) -> dict[str, Any]:
    """PublicKeyCredentialRequestOptionsJSON. `known`: with which of them (none: with any that the browser finds)."""
    return {
        "challenge": encode(challenge),
        "rpId": party.id,
        "timeout": CHALLENGE_MS,
        "allowCredentials": described(known),
        "userVerification": "required",
    }


def described(known: Sequence[Passkey]) -> list[dict[str, Any]]:
    """PublicKeyCredentialDescriptorJSON of each."""
    return [{"type": "public-key", "id": one.credential, "transports": list(one.transports)} for one in known]


def check_created(party: RelyingParty, challenge: bytes, client_data: bytes, attestation: bytes) -> Created:
    """What a browser's answer to `creation_options` made. Raise `Invalid` for what is none. It may take a while."""
    from webauthn import verify_registration_response
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.exceptions import WebAuthnException
    from webauthn.helpers.structs import AuthenticatorAttestationResponse, RegistrationCredential

    if max(len(client_data), len(attestation)) > ANSWER_BYTES_MAX:
        raise Invalid("the browser's answer is too long")
    credential = _credential_in(attestation)
    answer = RegistrationCredential(
        id=encode(credential),
        raw_id=credential,
        response=AuthenticatorAttestationResponse(client_data_json=client_data, attestation_object=attestation),
    )
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
        )
        _check_frame(client_data)
        read_cose(made.credential_public_key)
    except WebAuthnException as problem:
        raise Invalid(f"this passkey cannot be enrolled: {problem}") from None
    except DaypassError:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever the library trips over in a stranger's bytes, it enrols nothing
        raise Invalid(f"this passkey cannot be enrolled: {type(problem).__name__}") from None
    return Created(encode(made.credential_id), made.credential_public_key, made.sign_count)


def _credential_in(attestation: bytes) -> bytes:
    """The credential id that stands in the attested data; the browser's own word for it is not asked."""
    from webauthn.helpers import parse_attestation_object

    try:
        attested = parse_attestation_object(attestation).auth_data.attested_credential_data
    except Exception as problem:  # noqa: BLE001 - as above
        raise Invalid(f"this passkey cannot be enrolled: {type(problem).__name__}") from None
    if attested is None:
        raise Invalid("this passkey cannot be enrolled: the authenticator made none")
    return bytes(attested.credential_id)


def _check_frame(client_data: bytes) -> None:
    """Raise `Invalid` for an answer given in a page within another site's page, which the library does not look at."""
    said = json.loads(client_data)
    if said.get("crossOrigin") not in (None, False) or "topOrigin" in said:
        raise Invalid("a passkey is not enrolled in a page within another site's page")


def flow_id(challenge: str) -> str:
    """By what a challenge is kept."""
    return hashlib.sha256(challenge.encode()).hexdigest()
