"""The settings of channels: what is read, and what is refused in one line that never quotes a secret."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from daypass.config import read_settings
from daypass.config.settings import Settings
from daypass.config.telling import HookSettings
from daypass.domain.errors import ConfigError
from daypass.domain.target import SecretRef

WHSEC = "whsec_" + base64.b64encode(b"k" * 32).decode()
FILES = {
    "token": "xoxb-1",
    "signing": "s",
    "url": "https://teams.test/x?sig=SECRETSIG",
    "whsec": WHSEC,
    "weak": "whsec_YQ==",
}


def read(folder: Path, notify: str) -> Settings:
    for name, text in FILES.items():
        (folder / name).write_text(f"{text}\n")
    (folder / "plain").write_text("http://teams.test/SECRETSIG\n")
    (folder / "daypass.yaml").write_text(f"site: acme.test\nnotify: {notify}\n")
    return read_settings(folder / "daypass.yaml")


def test_what_is_set_is_read(tmp_path: Path) -> None:
    notify = read(
        tmp_path,
        "{ email: { server: mail.acme.test, from: Daypass <d@acme.test>, user: d, password: { file: token } },"
        " slack: { token: { file: token }, signing_secret: { file: signing }, channel: C012,"
        " people: { Ana@a.test: U012 } },"
        " teams: [ { name: ops, url: { file: url }, only: [glass.*] } ],"
        " webhooks: [ { name: siem, url: 'https://h.acme.test/in', secret: { file: whsec }, private: true } ],"
        " ending_soon: 30m }",
    ).notify
    assert notify.email is not None and (notify.email.host, notify.email.port) == ("mail.acme.test", 587)
    assert notify.email.tls == "starttls" and notify.email.password is not None
    assert notify.slack is not None and notify.slack.people == {"ana@a.test": "U012"}
    assert notify.teams == (HookSettings("ops", SecretRef("file", str(tmp_path / "url")), only=("glass.*",)),)
    assert notify.webhooks[0].private and notify.ending_soon_ms == 1_800_000


def test_nothing_is_set_by_itself(tmp_path: Path) -> None:
    notify = read(tmp_path, "").notify
    assert (notify.email, notify.slack, notify.teams, notify.webhooks) == (None, None, (), ())
    assert read(tmp_path, "{ ending_soon: never }").notify.ending_soon_ms == 0


EMAIL = "server: mail.acme.test, from: d@acme.test"
HOOK = "name: a, url: 'https://x.test'"


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ("{ mail: {} }", "notify.mail: unknown key"),
        ("{ email: { from: d@acme.test } }", "notify.email: server is missing"),
        ("{ email: { server: 'mail acme', from: d@acme.test } }", "notify.email.server: must be a mail server"),
        ("{ email: { server: 'm:70000', from: d@acme.test } }", "notify.email.server: must be a mail server"),
        ("{ email: { server: m, from: nobody } }", "notify.email.from: must be an address"),
        (f"{{ email: {{ {EMAIL}, tls: none }} }}", "notify.email.tls: mail.acme.test is another machine"),
        (f"{{ email: {{ {EMAIL}, user: d }} }}", "notify.email: user and password go together"),
        (f"{{ email: {{ {EMAIL}, user: d, password: x }} }}", "a secret never stands in this file"),
        (f"{{ email: {{ {EMAIL}, ca: nowhere.pem }} }}", "notify.email.ca: there is no file"),
        (f"{{ email: {{ {EMAIL}, only: [glas.*] }} }}", "notify.email.only[0]: must be a kind of message"),
        ("{ slack: { token: xoxb-1 } }", "a secret never stands in this file"),
        ("{ slack: { token: { file: token }, channel: general } }", "notify.slack.channel: must be a channel's id"),
        ("{ slack: { token: { file: token }, people: { ana: U1234 } } }", "must stand under an address"),
        ("{ slack: { token: { file: token }, people: { a@b.test: ana } } }", "must be a member's id"),
        ("{ slack: { token: { file: token }, api: 'http://slack.test' } }", "notify.slack.api: is another machine"),
        ("{ teams: [ { name: a, url: 'https://x.test' } ] }", "a secret never stands in this file"),
        ("{ teams: [ { name: a, url: { file: plain } } ] }", "notify.teams[0].url: is another machine"),
        ("{ teams: [ { name: email, url: { file: url } } ] }", "notify.teams[0].name: must be one channel only"),
        (f"{{ webhooks: [ {{ {HOOK} }} ] }}", "notify.webhooks[0]: secret is missing"),
        (f"{{ webhooks: [ {{ {HOOK}, secret: {{ file: weak }} }} ] }}", "the secret must be whsec_"),
        ("{ webhooks: [ { name: a, url: 'ftp://x', secret: { file: whsec } } ] }", "webhooks[0].url: must be https"),
        (
            "{ webhooks: [ { name: a, url: 'https://u:p@x', secret: { file: whsec } } ] }",
            "webhooks[0].url: must be https",
        ),
        (
            f"{{ webhooks: [ {{ {HOOK}, secret: {{ file: whsec }} }}, {{ {HOOK}, secret: {{ file: whsec }} }} ] }}",
            "notify.webhooks[1].name: must be one channel only, but a is notify.webhooks[0]",
        ),
        ("{ ending_soon: 2d }", "notify.ending_soon: must be a day"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, notify: str, said: str) -> None:
    with pytest.raises(ConfigError) as problem:
        read(tmp_path, notify)
    assert said in problem.value.message
    assert "SECRETSIG" not in problem.value.message
