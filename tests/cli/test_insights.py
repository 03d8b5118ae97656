"""The named questions, by command and over HTTP, against a real server."""

from __future__ import annotations

from daypass.insights.questions import QUESTIONS
from tests.api.serving import Served


def test_the_questions_are_listed(served: Served) -> None:
    assert [one["id"] for one in served.object("ana", "insights")] == list(QUESTIONS)
    told = served.run("ana", "insights").stdout
    assert all(name in told for name in QUESTIONS)


def test_every_question_is_answered_about_my_own_access(served: Served) -> None:
    asked = served.ask("ana", reason="order 7 is stuck")
    for name in QUESTIONS:
        answer = served.object("ana", "insights", name, "--since", "7d")
        assert (answer["id"], answer["state"], answer["about"]) == (name, "ANSWERED", "me")
        told = served.run("ana", "insights", name, "--rows", "5")
        assert told.returncode == 0 and QUESTIONS[name].definition in told.stdout
    mine = served.object("ana", "insights", "requests", "--by", "reason")
    assert asked["id"] in {row["request"] for row in mine["rows"]}
    assert "order # is stuck" in {group["key"] for group in mine["groups"]}
    assert {row["requester"] for row in mine["rows"]} == {"ana@acme.test"}
    assert asked["id"] not in str(served.object("ben", "insights", "requests"))


def test_rows_come_in_pages(served: Served) -> None:
    for _ in range(3):
        served.ask("ana")
    first = served.call("GET", "/api/v1/insights/requests?limit=2", by="ana").json
    second = served.call("GET", f"/api/v1/insights/requests?limit=2&skip={first['next']}", by="ana").json
    assert len(first["rows"]) == 2 and first["rows_count"] >= 3 and second["rows"][0] not in first["rows"]


def test_a_wrong_question_is_told_what_there_is(served: Served) -> None:
    for argv, said in (
        (("insights", "weather"), "no question weather"),
        (("insights", "requests", "--by", "moon"), "by reason, target, team, policy"),
    ):
        told = served.run("ana", *argv)
        assert told.returncode == 1 and said in told.stderr
