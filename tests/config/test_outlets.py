"""The settings of bodies, retention and exports: what is read, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.config import read_settings
from daypass.domain.durations import DAY_MS
from daypass.domain.errors import ConfigError

RECIPIENT = "age1" + "q" * 58


def read(folder: Path, extra: str) -> object:
    (folder / "daypass.yaml").write_text(f"site: acme.test\n{extra}\n")
    return read_settings(folder / "daypass.yaml")


def test_what_is_set_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    settings = read(
        tmp_path,
        f"bodies: {{ recipients: [{RECIPIENT}] }}\nretention: {{ bodies: 365d }}\n"
        "exports:\n"
        "  - { name: siem, to: 'syslog+tls://siem.acme.test:6514', form: ocsf, ca: ca.pem, types: [grant.*] }\n"
        "  - { name: lake, to: 'http://127.0.0.1:9/in', form: cloudevents, token: { file: token } }\n",
    )
    assert settings.recipients == (RECIPIENT,) and settings.retention_ms == 365 * DAY_MS  # type: ignore[attr-defined]
    siem, lake = settings.exports  # type: ignore[attr-defined]
    assert (siem.form, siem.types, siem.ca) == ("ocsf", ("grant.*",), tmp_path / "ca.pem")
    assert lake.token is not None and lake.types == ()


def test_nothing_is_set_by_itself(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert settings.recipients == () and settings.retention_ms is None  # type: ignore[attr-defined]
    assert settings.exports == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("bodies: { recipients: [AGE-SECRET-KEY-1X] }", "bodies.recipients[0]: must be an age recipient"),
        ("retention: { bodies: 1h }", "retention.bodies: must be a day"),
        ("exports: [{ name: a, to: 'http://siem.acme.test/', form: ocsf }]", "is another machine"),
        ("exports: [{ name: a, to: 'syslog+tcp://10.0.0.1', form: ocsf }]", "is another machine"),
        ("exports: [{ name: a, to: 'ftp://127.0.0.1', form: ocsf }]", "exports[0].to: must be https"),
        ("exports: [{ name: a, to: 'https://u:p@x', form: ocsf }]", "exports[0].to: must be https"),
        ("exports: [{ name: a, to: 'https://x', form: xml }]", "must be one of ocsf"),
        ("exports: [{ name: a, to: 'https://x', form: ocsf, types: [grant.vanished] }]", "must be a type of entry"),
        (
            "exports: [{ name: a, to: 'https://x', form: ocsf }, { name: a, to: 'https://y', form: ocsf }]",
            "exports[1].name: must be one export only",
        ),
        ("exports: [{ name: a, to: 'https://x', form: ocsf, token: secret }]", "a secret never stands in this file"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, extra: str, said: str) -> None:
    with pytest.raises(ConfigError) as problem:
        read(tmp_path, extra)
    assert said in problem.value.message
