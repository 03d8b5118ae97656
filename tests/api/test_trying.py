"""Policies as they are and changed ones tried out, and what administration looks at, over HTTP."""

from __future__ import annotations

from typing import Any

from tests.api.serving import POLICY, Served

V1 = "/api/v1"
CASE = "expect:\n  - { by: ana@acme.test, target: orders, role: write, for: 30m, then: automatic }\n"


def get(served: Served, path: str, by: str = "cleo") -> Any:
    answer = served.call("GET", f"{V1}{path}", by=by)
    assert answer.status == 200, answer.json
    return answer.json


def tried(served: Served, text: str) -> Any:
    return served.call("POST", f"{V1}/policy/try", {"text": text}, by="cleo").json


def test_the_policies_in_force_with_their_text(served: Served) -> None:
    (one,) = get(served, "/policies")["items"]
    assert (one["state"], one["text"]) == ("IN_FORCE", POLICY) and "orders" in one["targets"]


def test_a_changed_text_is_tried_and_nothing_happens(served: Served) -> None:
    before = len(get(served, "/entries?limit=1000")["items"])
    good = tried(served, POLICY.replace("longest: 4h", "longest: 3h"))
    assert (good["state"], good["problem"]) == ("LOADS", "") and good["digest"]
    failing = tried(served, POLICY.partition("expect:")[0] + CASE)
    assert failing["state"] == "FAILS" and "automatic was expected" in failing["problem"]
    (case,) = failing["cases"]
    assert case["state"] == "FAILED" and case["id"].startswith("the changed file:") and case["said"]
    broken = tried(served, "policy: p\ncovers: { targets: [orders] }\nrules: 3\n")
    assert (broken["state"], broken["id"]) == ("FAILS", "") and broken["problem"].startswith("the changed file:3:")
    later = get(served, "/entries?limit=1000")["items"]
    assert not any(one["type"].startswith("policy.") for one in later[before:])


def test_a_changed_text_is_held_against_what_was_asked(served: Served) -> None:
    body = {"target": "orders", "role": "write", "duration_ms": 3_600_000, "reason": "to be asked again"}
    id = served.call("POST", f"{V1}/requests", body, by="ana").json["id"]
    changed = {"text": POLICY.partition("expect:")[0].replace("longest: 4h", "longest: 10m")}
    found = served.call("POST", f"{V1}/policy/simulate", changed, by="cleo").json
    ours = next(one for one in found["differing"] if one["id"] == id)
    assert (ours["now"], ours["requester"]["email"]) == ("refused", "ana@acme.test") and "at most 10m" in ours["why"]
    assert found["state"] == "WHOLE" and found["requests"] >= found["differ"] >= 1
    wrong = served.call("POST", f"{V1}/policy/simulate", {"text": "policy: p"}, by="cleo")
    assert wrong.status == 422 and "the changed file" in wrong.json["detail"]
    served.call("POST", f"{V1}/requests/{id}/withdraw", by="ana")


def test_who_could_get_it(served: Served) -> None:
    found = get(served, "/policy/who-can?target=orders&role=write")["items"]
    assert {one["email"] for one in found} and all(one["how"] and one["rule"] for one in found)
    assert served.call("GET", f"{V1}/policy/who-can?target=orders&role=none", by="cleo").status == 404


def test_people_by_page_and_by_word(served: Served) -> None:
    everybody = get(served, "/people")["items"]
    emails = [one["email"] for one in everybody]
    assert emails == sorted(emails) and "ana@acme.test" in emails
    first = get(served, "/people?limit=2")
    assert [one["email"] for one in first["items"]] == emails[:2] and first["next"] == emails[1]
    assert get(served, f"/people?limit=2&after={emails[1]}")["items"][0]["email"] == emails[2]
    assert [one["email"] for one in get(served, "/people?q=ANA@acme")["items"]] == ["ana@acme.test"]


def test_groups_targets_and_channels(served: Served) -> None:
    groups = {one["id"]: one for one in get(served, "/groups")["items"]}
    assert "cleo@acme.test" in {one["email"] for one in groups["auditors"]["members"]}
    targets = {one["id"]: one for one in get(served, "/targets/all")["items"]}
    orders = targets["orders"]
    assert orders["state"] == "COVERED" and {one["name"] for one in orders["roles"]} >= {"read", "write"}
    assert "password" not in str(orders)
    assert isinstance(get(served, "/channels")["items"], list)


def test_a_target_that_is_not_there(served: Served) -> None:
    answer = served.call("POST", f"{V1}/targets/orders/check", by="cleo").json["items"]
    assert {one["state"] for one in answer} == {"FAILED"} and all(one["problem"] for one in answer)
    assert served.call("POST", f"{V1}/targets/none/check", by="cleo").status == 404
