"""AWS Signature Version 4 for one POST to `/`: the headers that sign it. Pure; the time is an argument.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs: an access key, its secret, and the token of a temporary one."""

    access: str
    secret: str = field(repr=False)
    session: str = field(default="", repr=False)


def signed(
    keys: Keys, region: str, service: str, host: str, headers: Mapping[str, str], body: bytes, stamp: str
) -> dict[str, str]:
    """All headers of the request. `stamp` is the time as `20261125T120000Z`."""
    given = {name.lower(): value for name, value in headers.items()} | {"host": host, "x-amz-date": stamp}
    if keys.session:
        given["x-amz-security-token"] = keys.session
    names = ";".join(sorted(given))
    lines = "".join(f"{name}:{given[name].strip()}\n" for name in sorted(given))
    asked = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(asked.encode()).hexdigest()))
    key = f"AWS4{keys.secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    said = f"{ALGORITHM} Credential={keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**{name: value for name, value in given.items() if name != "host"}, "authorization": said}
