"""AWS Secrets Manager and KMS, as moto serves them: `with aws() as endpoint`, and boto3 to put something there."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from daypass.cli.demo.server import free_port

REGION = "eu-central-1"


@contextmanager
def aws() -> Iterator[str]:
    """The address of both."""
    port = free_port()
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    try:
        reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=30).close()  # it keeps what there is for the whole process
        yield endpoint
    finally:
        server.stop()


def client(endpoint: str, service: str) -> Any:
    """Whoever keeps secrets there."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, region_name=REGION, endpoint_url=endpoint, **keys)
