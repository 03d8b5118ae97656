"""AuthZEN: a denial that can be asked about, the task through its states, and nothing in anybody else's name."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from daypass.api.authzen import STATUS
from daypass.domain.request import RequestState
from tests.api.serving import Served

ERROR = "urn:openid:authzen:access-request:error:"


def asking(role: str = "write", who: str = "ana", **more: Any) -> dict[str, Any]:
    subject = {"type": "user", "id": f"{who}@acme.test"}
    return {"subject": subject, "resource": {"type": "target", "id": "orders"}, "action": {"name": role}, **more}


def evaluated(served: Served, by: str = "ana", **more: Any) -> Any:
    return served.call("POST", "/access/v1/evaluation", asking(**more), by=by)


def submit(served: Served, role: str = "write", token: str | None = None, ticket: str = "", by: str = "ana") -> Any:
    if token is None:
        token = evaluated(served, role=role).json["context"]["access_request"]["binding_token"]
    until = datetime.fromtimestamp(time.time() + 1800, UTC).isoformat()
    context = {"business_justification": "renewal", "ticket": ticket, "vendor.example.com/x": 1}
    body = asking(
        role, by, context=context, denial={"binding_token": token}, requested_access={"requested_until": until}
    )
    return served.call("POST", "/access/v1/requests", body, by=by)


@pytest.fixture(autouse=True)
def nothing_is_held(served: Served) -> None:
    """No test finds the access of another."""
    for grant in served.call("GET", "/api/v1/grants?live=true", by="ana").json["items"]:
        served.call("POST", f"/api/v1/grants/{grant['id']}/return", by="ana")


def test_every_state_has_its_status() -> None:
    assert set(STATUS) == set(RequestState)


def test_denied_asked_approved_and_evaluated_again(served: Served) -> None:
    denied = evaluated(served).json
    assert denied["decision"] is False and denied["context"]["reason"] == "approval_required"
    made = submit(served)
    assert made.status == 202 and made.json["task"]["status"] == "pending" and "result" not in made.json
    id = made.json["task"]["id"]
    assert made.headers["location"] == made.json["task"]["status_endpoint"]
    request = served.call("GET", f"/api/v1/requests/{id}", by="ben").json
    assert (request["reason"], request["target"], request["role"]) == ("renewal", "orders", "write")
    served.call("POST", f"/api/v1/requests/{id}/approve", {"digest": request["digest"]}, by="ben")
    done = served.call("GET", f"/access/v1/requests/{id}", by="ana").json
    assert done["task"]["status"] == "approved" and done["result"]["mode"] == "reevaluate"
    approval = done["result"]["approval"]
    assert evaluated(served, context={"approval": approval}).json["decision"] is True
    assert evaluated(served, context={"approval": {"id": "another"}}).json["decision"] is False
    assert evaluated(served, role="read", context={"approval": approval}).json["decision"] is False
    served.call("POST", f"/api/v1/grants/{approval['id']}/return", by="ana")
    assert evaluated(served, context={"approval": approval}).json["decision"] is False


def test_a_rule_that_approves_by_itself_answers_at_once(served: Served) -> None:
    made = submit(served, "read", ticket="INC-9")
    assert made.status == 201 and made.json["task"]["status"] == "approved" and made.json["result"]["approval"]["id"]


def test_only_what_was_denied_to_oneself_lately_is_asked_for(served: Served) -> None:
    token = evaluated(served).json["context"]["access_request"]["binding_token"]
    forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    for role, given in (("read", token), ("write", forged), ("write", ""), ("write", "x.y.z")):
        answer = submit(served, role, given)
        assert (answer.status, answer.json["type"]) == (400, f"{ERROR}invalid_denial_binding")
    sams = served.call("POST", "/access/v1/requests", asking(denial={"binding_token": token}), by="sam")
    assert sams.status == 403 and "who calls" in sams.json["detail"]


def test_nobody_asks_for_somebody_else(served: Served) -> None:
    assert evaluated(served, by="cleo").status == 403
    eve = evaluated(served, by="eve", who="eve").json
    assert eve["decision"] is False and "access_request" not in eve["context"]


def test_taken_back_denied_and_unknown(served: Served) -> None:
    id = submit(served).json["task"]["id"]
    cancel = f"/access/v1/requests/{id}/cancel"
    assert served.call("POST", cancel, by="eve").json["type"] == f"{ERROR}unknown_task"
    assert served.call("POST", cancel, by="ana").json["task"]["status"] == "cancelled"
    again = served.call("POST", cancel, by="ana")
    assert (again.status, again.json["type"]) == (409, f"{ERROR}invalid_task_state")
    other = submit(served).json["task"]["id"]
    request = served.call("GET", f"/api/v1/requests/{other}", by="ben").json
    served.call("POST", f"/api/v1/requests/{other}/deny", {"digest": request["digest"], "note": "no"}, by="ben")
    denied = served.call("GET", f"/access/v1/requests/{other}", by="ana").json
    assert denied["task"]["status"] == "denied" and "result" not in denied
    assert served.call("GET", "/access/v1/requests/" + "0" * 36, by="ana").json["type"] == f"{ERROR}unknown_task"


def test_where_it_is(served: Served) -> None:
    told = served.call("GET", "/.well-known/authzen-configuration", by="ana").json
    assert told["access_request_endpoint"].endswith("/access/v1/requests")
