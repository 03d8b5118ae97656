"""Events fit into entries, however much there is to tell."""

from __future__ import annotations

import os

from daypass.domain.events import Event
from daypass.domain.people import SYSTEM
from daypass.ledger.entry import seal
from daypass.services.interface import SessionEnd
from daypass.services.telling import asked_body
from daypass.services.timeline import Timeline
from tests.domain.things import NOW, person, request, stage

ID = "01900000-0000-7000-8000-00000000"


def test_a_route_of_thousands() -> None:
    crowd = [person(f"{ID}{number:04x}") for number in range(3000)]
    body = asked_body(request(*(stage(1, *crowd, of=("group:all",)) for _ in range(50))))
    seal(Event("request.created", NOW, SYSTEM, body=body), os.urandom)
    assert body["stages"][0]["eligible_count"] == 3000


def test_an_end_of_thousands_of_sessions() -> None:
    steps = dict.fromkeys(("stopped_forwarding", "work_stopped", "client_told", "closed", "read_back"), 12345.678)
    ends = [SessionEnd(f"{ID}{number:04x}", steps, "update", "terminated", number % 2 == 0) for number in range(3000)]
    timeline = Timeline(NOW, 0, [])
    timeline.add(ends, [end.session for end in ends])
    body = timeline.body(NOW + 1)
    seal(Event("grant.ended", NOW, SYSTEM, body=body, secret=timeline.secret()), os.urandom)
    assert body["session_count"] == 3000
    assert all(told["read_back"] == "not confirmed" for told in body["sessions"])
