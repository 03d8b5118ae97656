"""Where a secret comes from: the environment or a file. A secret in the settings file itself is refused."""

from __future__ import annotations

import os
from pathlib import Path

from daypass.domain.documents import Node
from daypass.domain.errors import ConfigError
from daypass.domain.target import SecretRef

SECRET_BYTES_MAX = 64 * 1024
"""A longer file is not a secret but the wrong file."""

FORM = "{ env: NAME } or { file: PATH }"


def read_secret(ref: SecretRef) -> str:
    """Return the secret, without the newline that editors end a file with. Raises ConfigError: what is missing."""
    if ref.source == "env":
        value = os.environ.get(ref.name, "")
        if not value:
            raise ConfigError(f"the environment variable {ref.name} is not set", hint=f"set {ref.name}")
        return value
    try:
        with open(ref.name, "rb") as file:
            raw = file.read(SECRET_BYTES_MAX + 1)
    except OSError as problem:
        raise ConfigError(f"the secret file {ref.name} cannot be read: {problem.strerror}") from None
    if len(raw) > SECRET_BYTES_MAX:
        raise ConfigError(f"the secret file {ref.name} is longer than {SECRET_BYTES_MAX} bytes")
    try:
        value = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"the secret file {ref.name} is not UTF-8 text") from None
    if not value:
        raise ConfigError(f"the secret file {ref.name} is empty")
    return value


def secret_ref(node: Node, beside: Path) -> SecretRef:
    """Read a reference and see that its secret is there. `beside` is the folder that a relative path starts from."""
    if not node.is_mapping():
        raise node.wrong(f"a secret never stands in this file; write {FORM}")
    given = node.mapping(("env", "file"))
    if len(given) != 1:
        raise node.wrong(f"must be {FORM}")
    ((source, place),) = given.items()
    name = place.text() if source == "env" else str(beside / place.text())
    ref = SecretRef(source, name)
    try:
        read_secret(ref)
    except ConfigError as problem:
        raise place.wrong(problem.message) from None
    return ref
