"""`secrets`: where the secrets of targets are, besides the environment and files. Asks none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from daypass.config.secrets import KEPT_OUTSIDE, secret_ref
from daypass.domain.documents import Node
from daypass.domain.target import SecretRef

SECRETS_KEYS = ("vault", "aws", "sealed")
VAULT_KEYS = ("address", "namespace", "ca", "token", "role_id", "secret_id")
AWS_KEYS = ("region", "endpoint", "access_key", "secret_key", "session_token")
SEALED_KEYS = ("key", "kms")
STORE_KEYS: Mapping[str, tuple[str, ...]] = {
    "secrets": SECRETS_KEYS,
    "secrets.vault": VAULT_KEYS,
    "secrets.aws": AWS_KEYS,
    "secrets.sealed": SEALED_KEYS,
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """A HashiCorp Vault or an OpenBao, and what signs in there: a token, or an AppRole."""

    address: str
    namespace: str = ""
    ca: Path | None = None
    token: SecretRef | None = None
    role_id: SecretRef | None = None
    secret_id: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """AWS Secrets Manager and KMS of one region. `endpoint`: another address for both; empty: AWS's own."""

    region: str
    access_key: SecretRef
    secret_key: SecretRef
    session_token: SecretRef | None = None
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class SealedSettings:
    """What secrets in the store are encrypted under: 32 bytes from a file, or a key of AWS KMS (its id)."""

    key: SecretRef | None = None
    kms: str = ""


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """The stores of secrets there are."""

    vault: VaultSettings | None = None
    aws: AwsSettings | None = None
    sealed: SealedSettings | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """What a target's password may name, besides `env` and `file`."""
        return tuple(name for name in KEPT_OUTSIDE if getattr(self, name) is not None)


def read_secret_stores(node: Node | None, beside: Path) -> SecretSettings:
    """Read `secrets`. Raises ConfigError."""
    keys = node.mapping(SECRETS_KEYS) if node is not None else {}
    aws = _aws(keys["aws"], beside) if "aws" in keys else None
    return SecretSettings(
        vault=_vault(keys["vault"], beside) if "vault" in keys else None,
        aws=aws,
        sealed=_sealed(keys["sealed"], beside, aws) if "sealed" in keys else None,
    )


def _vault(node: Node, beside: Path) -> VaultSettings:
    keys = node.mapping(VAULT_KEYS, needs=("address",))
    if ("token" in keys) is ("role_id" in keys) or ("role_id" in keys) is not ("secret_id" in keys):
        raise node.wrong("must have token, or role_id and secret_id")
    ca = beside / keys["ca"].text() if "ca" in keys else None
    if ca is not None and not ca.is_file():
        raise keys["ca"].wrong(f"there is no file {ca}; must be a PEM file")
    refs = {name: secret_ref(keys[name], beside) for name in ("token", "role_id", "secret_id") if name in keys}
    return VaultSettings(
        address=_url(keys["address"]),
        namespace=keys["namespace"].text() if "namespace" in keys else "",
        ca=ca,
        **refs,
    )


def _aws(node: Node, beside: Path) -> AwsSettings:
    keys = node.mapping(AWS_KEYS, needs=("region", "access_key", "secret_key"))
    return AwsSettings(
        region=keys["region"].text(),
        access_key=secret_ref(keys["access_key"], beside),
        secret_key=secret_ref(keys["secret_key"], beside),
        session_token=secret_ref(keys["session_token"], beside) if "session_token" in keys else None,
        endpoint=_url(keys["endpoint"]) if "endpoint" in keys else "",
    )


def _sealed(node: Node, beside: Path, aws: AwsSettings | None) -> SealedSettings:
    keys = node.mapping(SEALED_KEYS)
    if len(keys) != 1:
        raise node.wrong("must be { key: { file: PATH } } (32 bytes in base64), or { kms: KEY_ID }")
    if "kms" in keys and aws is None:
        raise keys["kms"].wrong("needs secrets.aws")
    if "kms" in keys:
        return SealedSettings(kms=keys["kms"].text())
    return SealedSettings(secret_ref(keys["key"], beside))


def _url(node: Node) -> str:
    url = node.text().rstrip("/")
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.username:
        raise node.wrong("must be an https URL, like https://vault.acme.test:8200 (http only on this machine)")
    return url
