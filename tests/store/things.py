"""Domain objects in which every field differs from its default, and drafts, for the store's tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from daypass.domain.events import Blob, Draft, IndexRow
from daypass.domain.grant import Extension, Grant, GrantState
from daypass.domain.passkey import Passkey
from daypass.domain.people import Person
from daypass.domain.request import Item, Message, Request, RequestState, Route, Stage, Vote
from daypass.domain.session import Session, SessionState
from daypass.store.interface import ChainHead, Sequenced, Token, Unsequenced

ODD = "Zoë — “naïve” \U0001f511 \\ ' \" \t\n 日本 %_"
"""Text that breaks careless quoting and careless encodings."""


def id_of(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012x}"


ANA = Person(id_of(1), "ana@acme.test", ODD, frozenset({"payments-oncall", ODD}), True, "sub|7", "owner")
BEN = Person(id_of(2), "ben@acme.test", "Ben", frozenset())

TOKEN = Token(
    id=id_of(10),
    person=ANA.id,
    sha256=bytes(range(32)),
    stored_key=b"\0" * 32,
    server_key=b"\xff" * 32,
    created_at=1_700_000_000_000,
    expires_at=1_800_000_000_000,
    label=ODD,
    revoked_at=1_750_000_000_000,
    last_used_at=1_740_000_000_000,
    last_used_from="127.0.0.1:5",
    scopes=("api", "connect:orders"),
)

PASSKEY = Passkey(
    id=id_of(80),
    person=ANA.id,
    credential="YQ",
    public=bytes(range(77)),
    rp_id="acme.test",
    origin="https://acme.test",
    name=ODD,
    counter=(1 << 32) - 1,
    transports=("internal", ODD),
    entry=id_of(81),
    enrolled_at=1_700_000_000_000,
    last_used_at=1_740_000_000_000,
    removed_at=1_750_000_000_000,
)

REQUEST = Request(
    id=id_of(20),
    state=RequestState.APPROVED,
    requester=ANA.id,
    on_behalf_of=BEN.id,
    items=(Item("orders", "write"), Item("ledger", ODD)),
    reason=ODD,
    ticket="INC-7",
    duration_ms=1_800_000,
    start_at=1_700_000_100_000,
    digest="d" * 64,
    digest_salt="5" * 64,
    policy="payments-production",
    policy_digest="p" * 64,
    rule=ODD,
    stages=(Stage(2, ("group:payments-leads", ODD), (BEN.id, id_of(3))), Stage(1, ("group:secops",), (id_of(4),))),
    automatic=True,
    owes={"sign_off": {"by": ["group:payments-leads"], "within": 172_800_000}, ODD: None},
    created_at=1_700_000_000_000,
    decide_by=1_700_014_400_000,
    decided_at=1_700_000_200_000,
    decided_because=ODD,
    votes=(
        Vote(id_of(30), BEN.id, True, "d" * 64, 1_700_000_150_000, 900_000, ODD, "read", "{}", ODD, 5),
        Vote(id_of(32), BEN.id, True, "d" * 64, 1, statement="{}", passkey={"credential": "YQ", "enrolled": ODD}),
        Vote(id_of(31), "x", False, "", 1),
    ),
    messages=(Message(BEN.id, 1_700_000_120_000, ODD),),
    grant=id_of(40),
    asked_by=BEN.id,
    bundle=id_of(50),
    until=1_700_000_900_000,
    route=Route(2, True, "passkey", 5, ("group:cto", ODD), 6, ("group:secops",), (ANA.id,), (BEN.id,), True),
)

GRANT = Grant(
    id=id_of(40),
    state=GrantState.ENDED,
    request=REQUEST.id,
    person=ANA.id,
    target="orders",
    role="write",
    duration_ms=900_000,
    start_at=1_700_000_300_000,
    activate_by=1_700_100_000_000,
    created_at=1_700_000_200_000,
    policy="payments-production",
    rule=ODD,
    activated_at=1_700_000_300_001,
    expires_at=1_700_001_200_001,
    ending_at=1_700_001_200_002,
    ended_at=1_700_001_200_030,
    end_reason="expired",
    end_by=BEN.id,
    end_note=ODD,
    ending={"steps": {"cancelled": 5.25, "closed": 6.0}, "evidence": [ODD, 3, True, None]},
    extensions=(Extension(60_000, 1_700_000_400_000, BEN.id, ODD),),
    owes={"ratify": {"within": 1}},
)

SESSION = Session(
    id=id_of(50),
    state=SessionState.CUT,
    grant=GRANT.id,
    request=REQUEST.id,
    person=ANA.id,
    token=TOKEN.id,
    target="orders",
    protocol="wire",
    role="write",
    node="one",
    client="127.0.0.1:50123",
    opened_at=1_700_000_300_002,
    mark={"pid": "4711", "backend_start": "2026-11-23 03:16:41.123456+00", ODD: ODD},
    ended_at=1_700_001_200_020,
    end_reason="expired",
    recording="gap",
    ending={"read_back": "not confirmed", "steps_us": {"closed": 3250}},
    look_at=1_700_000_009_000,
    statements=12_345_678_901,
)

WAITING = replace(REQUEST, id=id_of(21), state=RequestState.PENDING, start_at=None, decided_at=None, grant=None)


def draft(number: int, **changes: Any) -> Draft:
    entry = json.dumps({"chains": [], "n": number}, separators=(",", ":")).encode()
    values: dict[str, Any] = {
        "id": id_of(1000 + number),
        "type": "statement.submitted",
        "t": 1_700_000_000_000 + number,
        "actor": ANA.id,
        "entry": entry,
        "chains": (f"session:{SESSION.id}", "target:orders"),
        "session": SESSION.id,
        "target": "orders",
        "statement": number,
        "index": IndexRow(f"select {number} {ODD} \0", "public.orders\npublic.payments", "select", "read", "f1"),
    }
    return Draft(**{**values, **changes})


def blob(content: bytes, session: str | None = None) -> Blob:
    return Blob(hashlib.sha256(content).hexdigest(), "application/octet-stream", content, session)


def number(
    first: int, drafts: Sequence[Unsequenced], heads: Mapping[str, ChainHead]
) -> tuple[Sequence[Sequenced], Sequence[ChainHead]]:
    """The plainest sequencer: bytes as they are, chains counted."""
    links = dict(heads)
    places = []
    for index, one in enumerate(drafts, first):
        leaf = hashlib.sha256(b"\0" + one.entry).hexdigest()
        places.append(Sequenced(one.row, index, one.entry, leaf))
        for name in one.chains:
            links[name] = ChainHead(name, links[name].n + 1 if name in links else 0, leaf)
    return places, list(links.values())
