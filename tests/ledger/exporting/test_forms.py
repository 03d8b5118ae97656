"""Forms of exports: OCSF against its own schema, CloudEvents and RFC 5424 against their rules, for every type."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from daypass.domain.events import CATALOGUE
from daypass.ledger.entry import canonical
from daypass.ledger.exporting.forms import FORMS, Placed, line, rfc3339
from daypass.ledger.exporting.ocsf import VERSION, ocsf_event
from daypass.ledger.exporting.syslog import framed, message

LEAF = "ab" * 32
ENTRY: dict[str, Any] = {
    "v": 1,
    "id": "01890a5e-0000-7000-8000-000000000001",
    "t": 1_790_000_000_123,
    "actor": {"id": "01890a5d-ac96-774b-bcce-b302099a8057", "kind": "person"},
    "chains": [],
    "body": {"statement": 3, "effect": "write", "error": "22012", "duration_us": 1500, "role": "write"},
    "commit": {},
    "blob": [],
}
ABOUT = {
    "request": "01890a5e-0000-7000-8000-000000000002",
    "grant": "01890a5e-0000-7000-8000-000000000003",
    "session": "01890a5e-0000-7000-8000-000000000004",
    "target": {"name": 'or"d]e\\rs', "protocol": "wire"},
}
SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION))
SYSLOG = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) (\d+) "
    rb'([\x21-\x7e]{1,32}) \[daypass@32473 log="((?:[^"\\\]]|\\["\\\]])*)" index="(\d+)" leaf="([0-9a-f]{64})"\] '
    rb"\xef\xbb\xbf(.*)",
    re.DOTALL,
)


def placed(type: str, whole: bool = True) -> Placed:
    entry = {**ENTRY, "type": type, **(ABOUT if whole else {})}
    return Placed("acme.test/prod", 7, LEAF, canonical(entry))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("type", sorted(CATALOGUE))
def test_every_type_is_valid_ocsf(type: str, whole: bool) -> None:
    one = placed(type, whole)
    event = ocsf_event(one.site, one.index, one.leaf, one.entry)
    schema = SCHEMA.get_class_schema(SCHEMA.lookup_class_name_from_uid(event["class_uid"]))
    jsonschema.Draft202012Validator(schema).validate(event)
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert (event["metadata"]["sequence"], event["unmapped"]["log_leaf"]) == (7, LEAF)


def test_cloud_events_have_what_the_specification_asks_for() -> None:
    event = json.loads(line("cloudevents", placed("grant.ended")))
    assert event["specversion"] == "1.0"
    assert event["source"] == "daypass://acme.test/prod" and event["id"] == ENTRY["id"]
    assert event["type"] == "dev.daypass.grant.ended" and event["time"] == "2026-09-21T14:13:20.123Z"
    assert event["data"]["type"] == "grant.ended" and event["datacontenttype"] == "application/json"
    assert (event["logindex"], event["logleaf"]) == ("7", LEAF)
    # CloudEvents 1.0, "Naming conventions" of attributes.
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event if name != "data")


def test_syslog_messages_are_rfc_5424() -> None:
    found = SYSLOG.fullmatch(message("entries", placed("session.refused"), "a host\n" + "x" * 300, 42))
    assert found is not None
    assert (found[1], found[2]) == (b"108", b"2026-09-21T14:13:20.123Z")
    assert found[3].startswith(b"a_host_x") and found[6] == b"session.refused"
    assert json.loads(found[10])["leaf"] == LEAF
    odd = message("entries", Placed('a"b]c\\', 1, LEAF, placed("grant.ended").raw), "h", 1)
    assert SYSLOG.fullmatch(odd)[7] == b'a\\"b\\]c\\\\'  # type: ignore[index]


def test_frames_count_octets() -> None:
    assert framed("ä".encode()) == b"2 \xc3\xa4"


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_line_is_one_line_and_carries_its_place(form: str) -> None:
    raw = line(form, placed("statement.submitted"))
    assert b"\n" not in raw and LEAF.encode() in raw


def test_times_before_the_second() -> None:
    assert rfc3339(1) == "1970-01-01T00:00:00.001Z"
