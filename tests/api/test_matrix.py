"""Who may do what, of every route: each is asked as every role, about Ana's things, and without anybody's token."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from daypass.api.pages import router as pages
from daypass.api.verbs import ANYBODY, VERBS
from daypass.api.web import make_api
from daypass.domain.roles import TABLE, Role, Verb, permits
from tests.api.inside import V1, Inside, inside
from tests.api.matrix import HELD, PEOPLE, ROWS, SEE, Row

ROOT = Path(__file__).parent.parent.parent
DENIED = (400, 401, 403, 404)
"""400: AuthZEN, for what was not denied before."""


def operations() -> dict[str, tuple[str, str]]:
    """Method and path of every operation of the OpenAPI document."""
    found = make_api(None).openapi()["paths"].items()
    return {told["operationId"]: (method.upper(), path) for path, ways in found for method, told in ways.items()}


def test_every_route_has_its_row_and_its_verb() -> None:
    assert set(ROWS) == set(operations()) == set(VERBS)


NO_OPERATIONS = {
    "/api/v1/openapi.json": "the description itself",
    "/ledger/checkpoint": "files, for who reads the log: test_the_published_log_that_is_not_public… below",
    "/ledger/tile/{path:path}": "the same",
    "/ledger/vkey": "the same",
    "/scim/v2/{path:path}": "there is no such thing, in SCIM's own words: test_scim.py",
    "/api/v1/sign-in/oidc": "the way to the provider: tests/e2e/test_provider.py",
    "/api/v1/sign-in/oidc/callback": "and back",
    "/api/v1/sign-in/oidc/logout": "the provider's own sign-outs",
    "/api/v1/slack/actions": "signed by Slack: tests/services/test_slack_answers.py",
}
"""What is served and is not described, and where it is asked who may have it. The app's own files are everybody's."""


def test_every_route_that_is_no_operation_is_named() -> None:
    described = {path for _, path in operations().values()}
    app = set(_paths(pages))
    assert set(_paths(make_api(None))) - described - app == set(NO_OPERATIONS)


def _paths(app: FastAPI | APIRouter) -> Iterator[str]:
    for route in app.routes:
        included = getattr(route, "effective_route_contexts", None)
        if included is None:
            yield route.path
        else:
            yield from (one.path for one in included())


def test_the_rows_say_what_the_table_says() -> None:
    for operation, row in ROWS.items():
        verb = VERBS[operation]
        if verb is None or row.own:
            continue
        roles = {name: frozenset(_words(HELD.get(name, ""))) for name in PEOPLE}
        assert row.names == {name for name, held in roles.items() if permits(verb, held)}, operation


def _words(held: str) -> list[Role]:
    return [one for one in Role if one.value in held]


def test_the_table_holds_the_promises_of_roles() -> None:
    for verb, row in TABLE.items():
        assert row.may, verb
        assert not row.changes or Role.AUDITOR not in row.may, verb
        assert not permits(verb, frozenset()), verb
    assert Role.OPERATOR not in TABLE[Verb.READ].may
    assert not permits(Verb.READ, frozenset(Role) - {Role.REQUESTER})
    assert TABLE[Verb.DECIDE].may == {Role.APPROVER}


def test_the_page_is_what_the_table_says() -> None:
    spec = importlib.util.spec_from_file_location("roles_page", ROOT / "scripts" / "roles_page.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (ROOT / "docs" / "roles.md").read_text() == script.page(), "run scripts/roles_page.py"


@pytest.mark.timeout(300)
async def test_every_route_as_every_role(tmp_path: Path) -> None:
    wrong: list[Any] = []
    methods = operations()
    async with inside(tmp_path) as it:
        for operation, row in ROWS.items():
            wrong += [(operation, *found) for found in await _asked(it, operation, methods[operation][0], row)]
    assert not wrong, "\n".join(map(str, wrong))


async def _asked(it: Inside, operation: str, method: str, row: Row) -> list[Any]:
    """What came otherwise than the row says. Who may not asks about one thing, who may each about a fresh one."""
    wrong: list[Any] = []
    kept = None
    await it.tidy()
    if operation not in ANYBODY:
        kept = await row.make(it, "ana")
        answer = await it.call(method, *kept)
        wrong += [] if answer.status_code == 401 else [("nobody", answer.status_code)]
    for name in sorted(PEOPLE, key=lambda one: one in row.names):
        fresh = name in row.names or row.own or kept is None
        path, body = kept = await row.make(it, name) if fresh else kept
        answer = await it.call(method, path, body, by=name)
        if (_shown(row, path, answer) if row.lists else answer.status_code not in DENIED) != (name in row.names):
            wrong.append((name, answer.status_code, answer.text[:300]))
        if answer.status_code >= 500 and answer.status_code != 503:
            wrong.append((name, answer.status_code, answer.text[:300]))
    return wrong


def _shown(row: Row, path: str, answer: Any) -> bool:
    """Whether a list has what follows the `#` of its path."""
    return answer.status_code == 200 and path.partition("#")[2] in answer.text


async def test_what_one_may_not_see_is_answered_as_what_is_not_there(tmp_path: Path) -> None:
    nothing = "01900000-0000-7000-8000-000000000000"
    async with inside(tmp_path) as it:
        session, grant = await it.session()
        things = {
            "requests/{}": grant.request,
            "grants/{}": grant.id,
            "sessions/{}": session,
            "sessions/{}/recording": session,
        }
        for path, id in things.items():
            for name in sorted(set(PEOPLE) - set(SEE.split())):
                there = await it.call("GET", f"{V1}/{path.format(id)}", by=name)
                none = await it.call("GET", f"{V1}/{path.format(nothing)}", by=name)
                assert there.status_code == none.status_code == 404, (path, name)
                assert there.text.replace(id, "") == none.text.replace(nothing, ""), (path, name)


async def test_reading_is_on_record_before_it_is_shown(tmp_path: Path) -> None:
    async with inside(tmp_path) as it:
        session, grant = await it.session()
        for _ in range(2):
            assert (await it.call("GET", f"{V1}/sessions/{session}/recording", by="cleo")).status_code == 200
        assert (await it.call("GET", f"{V1}/sessions/{session}/recording", by="oz")).status_code == 404
        await it.call("GET", f"{V1}/sessions/{session}/statements", by="ben")
        await it.numbered()
        found = await it.must("GET", f"/entries?request={grant.request}&type=recording.read", by="ana")
        people = {one.id: one.name for one in await it.house.people.all()}
        readers = [people[_actor(one)] for one in found["items"]]
        assert readers == ["Cleo", "Ben"]


def _actor(entry: dict[str, Any]) -> str:
    return str(json.loads(entry["entry"])["actor"]["id"])


async def test_the_published_log_that_is_not_public_is_for_those_who_read_it(tmp_path: Path) -> None:
    async with inside(tmp_path) as it:
        await it.numbered()
        for name in PEOPLE:
            answer = await it.call("GET", "/ledger/checkpoint", by=name)
            assert (answer.status_code == 200) is (name in ["sam", "tess", "cleo", "zed"]), name
        assert (await it.call("GET", "/ledger/checkpoint")).status_code == 401
