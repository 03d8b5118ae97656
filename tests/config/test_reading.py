"""Every complaint about the settings is one line: file, line, path, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.config import Address, read_secret, read_settings
from daypass.domain.errors import ConfigError
from daypass.domain.target import Effect, Maintenance, SecretRef

WHOLE = """\
site: acme.test/prod
data: ./var
store: sqlite
node: a
listen: { web: 127.0.0.1:9420, tea: "[::1]:9432" }
public_url: http://localhost:9420
durability: written
limits: { message: 1MiB, sessions: 7, request: 2KiB, disk_reserve: 1GiB, drain: 3s }
identity:
  people:
    - { email: Ana@acme.test, name: Ana, groups: [oncall, engineers] }
    - { email: ben@acme.test }
  oidc: { issuer: "https://login.acme.test", client_id: daypass, client_secret: { file: secret } }
targets:
  - name: orders
    protocol: tea
    address: 10.0.0.7:5432
    database: 2024
    labels: { env: prod, tier: 1 }
    options: { steep: 3 }
    roles:
      read: { user: app_ro, password: { file: secret }, effect: read }
      write: { user: app_rw, dangerous: true }
  - { name: here, protocol: tea, address: 127.0.0.1, roles: { any: { user: x } } }
  - name: lent
    protocol: tea
    address: 127.0.0.1
    maintenance: { user: keeper, password: { file: secret } }
    reassign_to: app_owner
    owners: [group:keepers, Lea@acme.test]
    roles: { write: { member_of: [app_rw, app_ro, app_rw] } }
policies: [ policies/*.yaml ]
proxies: [ 10.0.7.0/24, 127.0.0.1 ]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "b.yaml").write_text("policy: b\n")
    (tmp_path / "policies" / "a.yaml").write_text("policy: a\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "daypass.yaml"
    file.write_text(text)
    return file


def test_everything_that_can_be_set_is_read(folder: Path) -> None:
    settings = read_settings(written(folder, WHOLE))
    assert settings.web == Address("127.0.0.1", 9420)
    assert settings.listen["tea"] == Address("::1", 9432)
    assert settings.data == folder / "var"
    assert (settings.durability, settings.node, settings.public_host) == ("written", "a", "localhost")
    assert (settings.limits.message_bytes, settings.limits.sessions, settings.limits.drain_ms) == (1 << 20, 7, 3000)
    assert settings.proxies == ("10.0.7.0/24", "127.0.0.1/32")
    assert settings.people[0].email == "ana@acme.test"
    assert settings.people[0].groups == {"oncall", "engineers"}
    assert settings.people[1].name == "ben@acme.test"
    assert settings.oidc is not None and settings.oidc.groups_claim == "groups"
    orders = settings.targets["orders"]
    assert (orders.host, orders.port, orders.database, orders.tls) == ("10.0.0.7", 5432, "2024", "verify-full")
    assert orders.labels == {"env": "prod", "tier": "1"}
    assert orders.options == {"steep": 3}
    assert orders.roles["read"].password == SecretRef("file", str(folder / "secret"))
    assert orders.roles["read"].effect is Effect.READ
    assert orders.roles["write"].effect is Effect.WRITE and orders.roles["write"].dangerous
    assert settings.targets["here"].tls == "disable"
    assert settings.targets["here"].maintenance is None and orders.roles["read"].member_of == ()
    lent = settings.targets["lent"]
    assert (lent.roles["write"].member_of, lent.roles["write"].user) == (("app_rw", "app_ro"), "")
    assert lent.maintenance == Maintenance("keeper", SecretRef("file", str(folder / "secret")))
    assert lent.reassign_to == "app_owner" and lent.owners == ("group:keepers", "lea@acme.test")
    assert settings.policies == (folder / "policies" / "a.yaml", folder / "policies" / "b.yaml")
    assert settings.nodes["targets[0].roles.read"].line == 22


def test_only_the_site_must_be_said(folder: Path) -> None:
    settings = read_settings(written(folder, "site: acme.test\n"))
    assert (settings.store, settings.durability, str(settings.web)) == ("sqlite", "synced", "127.0.0.1:8420")
    assert settings.public_url == "http://localhost:8420"


def test_a_secret_loses_its_last_newline_only(folder: Path) -> None:
    assert read_secret(SecretRef("file", str(folder / "secret"))) == "hunter2"


COMPLAINTS = [
    ("", "daypass.yaml:1: the file: is empty"),
    ("- a\n", "daypass.yaml:1: the file: must be a mapping with site, data, store,"),
    ("site: [\n", "daypass.yaml:2: the file: is not YAML:"),
    ("data: x\n", "daypass.yaml:1: the file: site is missing"),
    ("site: a\nsite: b\n", "daypass.yaml:2: site: stands here twice (first in line 1)"),
    ("site: a\ntagets: []\n", "daypass.yaml:2: tagets: unknown key; did you mean targets?"),
    ("site: a\nxyzzy: 1\n", "daypass.yaml:2: xyzzy: unknown key; known here: site, data,"),
    ("site: Acme Prod\n", "daypass.yaml:1: site: must be the ledger's origin, like acme.test/prod, not 'Acme Prod'"),
    ("site: no\n", "daypass.yaml:1: site: must be the ledger's origin, like acme.test/prod, not 'no' (in quotes"),
    ("site: a\nstore: mysql://x/y\n", "daypass.yaml:2: store: must be sqlite, or postgresql://user:password@host/"),
    ("site: a\nlisten: { web: '8420' }\n", "daypass.yaml:2: listen.web: must be an address and a port, like"),
    ("site: a\nlisten: { web: 127.0.0.1:70000 }\n", "daypass.yaml:2: listen.web: must be an address and a port, like"),
    (
        "site: a\nlisten:\n  web: 127.0.0.1:1\n  tea: 127.0.0.1:1\n",
        "daypass.yaml:4: listen.tea: must be another address than listen.web's 127.0.0.1:1",
    ),
    (
        "site: a\nlisten: { tea: 0.0.0.0:5432 }\n",
        "daypass.yaml:2: listen.tea: 0.0.0.0:5432 is not loopback, and without tls it would speak plain text; set tls",
    ),
    (
        "site: a\nlisten: { web: '[::]:8420' }\n",
        "daypass.yaml:2: listen.web: [::]:8420 is not loopback, and without tls it would speak plain text; set tls",
    ),
    ("site: a\nproxies: [ proxy.acme.test ]\n", "daypass.yaml:2: proxies[0]: must be an address or a network, like"),
    ("site: a\nproxies: [ 10.0.7.1/24 ]\n", "daypass.yaml:2: proxies[0]: must be an address or a network, like"),
    ("site: a\nproxies: [ '::/0' ]\n", "daypass.yaml:2: proxies[0]: would let everybody say where they come from"),
    ("site: a\npublic_url: localhost\n", "daypass.yaml:2: public_url: must be a URL without a path, like https://"),
    ("site: a\ntls: { cert: x }\n", "daypass.yaml:2: tls: key is missing"),
    ("site: a\ntls: { cert: x, key: y }\n", "daypass.yaml:2: tls.cert: there is no file /"),
    (
        'site: a\nidentity: { people: [ { email: "an\\u202ea@acme.test" } ] }\n',
        "daypass.yaml:2: identity.people[0].email: must be an address, like ana@acme.test",
    ),
    ("site: a\ndurability: never\n", "daypass.yaml:2: durability: must be one of written, synced, ledger, not 'never'"),
    ("site: a\nlimits: { message: 64 }\n", "daypass.yaml:2: limits.message: must be a size with its unit, like 512KiB"),
    ("site: a\nlimits: { drain: 5 }\n", "daypass.yaml:2: limits.drain: must be a length of time with its unit, like"),
    ("site: a\nlimits: { sessions: 0 }\n", "daypass.yaml:2: limits.sessions: must be a whole number from 1 to 100000"),
    (
        "site: a\nidentity: { people: [ { email: ana } ] }\n",
        "daypass.yaml:2: identity.people[0].email: must be an addr",
    ),
    (
        "site: a\nidentity:\n  people:\n    - { email: a@b.c }\n    - { email: A@b.c }\n",
        "daypass.yaml:5: identity.people[1].email: must be one person only, but a@b.c stands above already",
    ),
    (
        "site: a\nidentity:\n  people:\n    - { email: bot@b.c, agent_of: nobody@b.c }\n",
        "daypass.yaml:4: identity.people[0].agent_of: must be a person who is listed here and nobody's agent",
    ),
    (
        "site: a\nidentity:\n  people:\n    - { email: a@b.c }\n    - { email: bot@b.c, agent_of: a@b.c }\n"
        "    - { email: bots-bot@b.c, agent_of: bot@b.c }\n",
        "daypass.yaml:6: identity.people[2].agent_of: must be a person who is listed here and nobody's agent",
    ),
    ("site: a\ntargets: { name: x }\n", "daypass.yaml:2: targets: must be a list, not a mapping"),
    ("site: a\ntargets: [ { name: x } ]\n", "daypass.yaml:2: targets[0]: protocol is missing"),
    ("site: a\npolicies: [ nowhere/*.yaml ]\n", "daypass.yaml:2: policies[0]: no file is there (/"),
    ("site: a\ndata: &x y\nnode: *x\n", "daypass.yaml:3: the file: is not YAML: aliases (*name) are not taken here"),
]

TARGET = "site: a\ntargets:\n  - name: orders\n    protocol: tea\n    address: 127.0.0.1:5432\n"
TARGET_COMPLAINTS = [
    ("    roles: {}\n", ":6: targets[0].roles: must hold at least one role, like read:"),
    ("    roles: { read: { usr: x } }\n", ":6: targets[0].roles.read.usr: unknown key; did you mean user?"),
    (
        "    roles:\n      read: { user: x, password: hunter2 }\n",
        ":7: targets[0].roles.read.password: a secret never stands in this file; write { env: NAME } or { file: PATH }",
    ),
    (
        "    roles:\n      read: { user: x, password: { env: DAYPASS_TEST_UNSET } }\n",
        ":7: targets[0].roles.read.password.env: the environment variable DAYPASS_TEST_UNSET is not set",
    ),
    (
        "    roles: { read: { user: x, password: { file: gone } } }\n",
        ":6: targets[0].roles.read.password.file: the secret",
    ),
    (
        "    roles: { read: { user: x, password: { file: empty } } }\n",
        ":6: targets[0].roles.read.password.file: the secret",
    ),
    (
        "    roles: { read: { user: x, password: {} } }\n",
        ":6: targets[0].roles.read.password: must be { env: NAME } or",
    ),
    (
        "    roles: { read: { user: x, effect: much } }\n",
        ":6: targets[0].roles.read.effect: must be one of read, write,",
    ),
    ("    roles: { read: { user: x, dangerous: 1 } }\n", ":6: targets[0].roles.read.dangerous: must be true or false"),
    ("    roles: { 'a:b': { user: x } }\n", ":6: targets[0].roles.'a:b': a role must be a name of letters,"),
    (
        "    tls: maybe\n    roles: { r: { user: x } }\n",
        ":6: targets[0].tls: must be one of disable, require, verify-full",
    ),
    ("    tls_ca: gone\n    roles: { r: { user: x } }\n", ":6: targets[0].tls_ca: there is no file /"),
    ("    record: all\n    roles: { r: { user: x } }\n", ":6: targets[0].record: must be one of statements, results"),
    ("    roles: { read: {} }\n", ":6: targets[0].roles.read: must have user, or member_of for a login of its own"),
    (
        "    maintenance: { user: k }\n    roles: { read: { user: x, member_of: [y] } }\n",
        ":7: targets[0].roles.read: must be either member_of (a login for each grant) or user and password",
    ),
    (
        "    roles: { read: { member_of: [y] } }\n",
        ":6: targets[0].roles.read.member_of: needs maintenance: { user: NAME, password: { env: NAME } } on its",
    ),
    (
        "    maintenance: { user: k }\n    roles: { read: { member_of: [] } }\n",
        ":7: targets[0].roles.read.member_of: must name 1 to 16 roles of the target, like [app_rw]",
    ),
    ("    maintenance: {}\n    roles: { read: { user: x } }\n", ":6: targets[0].maintenance: user is missing"),
    ("    labels: [x]\n    roles: { r: { user: x } }\n", ":6: targets[0].labels: must be a mapping, not a list"),
]


@pytest.mark.parametrize(
    ("text", "line"), COMPLAINTS + [(TARGET + t, "daypass.yaml" + c) for t, c in TARGET_COMPLAINTS]
)
def test_a_wrong_setting_is_told_in_one_line(folder: Path, text: str, line: str) -> None:
    with pytest.raises(ConfigError) as told:
        read_settings(written(folder, text))
    assert told.value.message.startswith(line), told.value.message
    assert "\n" not in told.value.message
    assert "hunter2" not in told.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        read_settings(tmp_path / "daypass.yaml")
    assert told.value.message == f"{tmp_path}/daypass.yaml: cannot be read: No such file or directory"


def test_plain_text_off_loopback_is_taken_with_tls(folder: Path) -> None:
    text = "site: a\nlisten: { web: 0.0.0.0:8420 }\ntls: { cert: secret, key: secret }\n"
    assert read_settings(written(folder, text)).public_url == "https://localhost:8420"
