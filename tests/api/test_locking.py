"""Locks and tokens over HTTP, and what the command line makes of it."""

from __future__ import annotations

from tests.api.serving import Served

V1 = "/api/v1"


def test_a_lock_over_http(served: Served) -> None:
    wish = {"scope": "person", "name": "eve@acme.test", "reason": "laptop stolen", "duration_ms": 3_600_000}
    for by in ("ana", "ben", "cleo"):
        assert served.call("POST", f"{V1}/locks", wish, by=by).status == 403
    for wrong in ({"name": ""}, {"scope": "everything"}, {"scope": "nobody"}, {"reason": ""}, {"duration_ms": 0}):
        assert served.call("POST", f"{V1}/locks", {**wish, **wrong}, by="sam").status == 422
    eve = served.token("eve")
    made = served.call("POST", f"{V1}/locks", wish, by="sam")
    assert made.status == 201 and made.json["state"] == "LOCKED" and made.json["receipt"]
    refused = served.call("GET", f"{V1}/whoami", Authorization=f"Bearer {eve}")
    assert refused.status == 403 and "laptop stolen" in refused.json["detail"]
    assert [one["id"] for one in served.call("GET", f"{V1}/locks", by="cleo").json["items"]] == [made.json["id"]]
    assert served.call("GET", f"{V1}/locks", by="ana").status == 403
    lifted = served.object("tess", "unlock", made.json["id"][-8:], "--reason", "found")
    assert (lifted["state"], lifted["lifted_by"]["email"]) == ("LIFTED", "tess@acme.test")
    assert served.call("GET", f"{V1}/whoami", Authorization=f"Bearer {eve}").status == 200
    assert "Nothing is locked." in served.run("sam", "locks").stdout


def test_tokens_over_http(served: Served) -> None:
    made = served.call("POST", f"{V1}/tokens", {"scopes": ["api"], "label": "ci"}, by="ben")
    assert made.status == 201 and made.json["token"].startswith("dp_")
    bearer = {"Authorization": f"Bearer {made.json['token']}"}
    listed = served.call("GET", f"{V1}/tokens", **bearer).json["items"]
    assert [one["id"] for one in listed if one["in_use"]] == [made.json["id"]]
    assert all("token" not in one for one in listed)
    assert served.call("POST", f"{V1}/tokens", {"scopes": ["mcp"]}, **bearer).status == 403
    assert served.call("GET", f"{V1}/tokens?person=ben@acme.test", by="ana").status == 404
    assert served.call("GET", f"{V1}/tokens?person=ben@acme.test", by="cleo").status == 200
    assert served.call("POST", f"{V1}/tokens/{made.json['id']}/revoke", by="cleo").status == 404
    assert served.call("POST", f"{V1}/tokens/{made.json['id']}/revoke", by="sam").json["sessions"] == []
    assert served.call("GET", f"{V1}/whoami", **bearer).status == 401


def test_what_one_was_told_is_listed(served: Served) -> None:
    assert served.run("sam", "notify", "list").returncode == 0
    assert served.run("cleo", "notify", "failed").returncode == 0
