"""Bundles, projects, repeating and favourites, over HTTP and by command."""

from __future__ import annotations

from typing import Any

from tests.api.serving import Served

V1 = "/api/v1"
ITEMS = [{"target": "orders", "role": "write"}, {"target": "orders", "role": "read"}]


def ask(served: Served, **more: Any) -> Any:
    body = {"items": ITEMS, "duration_ms": 3_600_000, "reason": "the migration", **more}
    return served.call("POST", f"{V1}/bundles", body, by="ana")


def test_a_bundle_is_decided_as_a_whole_by_who_saw_it(served: Served) -> None:
    made = ask(served).json
    assert made["state"] == "PENDING" and {one["bundle"] for one in made["requests"]} == {made["id"]}
    path, digests = f"{V1}/bundles/{made['id']}", {one["id"]: one["digest"] for one in made["requests"]}
    assert served.call("GET", path, by="eve").status == 404
    assert served.call("POST", f"{path}/approve", {"digests": digests}, by="ana").status == 403
    assert served.call("POST", f"{path}/approve", {"digests": {}}, by="ben").status == 409
    done = served.call("POST", f"{path}/approve", {"digests": digests, "duration_ms": 60_000}, by="ben").json
    assert done["state"] == "APPROVED" and {one["granted_ms"] for one in done["requests"]} == {60_000}
    again = ask(served).json
    digests = {one["id"]: one["digest"] for one in again["requests"]}
    denied = served.call("POST", f"{V1}/bundles/{again['id']}/deny", {"digests": digests, "note": "no"}, by="ben")
    assert denied.json["state"] == "DENIED"
    assert served.call("POST", f"{V1}/bundles/{again['id']}/withdraw", by="ana").status == 409


def test_there_are_no_projects_unless_policy_says_so(served: Served) -> None:
    refused = ask(served, until=4_000_000_000_000)
    assert refused.status == 403 and "no projects" in refused.json["detail"]


def test_by_command(served: Served) -> None:
    made = served.object("ana", "request", "orders:write", "orders:read", "--for", "1h", "--reason", "x")
    shown = served.object("ben", "show", made["id"])
    assert shown["kind"] == "bundle" and len(shown["requests"]) == 2
    one = served.run("ana", "show", shown["requests"][0]["id"]).stdout
    assert "can decide: ben@acme.test (on duty)" in one
    assert "APPROVED" in served.run("ben", "approve", made["id"]).stdout
    former = made["requests"][0]["id"]
    repeated = served.object("ana", "repeat", former, "--reason", "once more")
    assert (repeated["reason"], repeated["state"], repeated["id"] != former) == ("once more", "PENDING", True)
    assert "usually decided within" in served.run("ana", "show", repeated["id"]).stdout
    served.run("ana", "withdraw", repeated["id"])


def test_favourites_by_command(served: Served) -> None:
    served.run("ana", "favourites", "add", "morning", "orders", "--role", "read", "--for", "30m", "--reason", "check")
    assert "orders:read" in served.run("ana", "favourites").stdout
    assert served.object("eve", "favourites") == []
    made = served.object("ana", "favourites", "ask", "morning", "--ticket", "INC-1")
    assert made["state"] == "APPROVED"
    assert "REMOVED" in served.run("ana", "favourites", "remove", "morning").stdout


def test_a_webhook_of_a_system_that_there_is_not(served: Served) -> None:
    assert served.call("POST", f"{V1}/hooks/tickets/jira", {}, by=None).status == 404
