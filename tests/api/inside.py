"""`Inside`: the whole web app in this process, over a real store and the real services. Its gateway listens nowhere.

For what asks thousands of times. Sessions are let in as the gateway lets them in; there is no target. What is to be
asked about is made by the services, at half of what HTTP costs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from daypass.api.front import Front
from daypass.api.models import Health
from daypass.api.web import make_web
from daypass.app.checking import check_settings
from daypass.app.house import House, make_house, wall_ms
from daypass.app.overseeing import make_overseeing
from daypass.app.policy_files import PolicyFilesOnDisk
from daypass.app.publishing import Publishing
from daypass.app.shipping import Shipping
from daypass.app.telling import make_channels
from daypass.config import Settings, read_settings
from daypass.domain.grant import LIVE, Grant
from daypass.domain.people import OPERATOR, Person
from daypass.domain.request import OPEN
from daypass.gateway.consoles import Consoles
from daypass.gateway.gateway import Gateway
from daypass.insights.asking import Insights
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.sequencer import BATCH, number
from daypass.protocols import PROTOCOLS
from daypass.services.counting_hits import CountingHits
from daypass.services.foreseeing import Foreseeing
from daypass.services.proposing import Proposing
from daypass.services.surveying import Surveying
from daypass.services.trying import Trying
from daypass.store.interface import Store
from daypass.store.opening import open_store
from tests.services.conftest import Carrying

URL = "http://localhost:8420"
V1 = "/api/v1"
PROTOCOL = next(iter(PROTOCOLS))

SETTINGS = """\
site: acme.test/inside
public_url: {url}
ledger: {{ public: false }}
identity:
  scim: {{ account: dir@acme.test }}
  roles: {{ operator: ["group:operators", zed@acme.test] }}
  people:
    - {{ email: ana@acme.test, name: Ana, groups: [engineers] }}
    - {{ email: amy@acme.test, name: Amy, groups: [engineers] }}
    - {{ email: bot@acme.test, name: Ana's agent, groups: [engineers], agent_of: ana@acme.test }}
    - {{ email: ben@acme.test, name: Ben, groups: [leads] }}
    - {{ email: bob@acme.test, name: Bob, groups: [others] }}
    - {{ email: olga@acme.test, name: Olga }}
    - {{ email: oleg@acme.test, name: Oleg }}
    - {{ email: sam@acme.test, name: Sam, groups: [security] }}
    - {{ email: tess@acme.test, name: Tess, groups: [security] }}
    - {{ email: cleo@acme.test, name: Cleo, groups: [auditors] }}
    - {{ email: oz@acme.test, name: Oz, groups: [operators] }}
    - {{ email: zed@acme.test, name: Zed, groups: [auditors] }}
    - {{ email: eve@acme.test, name: Eve }}
    - {{ email: dir@acme.test, name: The directory, agent_of: oz@acme.test }}
targets:
  - name: orders
    protocol: {protocol}
    address: 127.0.0.1:1
    owners: [olga@acme.test]
    roles: {{ read: {{ user: app_ro, effect: read }}, write: {{ user: app_rw }} }}
  - name: parts
    protocol: {protocol}
    address: 127.0.0.1:1
    owners: [oleg@acme.test]
    roles: {{ read: {{ user: app_ro, effect: read }} }}
policies: [ orders.yaml, parts.yaml ]
notify: {{ email: {{ server: 127.0.0.1:1, tls: none, from: daypass@acme.test }} }}
"""
ORDERS = """\
policy: orders
covers: { targets: [orders] }
limits: { longest: 4h, extend: { times: 9, by: 30m } }
rules:
  - name: work
    who: ["group:engineers"]
    roles: [read, write]
    decide: { undecided_after: 4h, stages: [ { need: 1, of: ["group:leads"] } ] }
    owes: { sign_off: { by: ["group:leads"], within: 2d } }
  - name: break the glass
    who: ["group:engineers"]
    roles: [read, write]
    break_glass: { longest: 30m, tell: ["group:leads"] }
    owes: { ratify: { by: ["group:leads"], within: 24h } }
"""
PARTS = """\
policy: parts
covers: { targets: [parts] }
rules:
  - name: look
    who: ["group:leads"]
    roles: [read]
    decide: { undecided_after: 4h, stages: [ { need: 1, of: ["group:others"] } ] }
"""


class Inside:
    """The app (`app`, with its guard) and everybody's tokens."""

    def __init__(
        self, home: Path, house: House, publishing: Publishing, app: ASGIApp, carrying: Carrying, consoles: Consoles
    ):
        self.home, self.house, self.publishing, self.app, self.carrying = home, house, publishing, app, carrying
        self.consoles = consoles
        self.tokens: dict[str, str] = {}
        self.token_ids: dict[str, str] = {}
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url=URL)

    async def token(self, name: str, *, fresh: bool = False) -> tuple[str, str]:
        """A token of this person, and its id."""
        if fresh or name not in self.tokens:
            person = await self.person(name)
            scopes = ("api", "scim") if name == "dir" else ()
            issued = await self.house.tokens.issue(person.id, OPERATOR, scopes=scopes)
            if fresh:
                return issued.secret, issued.token.id
            self.tokens[name], self.token_ids[name] = issued.secret, issued.token.id
        return self.tokens[name], self.token_ids[name]

    async def person(self, name: str) -> Person:
        return await self.house.people.by_email(f"{name}@acme.test")

    async def call(self, method: str, path: str, body: object = None, *, by: str | None = None) -> httpx2.Response:
        headers = {} if by is None else {"Authorization": f"Bearer {(await self.token(by))[0]}"}
        return await self.client.request(method, path, json=body, headers=headers)

    async def must(self, method: str, path: str, body: object = None, *, by: str) -> Any:
        """The same, which has to succeed."""
        answer = await self.call(method, V1 + path, body, by=by)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json()

    async def numbered(self) -> None:
        """Give what was committed its place in the log, and publish it."""
        while await self.house.office.store.sequence(BATCH, number):
            pass
        await self.publishing.publish()

    # -- things to ask about ----------------------------------------------------------------------------------------

    async def asked(self, by: str = "ana", **more: object) -> Any:
        wish = {"target": "orders", "role": "write", "duration_ms": 1_800_000, "reason": "to see", **more}
        return await self.must("POST", "/requests", wish, by=by)

    async def tidy(self) -> None:
        """Take back what is undecided: nobody may have very much of it."""
        for name in ("ana", "amy", "bot"):
            person = await self.person(name)
            async with self.house.office.store.reading() as tx:
                undecided = await tx.requests(requester=person.id, states=OPEN)
            for one in undecided:
                await self.house.requests.withdraw(person, one.id)

    async def hand_back(self, by: str = "ana") -> None:
        """End what this person has."""
        person = await self.person(by)
        async with self.house.office.store.reading() as tx:
            live = await tx.grants(person=person.id, states=LIVE)
        for one in live:
            await self.house.grants.hand_back(person, one.id)

    async def granted(self, by: str = "ana") -> Grant:
        asked = await self.asked(by)
        approved = await self.house.requests.approve(await self.person("ben"), asked["id"], digest=asked["digest"])
        async with self.house.office.store.reading() as tx:
            grant = await tx.grant(approved.grant or "")
        assert grant is not None
        return grant

    async def session(self, by: str = "ana") -> tuple[str, Grant]:
        """A session that its target let in, on a grant of its own; its id and the grant."""
        await self.hand_back(by)
        grant = await self.granted(by)
        _, token = await self.token(by)
        admission = await self.house.sessions.admit(token, "orders", "write", "127.0.0.1:9", "one")
        await self.house.sessions.opened(admission.session, {"pid": "4711"})
        self.carrying.carried.add(admission.session)
        return admission.session, grant


@asynccontextmanager
async def inside(home: Path, **instead: str) -> AsyncIterator[Inside]:
    """Everything made and opened, in this folder. `instead` replaces parts of the settings' text."""
    text = SETTINGS.format(url=URL, protocol=PROTOCOL)
    for part, other in instead.items():
        text = text.replace(part, other)
    (home / "daypass.yaml").write_text(text)
    (home / "orders.yaml").write_text(ORDERS)
    (home / "parts.yaml").write_text(PARTS)
    settings = read_settings(home / "daypass.yaml")
    checked = check_settings(settings, wall_ms())
    settings.data.mkdir()
    store: Store = open_store(settings.store, settings.data)
    await store.migrate()
    publishing = Publishing(store, settings.site, settings.data, node="one", url=URL, public=settings.ledger.public)
    await publishing.open()
    house = make_house(store, checked)
    house.office.policies.current = checked.policies
    carrying = house.live.carrier = Carrying(house)
    house.live.node = "one"
    await house.people.sync(settings.people)
    await house.tokens.start()
    registry = CollectorRegistry()
    listen = checked.listen
    journal = Journal.open(home / "journal", Durability.WRITTEN)
    gateway = Gateway(desk=house.sessions, journal=journal, protocols=PROTOCOLS, node="one", on_fatal=lambda: None)
    consoles = Consoles(gateway, house.office, house.console_desk, PROTOCOLS)
    front = _front(house, publishing, registry, settings, listen, consoles)
    app = make_web(front, public_url=URL, listening=(), body_bytes_max=settings.limits.request_bytes)
    try:
        yield Inside(home, house, publishing, app, carrying, consoles)
    finally:
        # As a node leaves: nobody is cut short in the middle of a statement, and ends are told once they are shipped.
        shipping = Shipping(journal, store, "one")
        shipping.start(pytest.fail)
        await gateway.drain(0.0)
        await consoles.close()
        gateway.close()
        await house.endings.settle()
        await house.revoking.settle()
        await shipping.stop()
        journal.close()
        await store.close()


def _front(
    house: House,
    publishing: Publishing,
    registry: CollectorRegistry,
    settings: Settings,
    listen: Mapping[str, Any],
    consoles: Consoles,
) -> Front:
    office = house.office
    files = PolicyFilesOnDisk(settings, office, lambda: None)
    given = {
        "consoles": consoles,
        "insights": Insights(office),
        "counting_hits": CountingHits(office),
        "foreseeing": Foreseeing(office, house.deliberation),
        "proposing": Proposing(office, files),
        "trying": Trying(office, files),
        "surveying": Surveying(office, house.credentials, house.live),
        "overseeing": make_overseeing(house, publishing, (), make_channels(settings)),
        "listen": listen,
        "authority": None,
        "health": lambda: Health(id="one", state="HEALTHY"),
        "registry": registry,
        "log": publishing,
        "public_url": URL,
        "slack": None,
    }
    names = {one.name for one in dataclasses.fields(Front)} - given.keys()
    return Front(**{name: getattr(house, name) for name in names}, **given)
