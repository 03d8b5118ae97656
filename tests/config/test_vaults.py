"""`secrets` in the settings: what is refused says where, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.config import read_settings
from daypass.domain.errors import ConfigError
from daypass.domain.target import SecretRef

BASE = """\
site: acme.test/prod
{secrets}
targets:
  - name: orders
    protocol: postgres
    address: 127.0.0.1:5432
    maintenance: {{ user: keeper }}
    roles: {{ read: {role} }}
"""
VAULT = "secrets: { vault: { address: 'https://vault.acme.test', token: { file: token } } }"
SEALED = "secrets: { sealed: { key: { file: token } } }"


def read(folder: Path, secrets: str, role: str) -> SecretRef | None:
    (folder / "token").write_text("x")
    (folder / "daypass.yaml").write_text(BASE.format(secrets=secrets, role=role))
    found = read_settings(folder / "daypass.yaml").targets["orders"].roles["read"]
    return found.login or found.password


@pytest.mark.parametrize(
    ("secrets", "role", "ref"),
    [
        (VAULT, "{ user: a, password: { vault: 'secret/a/b#c' } }", SecretRef("vault", "secret/a/b#c")),
        (VAULT, "{ login: { vault: database/creds/ro } }", SecretRef("vault", "database/creds/ro")),
        (SEALED, "{ user: a, password: { sealed: orders-ro } }", SecretRef("sealed", "orders-ro")),
    ],
)
def test_what_is_read(tmp_path: Path, secrets: str, role: str, ref: SecretRef) -> None:
    assert read(tmp_path, secrets, role) == ref


@pytest.mark.parametrize(
    ("secrets", "role", "said"),
    [
        ("", "{ user: a, password: { vault: 'secret/a#b' } }", "needs secrets.vault"),
        ("", "{ user: a, password: { sealed: a } }", "needs secrets.sealed"),
        (VAULT, "{ user: a, password: { aws: a } }", "needs secrets.aws"),
        (VAULT, "{ user: a, password: { vault: secret } }", "MOUNT/PATH#FIELD"),
        (VAULT, "{ user: a, login: { vault: database/creds/ro } }", "not both"),
        (VAULT, "{ login: { vault: secret/a } }", "MOUNT/creds/ROLE"),
        (VAULT, "{ login: { env: A } }", "vault"),
        (VAULT.replace("https", "http"), "{ user: a }", "https URL"),
        (VAULT.replace("token: { file: token }", "role_id: { file: token }"), "{ user: a }", "role_id and secret_id"),
        (VAULT.replace("{ file: token }", "s.secret"), "{ user: a }", "never stands in this file"),
        ("secrets: { sealed: { kms: abc } }", "{ user: a }", "needs secrets.aws"),
        ("secrets: { sealed: {} }", "{ user: a }", "must be"),
    ],
)
def test_what_is_refused(tmp_path: Path, secrets: str, role: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, secrets, role)
