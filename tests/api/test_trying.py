"""Policies as they are and changed ones tried out, and what administration looks at, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.api.serving import POLICY, Served

V1 = "/api/v1"
ROOT = Path(__file__).parent.parent.parent
WHOLE = """\
policy: orders
covers: { targets: [orders] }
limits: { longest: 4h, activate_within: 1h, idle: 15m, project: 21d, extend: { times: 1, by: 30m, decide: automatic } }
deny:
  - name: sundays
    hours: { from: 00:00, to: 23:59, days: [sun] }
    because: not on Sundays
rules:
  - name: work
    who: [group:payments-oncall]
    roles: [read]
    tell: [group:secops]
    ends_with_ticket: true
    decide:
      signed: true
      deny: 2
      undecided_after: 2h
      escalate: { after: 1h, to: [group:secops] }
      hours: { from: 08:00, to: 18:00, days: [mon, tue] }
      stages: [ { need: 2, of: [group:leads] } ]
    owes: { sign_off: { by: [group:leads], within: 1d, sample: 10%, of: session, escalate: [group:secops] } }
"""
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


def test_a_policy_is_told_in_words(served: Served) -> None:
    (one,) = get(served, "/policies")["items"]
    says, tried_says = one["says"], tried(served, POLICY)["says"]
    assert says == tried_says and one["text_digest"] == one["digest"]
    by_name = {rule["id"]: rule for rule in says["rules"]}
    lines = POLICY.splitlines()
    for name, rule in by_name.items():
        assert name in lines[rule["line"] - 1], "the line is where the rule begins"
    assert {rule["state"] for rule in says["rules"]} <= {"AUTOMATIC", "NEEDS_VOTES", "BREAK_GLASS"}
    whole = tried(served, WHOLE)["says"]
    (denial,), (rule,) = whole["denials"], whole["rules"]
    assert denial["because"] == "not on Sundays" and denial["hours"].startswith("sun from")
    assert rule["how"] == (
        "by 2 of group:leads, other than the requester; with signed votes; 2 denials deny; "
        "after 1 hour by group:secops as well; undecided after 2 hours, it expires; "
        "time runs mon, tue from 08:00 to 18:00 (UTC)"
    )
    assert rule["owes"] == [
        "each session is signed off 10 % of the time by group:leads within 1 day; overdue, group:secops as well"
    ]
    assert whole["limits"] == [
        "at most 4 hours",
        "used within 1 hour of the approval, or it lapses",
        "extended 1 time, by 30 minutes each without a vote",
        "a session that says nothing for 15 minutes ends",
        "projects of up to 21 days",
    ]
    assert whole["covers"] == ["orders"] and rule["ends_with_ticket"] and rule["tell"] == ["group:secops"]


def test_it_is_explained_for_somebody_by_what_is_in_force_and_by_a_changed_text(served: Served) -> None:
    question = {"person": "ana@acme.test", "target": "orders", "role": "write", "duration_ms": 3_600_000}

    def explained(by: str = "cleo", **more: Any) -> Any:
        return served.call("POST", f"{V1}/policy/explain-for", {**question, **more}, by=by)

    now = explained().json
    assert now["state"] == "NEEDS_VOTES" and now["asked"] and now["trace"][-1]["why_not"] == ""
    own = {name: value for name, value in question.items() if name != "person"}
    assert served.call("POST", f"{V1}/policy/explain", own, by="ana").json["sentence"] == now["sentence"]
    shorter = explained(text=POLICY.partition("expect:")[0].replace("longest: 4h", "longest: 10m")).json
    assert shorter["state"] == "REFUSED" and "at most 10m" in shorter["sentence"]
    assert explained(person="nobody@acme.test").status == 404 and explained(role="none").status == 404
    wrong = explained(text="policy: p")
    assert wrong.status == 422 and "the changed file" in wrong.json["detail"]
    assert explained(by="ana").status == 403


def test_the_form_of_policies_is_served_to_editors(served: Served) -> None:
    assert get(served, "/policy/schema", by="ana") == json.loads((ROOT / "docs" / "policy.schema.json").read_text())


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
    by_email = {one["email"]: one for one in everybody}
    assert by_email["sam@acme.test"]["accounts"] == ["sam+2@acme.test"]
    assert by_email["sam@acme.test"]["roles"] == ["security"] and by_email["cleo@acme.test"]["roles"] == ["auditor"]
    assert by_email["ana@acme.test"]["roles"] == [] and by_email["ana@acme.test"]["source"] == ""


def test_groups_targets_and_channels(served: Served) -> None:
    groups = {one["id"]: one for one in get(served, "/groups")["items"]}
    assert "cleo@acme.test" in {one["email"] for one in groups["auditors"]["members"]}
    assert all(one["count"] == len(one["members"]) for one in groups.values())
    targets = {one["id"]: one for one in get(served, "/targets/all")["items"]}
    orders = targets["orders"]
    assert orders["state"] == "COVERED" and {one["name"] for one in orders["roles"]} >= {"read", "write"}
    assert "password" not in str(orders)
    assert isinstance(get(served, "/channels")["items"], list)


def test_a_target_that_is_not_there(served: Served) -> None:
    answer = served.call("POST", f"{V1}/targets/orders/check", by="cleo").json["items"]
    assert {one["state"] for one in answer} == {"FAILED"} and all(one["problem"] and one["hint"] for one in answer)
    assert served.call("POST", f"{V1}/targets/none/check", by="cleo").status == 404


def test_how_it_goes(served: Served) -> None:
    found = get(served, "/overview")
    (node,) = found["nodes"]
    assert (found["state"], node["state"], node["here"]) == ("HEALTHY", "LIVE", True) and found["id"] == node["id"]
    assert found["log"]["entries"] >= found["log"]["published"] >= 0 and not found["log"]["elsewhere"]
    assert (found["witnesses"], found["drift"], found["remarks"]) == ([], [], [])
    assert served.call("GET", f"{V1}/overview", by="ana").status == 403


def test_everybodys_tokens_by_page(served: Served) -> None:
    for name in ("ana", "cleo"):
        served.call("POST", f"{V1}/tokens", {"label": f"of {name}", "duration_ms": 60_000}, by=name)
    found = get(served, "/tokens/all")["items"]
    assert {"of ana", "of cleo"} <= {one["label"] for one in found} and "dp_" not in str(found)
    first = get(served, "/tokens/all?limit=1")
    assert first["items"][0]["id"] == found[0]["id"] and first["next"] == found[0]["id"]
    assert get(served, f"/tokens/all?limit=1&before={first['next']}")["items"][0]["id"] == found[1]["id"]
    assert served.call("GET", f"{V1}/tokens/all", by="ana").status == 403
    mine = next(one for one in found if one["label"] == "of ana")
    served.call("POST", f"{V1}/tokens/{mine['id']}/revoke", by="sam")
    assert mine["id"] not in {one["id"] for one in get(served, "/tokens/all")["items"]}


def test_a_channel_that_there_is_not_is_said(served: Served) -> None:
    answer = served.call("POST", f"{V1}/channels/none/test", by="sam")
    assert answer.status == 404 and "nothing is set under notify" in answer.json["hint"]
    assert served.call("POST", f"{V1}/channels/none/test", by="cleo").status == 403
