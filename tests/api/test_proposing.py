"""Changing policy through the app: a second person, the digest of what they saw, and the file at the end."""

from __future__ import annotations

import json
import time

from tests.api.serving import POLICY, Served

V1 = "/api/v1"
WRONG_CASE = "expect:\n  - { by: eve@acme.test, target: orders, role: read, for: 30m, then: automatic }\n"
CHANGED = POLICY.replace("longest: 4h", "longest: 3h")


def propose(served: Served, text: str, by: str = "sam") -> object:
    return served.call("POST", f"{V1}/policy/proposals", {"text": text, "note": "shorter"}, by=by)


def test_a_change_of_policy_takes_a_second_person(served: Served) -> None:
    file = served.home / "policy.yaml"
    (served.home / "changed.yaml").write_text(CHANGED)
    made = served.object("sam", "policy", "propose", "changed.yaml", "--note", "shorter is enough")
    assert made["state"] == "PROPOSED" and file.read_text() == POLICY
    path = f"{V1}/policy/proposals/{made['id']}"
    for by, status in (("sam", 403), ("sam+2", 403), ("ana", 403), ("cleo", 403)):
        refused = served.call("POST", f"{path}/approve", {"digest": made["digest"]}, by=by)
        assert refused.status == status, by
        assert file.read_text() == POLICY
    assert served.call("POST", f"{path}/approve", {"digest": "0" * 64}, by="tess").status == 409
    diff = served.run("cleo", "policy", "diff", made["id"]).stdout
    assert "-limits: { longest: 4h" in diff and "+limits: { longest: 3h" in diff
    assert "APPROVED" in served.run("tess", "policy", "approve", made["id"]).stdout
    assert file.read_text() == CHANGED
    changed = wait_for_change(served, made)
    assert changed["was"] and changed["digest"] != changed["was"]
    refused = served.run(
        "ana", "request", "orders", "--role", "read", "--for", "4h", "--reason", "x", "--ticket", "INC-1"
    )
    assert "at most 3h" in refused.stderr
    assert served.call("POST", f"{path}/approve", {"digest": made["digest"]}, by="tess").status == 409
    back = served.object("tess", "policy", "propose", write(served, POLICY), "--note", "as it was")
    assert "APPROVED" in served.run("sam", "policy", "approve", back["id"]).stdout
    wait_for_change(served, back)


def write(served: Served, text: str) -> str:
    (served.home / "back.yaml").write_text(text)
    return "back.yaml"


def wait_for_change(served: Served, proposal: dict[str, str]) -> dict[str, str]:
    """The `policy.changed` after this proposal's approval."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        found = served.call("GET", f"{V1}/entries?limit=1000", by="cleo").json["items"]
        bodies = [(one["type"], json.loads(one["entry"])["body"]) for one in found]
        at = next((n for n, (_, body) in enumerate(bodies) if body.get("proposal") == proposal["id"]), len(bodies))
        approved = [n for n, (type, _) in enumerate(bodies) if type == "policy.approved" and n > at]
        changed = [body for n, (type, body) in enumerate(bodies) if type == "policy.changed" and approved and n > at]
        if changed:
            body: dict[str, str] = changed[-1]
            return body
        time.sleep(0.2)
    raise AssertionError(served.log())


def test_what_would_not_load_is_not_proposed(served: Served) -> None:
    for text, said in (
        ("policy: x", "covers is missing"),
        (POLICY.replace("policy: orders", "policy: another"), "no policy file has the policy another"),
        (POLICY.replace("longest: 4h", "longest: soon"), "must be a length of time"),
        (
            POLICY + "expect:\n  - { by: eve@acme.test, target: orders, role: read, for: 30m, then: automatic }\n",
            "automatic",
        ),
        (POLICY, "says this already"),
    ):
        answer = propose(served, text)
        assert answer.status in (404, 409, 422) and said in answer.json["detail"], answer.raw  # type: ignore[attr-defined]
    assert propose(served, CHANGED, by="ana").status == 403  # type: ignore[attr-defined]
    assert served.call("GET", f"{V1}/policy/proposals", by="ana").status == 403


def test_a_change_of_what_the_file_no_longer_says_is_a_conflict(served: Served) -> None:
    file = served.home / "policy.yaml"
    seen = served.call("GET", f"{V1}/policies", by="sam").json["items"][0]["text_digest"]
    wish = {"text": CHANGED, "note": "shorter", "was": seen}
    file.write_text(POLICY + "# somebody was quicker\n")
    stopped = served.call("POST", f"{V1}/policy/proposals", wish, by="sam")
    assert stopped.status == 409 and "has changed since you began" in stopped.json["detail"] and stopped.json["hint"]
    file.write_text(POLICY)
    made = served.call("POST", f"{V1}/policy/proposals", wish, by="sam").json
    path = f"{V1}/policy/proposals/{made['id']}"
    assert served.call("GET", path, by="cleo").json["stale"] is False
    file.write_text(POLICY + "# and again\n")
    assert served.call("GET", path, by="cleo").json["stale"] is True
    file.write_text(POLICY)
    served.run("sam", "policy", "reject", made["id"], "--note", "no")


def test_a_proposal_is_taken_back_and_one_for_another_text_stops(served: Served) -> None:
    made = propose(served, CHANGED).json  # type: ignore[attr-defined]
    assert "REJECTED" in served.run("sam", "policy", "reject", made["id"], "--note", "not yet").stdout
    again = propose(served, CHANGED).json  # type: ignore[attr-defined]
    file = served.home / "policy.yaml"
    file.write_text(POLICY + "# by hand\n")
    stopped = served.call(
        "POST", f"{V1}/policy/proposals/{again['id']}/approve", {"digest": again["digest"]}, by="tess"
    )
    assert stopped.status == 409 and "has changed since" in stopped.json["detail"]
    file.write_text(POLICY)
    served.run("sam", "policy", "reject", again["id"], "--note", "no")
    states = {one["state"] for one in served.object("cleo", "policy", "proposals")}
    assert states <= {"REJECTED", "APPROVED"}
