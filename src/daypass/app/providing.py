"""The identity provider that the settings name, as signing in asks it."""

from __future__ import annotations

import time

from daypass.config import Settings, read_secret
from daypass.identity.oidc import Provider, Registered


def make_provider(settings: Settings) -> Provider | None:
    """None where people sign in without one. Nobody is asked yet."""
    oidc = settings.oidc
    if oidc is None:
        return None
    registered = Registered(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=read_secret(oidc.client_secret),
        groups_claim=oidc.groups_claim,
        scopes=oidc.scopes,
        trust_email=oidc.trust_email,
        ca=oidc.ca,
    )
    return Provider(registered, time.time)
