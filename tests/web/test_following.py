"""Following what happens: each person hears of what they may see, and of nothing else; a recording as it grows."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from daypass.cli.demo.gateway import ANA, BEN, CLEO, Member
from tests.servers.daypass import Daypass
from tests.web.stage import DORA, SAM, TESS, ask, live

TURNS_MAX = 200
"""Events that are looked through for the one that is waited for."""


class Heard:
    """A stream of server-sent events."""

    def __init__(self, daypass: Daypass, path: str, by: Member) -> None:
        bearer = {"Authorization": f"Bearer {daypass.token(by)}"}
        self._answer = urllib.request.urlopen(
            urllib.request.Request(f"{daypass.web}/api/v1/{path}", headers=bearer), timeout=30
        )
        assert self._answer.headers["content-type"].startswith("text/event-stream")

    def events(self) -> Iterator[tuple[str, Any]]:
        name, data = "", ""
        for raw in self._answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and data:
                yield name, json.loads(data)
                name, data = "", ""

    def close(self) -> None:
        self._answer.close()


def until_told(events: Iterator[tuple[str, Any]], request: str) -> dict[str, Any]:
    for _, (_, changed) in zip(range(TURNS_MAX), events, strict=False):
        if request in changed["requests"]:
            return dict(changed)
    raise AssertionError(f"nothing was told of {request}")


def types_until(events: Iterator[tuple[str, Any]], type: str) -> set[str]:
    """All types that are told of until this one is."""
    told: set[str] = set()
    for _, (_, changed) in zip(range(TURNS_MAX), events, strict=False):
        told |= set(changed["types"])
        if type in told:
            return told
    raise AssertionError(f"nothing was told of {type}")


@pytest.fixture
def closing() -> Iterator[list[Heard]]:
    opened: list[Heard] = []
    yield opened
    for each in opened:
        each.close()


def test_a_decider_hears_of_a_request_and_a_stranger_does_not(staged: Daypass, closing: list[Heard]) -> None:
    ben, dora = Heard(staged, "changes", BEN), Heard(staged, "changes", DORA)
    closing += [ben, dora]
    to_ben, to_dora = ben.events(), dora.events()
    first = next(to_ben)[1]
    assert first["everything"] and first["now"] > 1_700_000_000_000 and next(to_dora)[1]["everything"]
    made = ask(staged, ANA, "write", "10m", "something for Ben alone")
    assert "request.created" in until_told(to_ben, made)["types"]
    staged.say(ANA, "withdraw", made)
    own = ask(staged, DORA, "write", "10m", "something of Dora's")
    # What Dora hears of comes in order: if she had been told of Ana's, it would have come before her own.
    for _, (_, changed) in zip(range(TURNS_MAX), to_dora, strict=False):
        assert made not in changed["requests"]
        if own in changed["requests"]:
            break
    staged.say(DORA, "withdraw", own)


def test_a_revoked_token_hears_nothing_more(staged: Daypass, closing: list[Heard]) -> None:
    made = json.loads(staged.run(CLEO, "token", "new", "--for", "10m", "--json").stdout)
    other = Member("Cleo", "cleo@acme.test", ("auditors",))
    known, staged.tokens[CLEO.email] = staged.tokens[CLEO.email], made["token"]
    try:
        heard = Heard(staged, "changes", other)
    finally:
        staged.tokens[CLEO.email] = known
    closing.append(heard)
    events = heard.events()
    next(events)
    staged.say(CLEO, "token", "revoke", made["id"])
    assert all(made["id"] not in str(changed) for _, changed in events), "the stream has ended"


def test_a_session_is_watched_as_it_happens(staged: Daypass, closing: list[Heard]) -> None:
    client = live(staged)
    session = next(one for one in staged.sessions("--live") if one["state"] == "OPEN")
    heard = Heard(staged, f"sessions/{session['id']}/watch", CLEO)
    closing.append(heard)
    events = heard.events()
    name, text = next(events)
    lines = text.splitlines()
    assert name == "lines" and json.loads(lines[0])["version"] == 3
    while not any("4711" in line for line in lines):
        lines += next(events)[1].splitlines()
    client.kill()
    client.wait()


def test_a_session_that_is_over_is_told_whole_and_ends(staged: Daypass, closing: list[Heard]) -> None:
    session = next(one for one in staged.sessions() if one["state"] != "OPEN")
    heard = Heard(staged, f"sessions/{session['id']}/watch", CLEO)
    closing.append(heard)
    told = list(heard.events())
    assert told[-1][0] == "over"
    assert "".join(text for _, text in told).splitlines() == staged.cast(session["id"])


def test_following_does_not_hold_up_who_leaves(staged: Daypass) -> None:
    heard = Heard(staged, "changes", CLEO)
    events = heard.events()
    next(events)
    ended = threading.Thread(target=lambda: list(events))
    ended.start()
    staged.restart()
    ended.join(30)
    assert not ended.is_alive()
    heard.close()


def test_everybody_hears_that_something_changed_and_only_who_may_know_hears_what(
    staged: Daypass, closing: list[Heard]
) -> None:
    ana, sam = Heard(staged, "changes", ANA), Heard(staged, "changes", SAM)
    closing += [ana, sam]
    to_ana, to_sam = ana.events(), sam.events()
    next(to_ana), next(to_sam)
    lock = staged.object(SAM, "lock", "person", TESS.email, "--for", "1m", "--reason", "for a test")
    assert "lock.set" in types_until(to_sam, "lock.set")
    assert "lock.set" not in types_until(to_ana, "catalogue.changed"), "that somebody is shut out is not Ana's to know"
    staged.say(SAM, "unlock", lock["id"], "--reason", "done")


def test_who_a_token_is_made_for_hears_of_it(staged: Daypass, closing: list[Heard]) -> None:
    heard = Heard(staged, "changes", DORA)
    closing.append(heard)
    events = heard.events()
    next(events)
    staged.say(None, "people", "token", DORA.email)
    assert "token.issued" in types_until(events, "token.issued")
