"""What comes along with a page: the files that it consists of and the answers to what it asks first, each once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from daypass.api.cookies import COOKIE
from daypass.cli.demo.gateway import ANA, BEN, CLEO
from tests.servers.daypass import Daypass
from tests.web.browser import Browser, Window
from tests.web.stage import DORA, staging
from tests.web.test_serving import fetch

NOWHERE = "01900000-0000-7000-8000-000000000000"
LOADED = "performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)"


@pytest.fixture(scope="module")
def staged(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """One of its own: the session that goes on has to, and the newest that is over is the one that was refused."""
    with staging(tmp_path_factory.mktemp("ahead")) as daypass:
        yield daypass


def hints(header: str) -> list[str]:
    """The addresses in a `Link` header."""
    return re.findall(r"<([^>]+)>; rel=", header)


def answers(window: Window, path: str, **headers: str) -> list[str]:
    """Which answers the page at this path names, when nothing but itself is fetched."""
    found = window.context.request.get(f"{window.url}{path}", headers=headers)
    assert found.ok
    return [each for each in hints(found.headers["link"]) if each.startswith("/api/")]


def ended(daypass: Daypass) -> str:
    """A session of Ana's that is over."""
    return next(str(one["id"]) for one in daypass.sessions() if one["state"] == "ENDED")


def opened(daypass: Daypass) -> str:
    """The session that goes on."""
    return next(str(one["id"]) for one in daypass.sessions() if one["state"] == "OPEN")


@pytest.mark.parametrize(
    "path",
    [
        *("/catalogue", "/inbox", f"/inbox/{NOWHERE}", "/requests", f"/requests/{NOWHERE}", "/sessions", "/console"),
        *(f"/sessions/{NOWHERE}", "/search", "/reviews", "/insights", "/insights/grants-never-used", "/policy", "/log"),
        *(
            "/policy/edit/orders",
            f"/policy/proposals/{NOWHERE}",
            "/log/1",
            "/me",
            "/admin",
            "/admin/groups",
            "/settings",
        ),
    ],
)
def test_the_files_that_a_page_names_are_those_that_it_loads(staged: Daypass, browser: Browser, path: str) -> None:
    window = browser.window(staged, CLEO)
    window.page.route(f"{staged.web}{path}", _without_hints)
    page = window.go(path)
    page.locator("#page:not(:has([aria-busy=true])) > *").first.wait_for()
    of_app = _files(fetch(staged, "/")[1]["link"])
    named = _files(fetch(staged, path)[1]["link"])
    assert of_app < named <= set(page.evaluate(LOADED))


def _files(header: str) -> set[str]:
    return {each for each in hints(header) if each.startswith("/assets/")}


def _without_hints(route: Route) -> None:
    """The page as it is for a browser that knows of no such header: what is loaded is what the app itself asks for."""
    answer = route.fetch()
    route.fulfill(response=answer, headers={name: said for name, said in answer.headers.items() if name != "link"})


def test_a_recording_is_asked_for_once_and_by_its_page(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, CLEO)
    # Whoever does not hear of changes asks nothing anew: what is counted is what the page began with.
    window.page.route("**/api/v1/changes", _cut)
    asked: list[str] = []
    window.page.on("request", lambda one: asked.append(one.url.removeprefix(staged.web)))
    session = ended(staged)
    page = window.go(f"/sessions/{session}")
    expect(page.locator(".ap-player")).to_contain_text("permission denied")
    times, one = Counter(asked), f"/api/v1/sessions/{session}"
    assert [times[each] for each in (one, f"{one}/parts/0", f"{one}/parts", "/api/v1/whoami")] == [1] * 4
    assert {count for each, count in times.items() if each.endswith(".js")} == {1}
    assert all("Content Security Policy" not in fault for fault in window.faults), window.faults


def test_home_asks_once(staged: Daypass, browser: Browser) -> None:
    window = browser.window(staged, ANA)
    window.page.route("**/api/v1/changes", _cut)
    asked: list[str] = []
    window.page.on("request", lambda one: asked.append(one.url.removeprefix(staged.web)))
    page = window.go("/")
    expect(page.get_by_role("heading", name="My access now")).to_be_visible()
    expect(page.locator("#page [aria-busy=true]")).to_have_count(0)
    named = answers(window, "/")
    assert len(named) > 1 and {Counter(asked)[each] for each in named} == {1}


def _cut(route: Route) -> None:
    route.abort()


def test_what_goes_on_is_followed_and_its_parts_are_not_fetched(staged: Daypass, browser: Browser) -> None:
    window, one = browser.window(staged, CLEO), f"/api/v1/sessions/{opened(staged)}"
    assert answers(window, f"/sessions/{opened(staged)}") == [one, f"{one}/parts"]


def test_the_place_in_the_address_is_what_is_fetched(staged: Daypass, browser: Browser) -> None:
    window, session = browser.window(staged, CLEO), ended(staged)
    one = f"/api/v1/sessions/{session}"
    assert answers(window, f"/sessions/{session}?place=17") == [one, f"{one}/parts/17", f"{one}/parts"]
    for query in ("n=2", "place=x", "place=007", "place=1%3E%3B%2C", f"place={'9' * 40}"):
        assert answers(window, f"/sessions/{session}?{query}") == [one, f"{one}/parts"]


def test_nothing_is_asked_for_who_is_not_signed_in_or_may_not_see_it(staged: Daypass, browser: Browser) -> None:
    session = ended(staged)
    assert answers(browser.window(staged), f"/sessions/{session}") == []
    assert answers(browser.window(staged), "/", Cookie=f"{COOKIE}=dp_nobody") == []
    assert answers(browser.window(staged, DORA), f"/sessions/{session}") == []
    assert answers(browser.window(staged, CLEO), f"/sessions/{NOWHERE}") == []
    assert answers(browser.window(staged, CLEO), f"/sessions/{session[:13]}") == []
    assert answers(browser.window(staged, CLEO), f"/sessions/{session}/more") == []


def test_a_page_that_is_fetched_and_not_opened_reads_no_recording(staged: Daypass, browser: Browser) -> None:
    window, session = browser.window(staged, BEN), ended(staged)
    ben = staged.object(BEN, "whoami")["id"]
    assert answers(window, f"/sessions/{session}", **{"Sec-Purpose": "prefetch;prerender"}) == []
    staged.published()
    read = [one for one in staged.entries("recording.read") if one["actor"]["id"] == ben]
    assert all(session not in one["body"]["sessions"] for one in read)
