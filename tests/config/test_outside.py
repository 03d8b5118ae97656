"""The settings of ticket systems and on-call schedules: what is read, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.config import read_settings
from daypass.config.settings import Settings
from daypass.domain.errors import ConfigError
from daypass.domain.target import SecretRef

JIRA = "name: jira, system: jira, url: 'https://acme.atlassian.net', token: { file: token }"
GITHUB = "name: github, system: github, repository: acme/ops, token: { file: token }"


def read(folder: Path, extra: str) -> Settings:
    (folder / "token").write_text("secret\n")
    (folder / "url").write_text("https://calendar.acme.test/private-4711/basic.ics\n")
    (folder / "turns.yaml").write_text("weekly: []")
    (folder / "daypass.yaml").write_text(f"site: acme.test\n{extra}\n")
    return read_settings(folder / "daypass.yaml")


def test_what_is_set_is_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        f"tickets:\n  - {{ {JIRA}, user: bot@acme.test, projects: [INC] }}\n"
        f"  - {{ {GITHUB}, people: {{ octo: Ana@acme.test }}, webhook: {{ file: token }} }}\n"
        "on_call:\n  - { name: a, file: turns.yaml, group: leads }\n  - { name: b, calendar: { file: url } }\n"
        "  - { name: c, pagerduty: PI7DH85, token: { file: token } }\n",
    )
    jira, github = settings.tickets
    assert (jira.user, jira.projects, jira.url) == ("bot@acme.test", ("INC",), "https://acme.atlassian.net")
    assert (github.url, github.people) == ("https://api.github.com", {"octo": "ana@acme.test"})
    own, calendar, pagerduty = settings.on_call
    assert (own.source, own.group, own.place) == ("file", "leads", str(tmp_path / "turns.yaml"))
    assert isinstance(calendar.place, SecretRef)
    assert (pagerduty.place, pagerduty.url) == ("PI7DH85", "https://api.pagerduty.com")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (f"tickets: [{{ {JIRA.replace('jira', 'trac', 2)} }}]", "system: must be one of jira, github"),
        (f"tickets: [{{ {JIRA}, repository: a/b }}]", "repository: unknown key"),
        ("tickets: [{ name: j, system: jira, token: { file: token } }]", "url is missing"),
        ("tickets: [{ name: g, system: github, token: { file: token } }]", "repository is missing"),
        (f"tickets: [{{ {GITHUB.replace('{ file: token }', 'ghp_x')} }}]", "a secret never stands in this file"),
        (f"tickets: [{{ {GITHUB.replace('{ file: token }', '{ env: DAYPASS_NO_SUCH }')} }}]", "is not set"),
        (f"tickets: [{{ {GITHUB} }}, {{ {GITHUB} }}]", r"tickets\[1\].name: must be another name"),
        (f"tickets: [{{ {GITHUB}, url: 'http://ghe.acme.test' }}]", "http is plain text; must be https"),
        (f"tickets: [{{ {GITHUB}, url: 'https://169.254.169.254/' }}]", "no address of a system that could be asked"),
        (f"tickets: [{{ {GITHUB}, url: 'https://u:p@x' }}]", "must be a URL"),
        (f"tickets: [{{ {GITHUB}, url: 'file:///etc/passwd' }}]", "must be a URL"),
        ("on_call: [{ name: a }]", "must say where it is read from"),
        ("on_call: [{ name: a, file: turns.yaml, calendar: x }]", "must say where it is read from"),
        ("on_call: [{ name: a, file: nowhere.yaml }]", "there is no file"),
        ("on_call: [{ name: a, calendar: 'http://calendar.acme.test/x.ics' }]", "http is plain text"),
        ("on_call: [{ name: a, pagerduty: PI7DH85 }]", "token is missing"),
        ("on_call: [{ name: a, pagerduty: ../x, token: { file: token } }]", "must be a schedule's id"),
        ("on_call: [{ name: a, opsgenie: x }]", "opsgenie: unknown key"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, extra: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as wrong:
        read(tmp_path, extra)
    assert "daypass.yaml:2: " in wrong.value.message
