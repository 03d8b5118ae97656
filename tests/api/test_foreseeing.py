"""What asking would take before it is sent, and what was asked like it before, over HTTP."""

from __future__ import annotations

from typing import Any

from tests.api.serving import Served

V1 = "/api/v1"
WISH = {"target": "orders", "role": "write", "duration_ms": 1_800_000}


def preview(served: Served, by: str = "ana", **more: Any) -> Any:
    return served.call("POST", f"{V1}/requests/preview", {**WISH, **more}, by=by)


def decided(served: Served, verb: str) -> str:
    asked = served.call("POST", f"{V1}/requests", {**WISH, "reason": "before"}, by="ana").json
    vote = {"digest": asked["digest"], "note": "so"}
    served.call("POST", f"{V1}/requests/{asked['id']}/{verb}", vote, by="ben")
    return str(asked["id"])


def waiting(served: Served) -> list[str]:
    return [one["id"] for one in served.call("GET", f"{V1}/requests?view=to-decide", by="ben").json["items"]]


def test_it_is_said_in_one_sentence_and_in_its_parts(served: Served) -> None:
    decided(served, "deny")
    before = waiting(served)
    found = preview(served).json
    assert found["state"] == "NEEDS_VOTES" and found["decided_before"] >= 1 and found["usual_wait_ms"] >= 0
    assert found["preview"].startswith("asks 1 of 1 people; usually decided within ")
    assert found["preview"].endswith("; at most 4 hours") and found["longest_ms"] == 4 * 3_600_000
    automatic = preview(served, role="read", ticket="INC-7").json
    assert automatic["preview"].startswith("approved at once") and automatic["owes"] == {}
    assert "at most 4h" in preview(served, duration_ms=5 * 3_600_000).json["preview"]
    assert waiting(served) == before, "nothing was asked"


def test_what_is_not_for_me_is_not_there(served: Served) -> None:
    assert preview(served, by="eve").status == 404
    assert preview(served, target="none").status == 404
    assert preview(served, scope=["no name"]).status == 422


def test_what_was_asked_like_it_before(served: Served) -> None:
    first = served.call("POST", f"{V1}/requests", {**WISH, "reason": "first"}, by="ana").json["id"]
    last_time = served.call("GET", f"{V1}/requests/{first}/similar", by="ben").json["last_time"]
    served.call("POST", f"{V1}/requests/{first}/withdraw", by="ana")
    denied, approved = decided(served, "deny"), decided(served, "approve")
    grant = served.call("GET", f"{V1}/requests/{approved}", by="ana").json["grant"]
    served.call("POST", f"{V1}/grants/{grant}/return", by="ana")
    now = served.call("POST", f"{V1}/requests", {**WISH, "reason": "again"}, by="ana").json["id"]
    found = served.call("GET", f"{V1}/requests/{now}/similar", by="ben").json
    assert [one["id"] for one in found["cases"]][:2] == [approved, denied]
    assert found["last_time"] == last_time, "a grant handed back unused is no access that was had"
    assert served.call("GET", f"{V1}/requests/{now}/similar", by="eve").status == 404
    served.call("POST", f"{V1}/requests/{now}/withdraw", by="ana")


def test_who_decides_is_told_what_hangs_on_it(served: Served) -> None:
    asked = served.call("POST", f"{V1}/requests", {**WISH, "reason": "risky"}, by="ana").json["id"]
    found = served.call("GET", f"{V1}/requests/{asked}/similar", by="ben").json
    assert found["risk"] in ("MEDIUM", "HIGH") and "it can change data" in found["risk_reasons"]
    assert "no ticket is named" in found["risk_reasons"]
    assert found["ticket"] is None and found["ticket_problem"] == "", "no ticket system is configured"
    served.call("POST", f"{V1}/requests/{asked}/withdraw", by="ana")
