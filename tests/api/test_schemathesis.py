"""schemathesis over the whole OpenAPI, as each role: no failure of ours, no answer outside the schema, and nothing of
somebody else's. In this process, so that it asks a few thousand times in less than a minute."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from daypass.api.cookies import COOKIE
from daypass.api.web import PREFIX, make_api
from tests.api.inside import URL, Inside, inside
from tests.api.matrix import ROWS

PLANTED = "planted-reason-of-somebody-else"
ROLES = ("ana", "ben", "olga", "sam", "cleo", "oz", "eve", "dir")
STRANGERS = ("oz", "eve", "dir")
"""Those who may see nothing of what Ana asked for."""
BROWSERS = ("sam",)
"""Those who send what the schema does not allow as well."""
NONSENSE = 5
EXAMPLES = int(os.environ.get("DAYPASS_EXAMPLES", "4"))
"""Of each operation and role; each role draws others. `make soak` takes more."""
CHECKS = (
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
LEFT_OUT = ("revoke_tokens", "set_lock", "sign_out", "end_visit", "follow_changes", "watch_session")
"""The first shut out who asks (any beginning of a visit's id ends it), and the rest would all be 401; the last never
end. The matrix asks them all."""
schema = schemathesis.openapi.from_dict(make_api(None).openapi())


PUBLIC = (f"{PREFIX}/sign-in", f"{PREFIX}/devices/poll")
"""They are for who is not known yet: with made-up tokens they have nothing but 401 to answer."""


@cache
def strategies(mode: GenerationMode) -> list[Any]:
    """What draws requests, of each operation: making these takes longer than asking."""
    operations = [found.ok() for found in schema.get_all_operations()]
    asked = [one for one in operations if one.definition.raw["operationId"] not in LEFT_OUT]
    return [one.as_strategy(generation_mode=mode) for one in asked]


class Running:
    """`Inside` in a loop of its own, asked from this thread."""

    def __init__(self, home: Path) -> None:
        self.answers: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        self.cookies: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._there: Future[Inside] = Future()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(home),))

    async def _run(self, home: Path) -> None:
        async with inside(home) as it:
            await it.asked(reason=PLANTED)
            await it.session()
            for name in ROLES:
                await it.token(name)
            for name in BROWSERS:
                opened = await it.house.visits.by_token(it.tokens[name], "127.0.0.1:7")
                self.cookies[name] = opened.cookie
            self._there.set_result(it)
            await self._over.wait()

    def __enter__(self) -> Running:
        self._thread.start()
        self.it = self._there.result(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def ask(self, case: Any, name: str, *, browser: bool = False) -> Any:
        """One generated request, as this person; what came back, as schemathesis checks it."""
        headers = {"Authorization": f"Bearer {self.it.tokens[name]}"}
        if browser:
            headers = {"Cookie": f"{COOKIE}={self.cookies[name]}", "X-Daypass-CSRF": "1", "Origin": URL}
        made = case.as_transport_kwargs(base_url=URL, headers=headers)
        sent = {key: made[key] for key in ("method", "url", "headers", "params", "json") if key in made}
        if browser:
            sent["headers"].update(headers)
            for word in [one for one in sent["headers"] if one.lower() == "authorization"]:
                del sent["headers"][word]
        if made.get("data") is not None:
            sent["content"] = made["data"]
        asked = asyncio.run_coroutine_threadsafe(self.it.client.request(**sent), self._loop).result(30)
        closed = (*PUBLIC, "/scim") if browser else PUBLIC  # no cookie opens the directory's door
        if asked.status_code != 401 or not case.path.startswith(closed):
            self.answers[asked.status_code] += 1
        return schemathesis.Response.from_httpx2(asked, verify=False)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("schemathesis")) as made:
        yield made


def test_every_operation_is_gone_through() -> None:
    assert {one.ok().definition.raw["operationId"] for one in schema.get_all_operations()} == set(ROWS)


@pytest.mark.timeout(75 * EXAMPLES)
@pytest.mark.parametrize("name", ROLES)
def test_no_failure_no_surprise_and_nothing_of_others(running: Running, name: str) -> None:
    for case_of in strategies(GenerationMode.POSITIVE):

        @seed(ROLES.index(name))
        @settings(
            max_examples=EXAMPLES,
            phases=(Phase.generate,),
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=case_of)
        def asked(case: Any) -> None:
            answer = running.ask(case, name)
            assert answer.status_code < 500 or answer.status_code in (501, 503), (name, answer.text)
            case.validate_response(answer, checks=CHECKS)
            if name in STRANGERS:
                assert PLANTED not in answer.text, (name, case.path)

        asked()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BROWSERS)
def test_nonsense_from_a_browser_is_refused_in_words(running: Running, name: str) -> None:
    """What the schema does not allow, by a cookie. No body of it is taken for something else; AuthZEN and SCIM say
    themselves what they pass over."""
    for case_of in strategies(GenerationMode.NEGATIVE):

        @settings(
            max_examples=NONSENSE,
            phases=(Phase.generate,),
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=case_of)
        def asked(case: Any) -> None:
            answer = running.ask(case, name, browser=True)
            assert answer.status_code < 500 or answer.status_code in (501, 503), (case.path, answer.text)
            body = case.meta.components.get(ParameterLocation.BODY)
            if case.path.startswith(PREFIX) and body is not None and body.mode is GenerationMode.NEGATIVE:
                assert answer.status_code >= 400, (case.path, case.body, answer.text)
            if not case.path.startswith((*PUBLIC, "/scim")):
                running.refused[answer.status_code] += 1

        try:
            asked()
        except Unsatisfiable:
            continue  # nothing of it can be wrong


def test_nonsense_was_understood_as_such(running: Running) -> None:
    assert running.refused[401] == 0 and running.refused[422] > 200, running.refused


def test_who_asked_was_known_and_understood(running: Running) -> None:
    """Otherwise all of the above would have looked at one refusal over and over."""
    assert running.answers[401] == 0
    assert sum(times for status, times in running.answers.items() if status < 300) > 500, running.answers
