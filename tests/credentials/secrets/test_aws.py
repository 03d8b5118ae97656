"""AWS Secrets Manager and KMS as moto serves them; signatures as botocore makes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from daypass.config.vaults import AwsSettings, SealedSettings
from daypass.credentials.secrets.aws import Aws
from daypass.credentials.secrets.sealed import Sealed, Sealer
from daypass.credentials.secrets.signature_v4 import Keys, signed
from daypass.domain.errors import Unavailable
from daypass.domain.target import SecretRef
from tests.servers.aws import REGION, client
from tests.servers.aws import aws as aws_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with aws_server() as address:
        yield address


@pytest.fixture
def settings(endpoint: str, tmp_path: Path) -> AwsSettings:
    for name in ("access", "secret"):
        (tmp_path / name).write_text("testing\n")
    access, secret = (SecretRef("file", str(tmp_path / name)) for name in ("access", "secret"))
    return AwsSettings(REGION, access, secret, endpoint=endpoint)


async def test_a_secret_and_a_field_of_one(endpoint: str, settings: AwsSettings) -> None:
    manager = client(endpoint, "secretsmanager")
    manager.create_secret(Name="prod/plain", SecretString="s3cret")
    manager.create_secret(Name="prod/json", SecretString=json.dumps({"password": "inner"}))
    aws = Aws(settings)
    assert await aws.read("prod/plain") == "s3cret"
    assert await aws.read("prod/json#password") == "inner"
    manager.put_secret_value(SecretId="prod/plain", SecretString="rotated")
    assert await aws.read("prod/plain") == "rotated"
    for missing in ("prod/none", "prod/json#none", "prod/plain#password"):
        with pytest.raises(Unavailable) as refused:
            await aws.read(missing)
        assert "s3cret" not in str(refused.value) and "rotated" not in str(refused.value)
    await aws.close()


async def test_sealed_under_a_key_of_kms(endpoint: str, settings: AwsSettings) -> None:
    key = client(endpoint, "kms").create_key()["KeyMetadata"]["KeyId"]
    aws = Aws(settings)
    sealer = Sealer(SealedSettings(kms=key), aws, lambda n: bytes(range(n)))
    held = await sealer.seal("orders", "s3cret")
    assert "s3cret" not in held and json.loads(held)["key"]
    kept = {"orders": held, "parts": held}

    async def reading(name: str) -> str | None:
        return kept.get(name)

    sealed = Sealed(sealer, reading)
    assert await sealed.read("orders") == "s3cret"
    with pytest.raises(Unavailable):  # its name is part of what KMS and the cipher check
        await sealed.read("parts")
    await aws.close()


async def test_what_does_not_answer_is_waited_for_so_long_only(settings: AwsSettings) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    aws = Aws(AwsSettings(REGION, settings.access_key, settings.secret_key, endpoint=f"http://127.0.0.1:{port}"))
    with pytest.raises(Unavailable, match="did not answer within"):
        await aws.read("prod/plain")
    await aws.close()
    server.close()


@pytest.mark.parametrize("session", ["", "a-session-token"])
def test_the_signature_is_that_of_botocore(session: str) -> None:
    at = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
    body = b'{"SecretId":"prod/orders"}'
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue"}
    host = f"secretsmanager.{REGION}.amazonaws.com"
    ours = signed(Keys("AKID", "key", session), REGION, "secretsmanager", host, headers, body, "20261125T120000Z")
    theirs = AWSRequest("POST", f"https://{host}/", headers=headers, data=body)
    theirs.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    auth = SigV4Auth(Credentials("AKID", "key", session or None), "secretsmanager", REGION)
    theirs.headers["X-Amz-Date"] = theirs.context["timestamp"]
    if session:
        theirs.headers["X-Amz-Security-Token"] = session
    text = auth.string_to_sign(theirs, auth.canonical_request(theirs))
    auth._inject_signature_to_request(theirs, auth.signature(text, theirs))
    assert ours["authorization"] == theirs.headers["Authorization"]
