"""Jira and GitHub, as they document themselves: what an answer means, and that everything else refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import pytest

from daypass.domain.errors import NotFound, Unauthenticated, Unavailable
from daypass.outside.github import GitHub
from daypass.outside.http import ASK_SECONDS_MAX
from daypass.outside.jira import Jira
from daypass.outside.tickets import KnownTickets
from tests.servers import others

SECRET = "it's a secret"


class Both:
    """The two systems, their stand-ins, and what asks them."""

    def __init__(self, jira: others.Jira, github: others.GitHub) -> None:
        self.jira, self.github = jira, github
        self.known = KnownTickets(
            [
                Jira("jira", jira.url, jira.TOKEN, user=jira.USER, projects=("INC", "OPS"), webhook=SECRET),
                GitHub(
                    "github", github.url, "acme/ops", github.TOKEN, people={"Octo": "ana@acme.test"}, webhook=SECRET
                ),
            ]
        )


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    with others.Jira() as jira, others.GitHub() as github:
        made = Both(jira, github)
        yield made
        await made.known.close()


async def test_jira_says_what_a_ticket_is(both: Both) -> None:
    both.jira.issues["INC-7"] = ("In Progress", "indeterminate", "Ana@acme.test")
    assert await both.known.facts("inc-7") == {
        "key": "INC-7",
        "open": True,
        "status": "In Progress",
        "assignee": "ana@acme.test",
        "title": "About INC-7",
        "system": "jira",
    }
    both.jira.issues["OPS-1"] = ("Done", "done", None)
    done = await both.known.facts(f"{both.jira.url}/browse/OPS-1")
    assert (done["open"], done["assignee"]) == (False, "")


async def test_jira_data_center_takes_a_personal_access_token() -> None:
    with others.Jira(cloud=False) as server:
        server.issues["INC-7"] = ("To Do", "new", None)
        jira = Jira("jira", server.url, server.TOKEN)
        assert (await jira.ask("INC-7")).open
        await jira.close()


async def test_github_says_what_an_issue_is(both: Both) -> None:
    both.github.issues |= {7: ("open", "octo"), 8: ("closed", "stranger")}
    found = await both.known.facts("acme/ops#7")
    assert (found["key"], found["open"], found["assignee"]) == ("acme/ops#7", True, "ana@acme.test")
    closed = await both.known.facts("#8")
    assert (closed["open"], closed["status"], closed["assignee"]) == (False, "closed: completed", "")


@pytest.mark.parametrize(
    "written", ["", "7", "INC", "HR-7", "acme/other#7", "../../x", "INC-7/../../admin", "http://evil/"]
)
async def test_what_is_no_ticket_is_never_asked_about(both: Both, written: str) -> None:
    with pytest.raises(NotFound, match="is no ticket of"):
        await both.known.facts(written)
    assert both.jira.asked == both.github.asked == []


async def test_a_ticket_that_is_not_there_is_not_found(both: Both) -> None:
    for written in ("INC-404", "#404"):
        with pytest.raises(NotFound, match="404"):
            await both.known.facts(written)


async def test_who_lets_us_not_in_cannot_be_asked(both: Both) -> None:
    wrong = Jira("jira", both.jira.url, "another-token", user=both.jira.USER)
    with pytest.raises(Unavailable, match=r"does not let Daypass in \(status 401\)") as refused:
        await wrong.ask("INC-7")
    assert "another-token" not in str(refused.value) and "127.0.0.1" not in str(refused.value)
    await wrong.close()


async def test_who_asks_too_often_does_not_ask_again_before_its_time(both: Both) -> None:
    both.jira.limited = both.github.limited = 30
    for written, server in (("INC-7", both.jira), ("#7", both.github)):
        with pytest.raises(Unavailable, match=r"asked too often, and not again for (29|30) s"):
            await both.known.facts(written, fresh=True)
        server.limited = None
        with pytest.raises(Unavailable, match="asked too often"):
            await both.known.facts(written, fresh=True)
        assert len(server.asked) == 1


async def test_who_does_not_answer_in_time_refuses(both: Both) -> None:
    both.jira.silent = ASK_SECONDS_MAX + 2
    with pytest.raises(Unavailable, match="jira did not answer within 3 s"):
        await both.known.facts("INC-7")
    both.jira.silent = 0.0
    with pytest.raises(Unavailable):
        await both.known.facts("INC-7")
    assert len(both.jira.asked) == 1, "a moment later nobody waits for the same silence again"


async def test_who_is_gone_or_talks_nonsense_or_points_elsewhere_refuses(both: Both) -> None:
    both.jira.issues["INC-7"] = ("To Do", "new", None)
    for broken in (b"<html>", b"[]", b"{}", b'{"key": "INC-7", "fields": null}', b"x" * (3 << 20)):
        both.jira.broken = broken
        with pytest.raises(Unavailable):
            await both.known.facts("INC-7", fresh=True)
    both.jira.broken, both.jira.moved = None, f"{both.github.url}/secret"
    with pytest.raises(Unavailable, match="points elsewhere"):
        await both.known.facts("INC-7", fresh=True)
    assert both.github.asked == []
    both.jira.stop()
    with pytest.raises(Unavailable, match="cannot be asked"):
        await both.known.facts("INC-7", fresh=True)


async def test_an_answer_is_good_for_a_moment_unless_a_fresh_one_is_wanted(both: Both) -> None:
    both.jira.issues["INC-7"] = ("To Do", "new", None)
    await both.known.facts("INC-7")
    both.jira.issues["INC-7"] = ("Done", "done", None)
    assert (await both.known.facts("INC-7"))["open"] is True
    assert (await both.known.facts("INC-7", fresh=True))["open"] is False
    assert (await both.known.facts("INC-7"))["open"] is False


async def test_two_ways_of_writing_mean_one_ticket(both: Both) -> None:
    assert both.known.same("#7", "acme/ops#7") and both.known.same("INC-7", f"{both.jira.url}/browse/INC-7")
    assert not both.known.same("#7", "#8") and not both.known.same("#7", "nothing")


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def test_a_webhook_is_known_by_its_signature(both: Both) -> None:
    jira = json.dumps({"webhookEvent": "jira:issue_updated", "issue": {"key": "INC-7"}}).encode()
    github = json.dumps({"action": "closed", "issue": {"number": 7}, "repository": {"full_name": "acme/ops"}}).encode()
    assert both.known.told("jira", {"x-hub-signature": signed(jira)}, jira) == "INC-7"
    assert both.known.told("github", {"x-hub-signature-256": signed(github)}, github) == "acme/ops#7"
    for header in ({}, {"x-hub-signature": signed(jira, "another")}, {"x-hub-signature": signed(github)}):
        with pytest.raises(Unauthenticated):
            both.known.told("jira", header, jira)
    with pytest.raises(NotFound):
        both.known.told("trac", {}, jira)
    for body in (b"{}", b"[]", b"x", b'{"issue": {"key": 7}}', b'{"issue": {"key": "HR-7"}}'):
        assert both.known.told("jira", {"x-hub-signature": signed(body)}, body) is None


async def test_without_a_secret_no_webhook_is_believed() -> None:
    jira = Jira("jira", "https://x.test", "t")
    with pytest.raises(Unauthenticated):
        jira.told({"x-hub-signature": signed(b"{}", "")}, b"{}")
