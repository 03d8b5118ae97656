"""Where a secret comes from: the environment or a file; of targets also from the stores that `secrets` names, which
`credentials` asks when it is needed. A secret in the settings file itself is refused."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from daypass.domain.documents import Node
from daypass.domain.errors import ConfigError
from daypass.domain.target import SecretRef

SECRET_BYTES_MAX = 64 * 1024
"""A longer file is not a secret but the wrong file."""

FORM = "{ env: NAME } or { file: PATH }"

KEPT_OUTSIDE = ("vault", "aws", "sealed")
"""Where secrets of targets may be besides."""

SEALED_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_NAMES = {
    "vault": (re.compile(r"[^/#\s]+/[^#\s]+#[^#\s]+"), "MOUNT/PATH#FIELD, like secret/orders#password"),
    "aws": (re.compile(r"[^#\s]+(#[^#\s]+)?"), "NAME or NAME#FIELD, like prod/orders#password"),
    "sealed": (SEALED_NAME, "the name that `daypass secret set NAME` was given"),
}
_LOGIN = (re.compile(r"[^/#\s]+(/[^/#\s]+)*/(static-)?creds/[^/#\s]+"), "MOUNT/creds/ROLE, like database/creds/app-ro")


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


def login_ref(node: Node, sources: Sequence[str]) -> SecretRef:
    """Read where logins are lent: at a database engine of Vault."""
    if "vault" not in sources:
        raise node.wrong("needs secrets.vault")
    (place,) = node.mapping(("vault",), needs=("vault",)).values()
    return SecretRef("vault", place.text(*_LOGIN))


def secret_ref(node: Node, beside: Path, sources: Sequence[str] = ()) -> SecretRef:
    """Read a reference and see that its secret is there, if it is here. `beside` is the folder that a relative path
    starts from; `sources` are the stores of secrets that it may name."""
    if not node.is_mapping():
        raise node.wrong(f"a secret never stands in this file; write {FORM}")
    given = node.mapping(("env", "file", *KEPT_OUTSIDE))
    if len(given) != 1:
        raise node.wrong(f"must be {FORM}")
    ((source, place),) = given.items()
    if source in KEPT_OUTSIDE:
        if source not in sources:
            raise place.wrong(f"needs secrets.{source}, and is for the passwords of targets")
        return SecretRef(source, place.text(*_NAMES[source]))
    name = place.text() if source == "env" else str(beside / place.text())
    ref = SecretRef(source, name)
    try:
        read_secret(ref)
    except ConfigError as problem:
        raise place.wrong(problem.message) from None
    return ref
