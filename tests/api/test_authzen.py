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


def test_several_evaluations_at_once(served: Served) -> None:
    each = [
        {"action": {"name": "read"}},
        {"resource": {"type": "target", "id": "nowhere"}},
        {"resource": {"type": "x", "id": "y"}},
    ]

    def ask(**more: Any) -> Any:
        body = asking("write", evaluations=each, **more)
        return served.call("POST", "/access/v1/evaluations", body, by="ana").json

    found = ask()["evaluations"]
    assert [one["decision"] for one in found] == [False] * 3
    assert found[0]["context"]["access_request"]["binding_token"] and found[1]["context"]["reason"] == "no_access"
    assert found[2]["context"]["error"]["status"] == 400
    assert len(ask(options={"evaluations_semantic": "deny_on_first_deny"})["evaluations"]) == 1
    assert len(ask(options={"evaluations_semantic": "permit_on_first_permit"})["evaluations"]) == 3
    alone = served.call("POST", "/access/v1/evaluations", asking("write"), by="ana").json
    assert alone["decision"] is False and alone["context"]["evaluation_id"]
    assert served.call("POST", "/access/v1/evaluations", asking(evaluations=each[:1] * 101), by="ana").status == 422


def several(served: Served, *roles: str, denials: list[Any] | None = None, **more: Any) -> Any:
    def denial(role: str) -> dict[str, str]:
        return {"binding_token": evaluated(served, role=role).json["context"]["access_request"]["binding_token"]}

    given = denials if denials is not None else [denial(role) for role in roles]
    until = datetime.fromtimestamp(time.time() + 1800, UTC).isoformat()
    body = {
        "subject": {"type": "user", "id": "ana@acme.test"},
        "items": [
            {
                "resource": {"type": "target", "id": "orders"},
                "action": {"name": role},
                **({"denial": one} if one else {}),
            }
            for role, one in zip(roles, given, strict=True)
        ],
        "context": {"business_justification": "the migration"},
        "requested_access": {"requested_until": until},
        **more,
    }
    return served.call("POST", "/access/v1/requests", body, by="ana")


def test_several_items_are_one_task_each_with_its_own_end(served: Served) -> None:
    made = several(served, "write", "read")
    assert made.status == 202, made.json
    task = made.json["task"]
    assert [one["action"]["name"] for one in task["items"]] == ["write", "read"] and task["status"] == "pending"
    parts = served.call("GET", f"/api/v1/bundles/{task['id']}", by="ben").json["requests"]
    read, write = (next(one for one in parts if one["role"] == role) for role in ("read", "write"))
    served.call("POST", f"/api/v1/requests/{read['id']}/approve", {"digest": read["digest"]}, by="ben")
    shown = served.call("GET", f"/access/v1/requests/{task['id']}", by="ana").json["task"]
    assert (shown["status"], [one["status"] for one in shown["items"]]) == ("pending", ["pending", "approved"])
    approval = shown["items"][1]["result"]["approval"]
    assert evaluated(served, role="read", context={"approval": approval}).json["decision"] is True
    served.call("POST", f"/api/v1/requests/{write['id']}/deny", {"digest": write["digest"], "note": "no"}, by="ben")
    after = served.call("GET", f"/access/v1/requests/{task['id']}", by="ana").json["task"]
    assert (after["status"], "result" in after["items"][0]) == ("partial", False)
    again = served.call("POST", f"/access/v1/requests/{task['id']}/cancel", by="ana")
    assert (again.status, again.json["type"]) == (409, f"{ERROR}invalid_task_state")
    assert served.call("GET", f"/access/v1/requests/{task['id']}", by="eve").status == 404


def test_open_items_are_taken_back_together(served: Served) -> None:
    task = several(served, "write", "read").json["task"]
    gone = served.call("POST", f"/access/v1/requests/{task['id']}/cancel", by="ana").json["task"]
    assert (gone["status"], {one["status"] for one in gone["items"]}) == ("cancelled", {"cancelled"})


def test_each_item_needs_its_own_denial(served: Served) -> None:
    context = evaluated(served).json["context"]
    token = {"binding_token": context["access_request"]["binding_token"]}
    for denials in ([token, None], [token, token]):
        answer = several(served, "write", "read", denials=denials, denial=token)
        assert (answer.status, answer.json["type"]) == (400, f"{ERROR}invalid_denial_binding")
    for wrong in ({"resource": {"type": "target", "id": "orders"}}, {"items": []}):
        assert several(served, "write", **wrong).status == 422
    assert several(served, "write", "write", denials=[token, token]).status == 422


def test_the_evaluations_id_binds_as_well(served: Served) -> None:
    id = evaluated(served).json["context"]["evaluation_id"]
    until = {"requested_until": datetime.fromtimestamp(time.time() + 1800, UTC).isoformat()}
    said = {"context": {"business_justification": "renewal"}, "requested_access": until}
    for role, wrong in (
        ("read", id),
        ("write", f"{id[:-1]}{'A' if id[-1] != 'A' else 'B'}"),
        ("write", "x"),
        ("write", "é"),
        ("write", ""),
    ):
        body = asking(role, denial={"evaluation_id": wrong}, **said)
        answer = served.call("POST", "/access/v1/requests", body, by="ana")
        assert (answer.status, answer.json["type"]) == (400, f"{ERROR}invalid_denial_binding")
    made = served.call("POST", "/access/v1/requests", asking(denial={"evaluation_id": id}, **said), by="ana")
    assert made.status == 202, made.json
    served.call("POST", f"/access/v1/requests/{made.json['task']['id']}/cancel", by="ana")


def test_text_that_no_store_could_keep_is_refused(served: Served) -> None:
    answer = evaluated(served, context={"business_justification": "x\0y"})
    assert (answer.status, answer.json["errors"][0]["where"]) == (422, "body.context.business_justification")


def test_a_binding_that_is_no_text_of_ours(served: Served) -> None:
    assert several(served, "write", denials=[{"binding_token": "é.é.é"}]).status == 400


def test_nobody_is_called_back_where_the_settings_do_not_say_so(served: Served) -> None:
    token = {"binding_token": evaluated(served).json["context"]["access_request"]["binding_token"]}
    answer = several(served, "write", denials=[token], callback={"endpoint": "http://169.254.169.254/"})
    assert answer.status == 422 and "not among those that the settings allow" in answer.json["detail"]
