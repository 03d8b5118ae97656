"""The main job over HTTP, and who sees what of it."""

from __future__ import annotations

import json
import time

from daypass.protocols import PROTOCOLS
from tests.api.serving import PROTOCOL, Served

V1 = "/api/v1"
SEALED_SECONDS_MAX = 15.0
"""Entries get their places within a fraction of a second; the rest is for a busy machine."""


def test_asking_deciding_and_handing_back(served: Served) -> None:
    asked = served.ask()
    assert asked["state"] == "PENDING" and asked["requester"]["email"] == "ana@acme.test"
    vote = {"digest": asked["digest"], "duration_ms": 900_000, "note": "less will do"}
    own = served.call("POST", f"{V1}/requests/{asked['id']}/approve", vote, by="ana")
    assert own.status == 403 and "own request" in own.json["detail"]
    approved = served.call("POST", f"{V1}/requests/{asked['id']}/approve", vote, by="ben").json
    assert (approved["state"], approved["granted_ms"]) == ("APPROVED", 900_000)
    assert [vote["counts"] for vote in approved["votes"]] == [True]
    grant = served.call("GET", f"{V1}/grants/{approved['grant']}", by="ana").json
    assert (grant["state"], grant["duration_ms"], grant["request"]) == ("READY", 900_000, asked["id"])
    active = served.call("POST", f"{V1}/grants/{grant['id']}/activate", by="ana").json
    assert active["expires_at"] == active["activated_at"] + 900_000
    ended = served.call("POST", f"{V1}/grants/{grant['id']}/return", by="ana").json
    assert (ended["state"], ended["end_reason"]) == ("ENDED", "handed back")
    again = served.call("POST", f"{V1}/grants/{grant['id']}/return", by="ana")
    assert again.status == 409


def test_a_vote_is_for_what_was_seen(served: Served) -> None:
    asked = served.ask()
    stale = served.call("POST", f"{V1}/requests/{asked['id']}/approve", {"digest": "0" * 64}, by="ben")
    assert stale.status == 409 and "changed" in stale.json["detail"]
    denied = {"digest": asked["digest"], "note": "not today"}
    assert served.call("POST", f"{V1}/requests/{asked['id']}/deny", denied, by="ben").json["state"] == "DENIED"


def test_a_question_and_its_answer(served: Served) -> None:
    asked = served.ask()
    path = f"{V1}/requests/{asked['id']}"
    assert served.call("POST", f"{path}/ask", {"text": "which one?"}, by="ben").json["state"] == "NEEDS_INFO"
    answered = served.call("POST", f"{path}/answer", {"text": "4711"}, by="ana").json
    assert [each["text"] for each in answered["messages"]] == ["which one?", "4711"]
    assert served.call("POST", f"{path}/withdraw", by="ana").json["state"] == "WITHDRAWN"


def test_others_see_nothing(served: Served) -> None:
    asked = served.ask(role="read", ticket="INC-2")
    assert asked["state"] == "APPROVED"
    assert served.call("GET", f"{V1}/requests/{asked['id']}", by="eve").status == 404
    assert served.call("GET", f"{V1}/grants/{asked['grant']}", by="eve").status == 404
    assert served.call("GET", f"{V1}/requests?view=all", by="eve").json == {"items": [], "next": None}
    assert served.call("GET", f"{V1}/grants?view=all", by="eve").json["items"] == []
    assert served.call("GET", f"{V1}/targets", by="eve").json["items"] == []
    assert served.call("GET", f"{V1}/requests/{asked['id']}", by="cleo").json["id"] == asked["id"]


def test_policy_refuses_before_anything_is_open(served: Served) -> None:
    body = {"target": "orders", "role": "write", "duration_ms": 60_000, "reason": "x"}
    refused = served.call("POST", f"{V1}/requests", body, by="eve")
    assert refused.status == 403 and refused.json["type"].endswith("/refused")


def test_lists_are_paged(served: Served) -> None:
    made = [served.ask()["id"] for _ in range(3)]
    seen: list[str] = []
    before = ""
    while len(seen) < 3:
        page = served.call("GET", f"{V1}/requests?limit=1{before}", by="ana").json
        seen += [each["id"] for each in page["items"]]
        before = f"&before={page['next']}"
    assert seen == made[::-1]
    deciding = served.call("GET", f"{V1}/requests?view=to-decide", by="ben").json["items"]
    assert set(made) <= {each["id"] for each in deciding}
    for id in made:
        served.call("POST", f"{V1}/requests/{id}/withdraw", by="ana")


def test_an_end_of_an_id_is_enough(served: Served) -> None:
    asked = served.ask(role="read", ticket="INC-3")
    assert served.call("GET", f"{V1}/requests/{asked['id'][-10:]}", by="ana").json["id"] == asked["id"]


def test_targets_say_what_asking_takes(served: Served) -> None:
    (orders,) = served.call("GET", f"{V1}/targets", by="ana").json["items"]
    assert (orders["id"], orders["protocol"]) == ("orders", PROTOCOL)
    takes = {role["name"]: role["takes"] for role in orders["roles"]}
    assert takes["write"] == "needs 1 of group:leads, other than the requester"
    assert takes["read"].startswith('automatic, when request.ticket.startsWith("INC-"); needs 1 of')


def test_policy_is_explained_without_a_record(served: Served) -> None:
    question = {"target": "orders", "role": "read", "duration_ms": 60_000, "ticket": "INC-9"}
    told = served.call("POST", f"{V1}/policy/explain", question, by="ana").json
    assert (told["id"], told["state"], told["rule"]) == ("orders", "AUTOMATIC", "tickets")


def test_the_ledger_holds_what_happened_and_no_words(served: Served) -> None:
    asked = served.ask(reason="a secret reason")
    entries: list[dict[str, str]] = []
    give_up = time.monotonic() + SEALED_SECONDS_MAX
    while not entries and time.monotonic() < give_up:
        entries = served.call("GET", f"{V1}/entries?request={asked['id']}", by="ana").json["items"]
    assert [each["type"] for each in entries] == ["request.created"]
    assert "secret reason" not in entries[0]["entry"]
    assert json.loads(entries[0]["entry"])["id"] == entries[0]["id"]
    assert served.call("GET", f"{V1}/entries?type=policy.changed", by="cleo").json["items"]


def test_health_and_metrics(served: Served) -> None:
    assert served.call("GET", "/healthz").json == {"id": "one", "state": "HEALTHY", "problem": "", "warnings": []}
    metrics = served.call("GET", "/metrics").raw.decode()
    assert "daypass_sessions_open 0.0" in metrics and "acme.test" not in metrics


def test_protocol_names_come_from_their_list(served: Served) -> None:
    schemas = served.call("GET", f"{V1}/openapi.json").json["components"]["schemas"]
    assert schemas["TargetView"]["properties"]["protocol"]["enum"] == list(PROTOCOLS)
