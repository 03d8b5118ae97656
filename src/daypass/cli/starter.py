"""The settings and the policy that `daypass init` writes: valid as they are, with what to fill in next to it."""

from __future__ import annotations

from daypass.config.settings import WEB, WEB_PORT
from daypass.protocols import PROTOCOLS

_TEXT = """\
# Daypass: docs/configuration.md tells of every key. daypass check says what is wrong here.
site: acme.test/prod                   # the ledger's origin; it can't be changed later
data: ./var                            # journal, recordings, ledger, keys
store: sqlite                          # or postgresql://user:password@host/database
listen: {{ {listen} }}
public_url: http://localhost:{web}
durability: synced                     # a statement is on disk before it is forwarded

identity:
  people:
    - {{ email: ana@acme.test, name: Ana, groups: [engineers] }}
    - {{ email: ben@acme.test, name: Ben, groups: [leads] }}
    - {{ email: cleo@acme.test, name: Cleo, groups: [auditors] }}

targets: []                            # like this one, which {policy} covers
# - name: orders
#   protocol: {protocol}
#   address: 127.0.0.1:{port}
#   database: orders
#   labels: {{ env: prod, system: orders }}
#   roles:
#     read:  {{ user: app_ro, password: {{ env: ORDERS_RO }}, effect: read }}
#     write: {{ user: app_rw, password: {{ file: secrets/orders-rw }}, effect: write }}

# notify:                                # who is asked, or owes something, is told (docs/telling.md)
#   email:
#     server: smtp.example.test
#     from: Daypass <daypass@example.test>
#     user: daypass
#     password: {{ env: SMTP_PASSWORD }}

policies: [ policies/*.yaml ]
"""

POLICY_FILE = "policies/orders.yaml"
"""Beside the settings."""

POLICY = """\
# docs/policy.md tells of every key; an editor knows them by: daypass policy schema > policies/policy.schema.json
# yaml-language-server: $schema=policy.schema.json
policy: orders
covers: { labels: { system: orders } }
limits: { longest: 4h }
rules:                                 # the first match decides; no match means refused
  - name: work on orders
    who: [group:engineers]
    roles: [read, write]
    decide: { undecided_after: 4h, stages: [ { need: 1, of: [group:leads] } ] }
"""


def starter() -> str:
    """The text of a new daypass.yaml."""
    listen = [f"{WEB}: 127.0.0.1:{WEB_PORT}", *(f"{name}: 127.0.0.1:{each.port}" for name, each in PROTOCOLS.items())]
    first = next(iter(PROTOCOLS.values()))
    return _TEXT.format(
        listen=", ".join(listen), web=WEB_PORT, protocol=first.name, port=first.target_port, policy=POLICY_FILE
    )
