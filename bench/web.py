"""What people wait for in the browser: Home, a recording of 100 MB, a statement that is watched, lists of 100,000 rows.

    python -m bench.web [--count 100000] [--lists]

Debian's Chromium against a real gateway and a real PostgreSQL on the same machine. Nothing is asserted: the numbers are
for reading.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import tempfile
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from playwright.sync_api import Page, Response
from tests.servers.daypass import Daypass, until
from tests.servers.postgres import Postgres
from tests.web.browser import Browser, Window
from tests.web.long import lengthen
from tests.web.stage import DORA, setup

from bench.lists import asked, fill, url_of
from bench.saying import say
from daypass.cli.demo.gateway import ANA, BEN, CLEO, Member

T = TypeVar("T")

SIZE = 100_000_000
ROUNDS = 5
WATCHED_ROUNDS = 20
JUMPS = 20
PUBLISHED_SECONDS_MAX = 300.0
USABLE = "document.querySelector('#page:not(:has([aria-busy=true])) h1')"
"""The page shows what it asked for."""
PICTURE = "[...document.querySelectorAll('.ap-player .ap-line')].some(line => line.textContent.trim())"
"""There is text in the terminal: it has lines before, which are empty."""
WATCHED = "document.querySelector('main')?.innerText.includes('MARK')"
_SEEN = """new Promise(done => {
  const look = () => (WHAT) ? requestAnimationFrame(() => setTimeout(done)) : requestAnimationFrame(look)
  look()
})"""
"""Ends when it has been drawn. The page looks by itself, at each frame: Playwright waits up to 500 ms between looks."""


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: in this one the browser has the event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def seen(page: Page, what: str) -> None:
    """Wait until this holds in the page, and is drawn, and no longer."""
    page.evaluate(_SEEN.replace("WHAT", what))


def gone_to(window: Window, path: str, what: str) -> tuple[Page, float]:
    """Go there; how many milliseconds it takes until this is seen."""
    began = time.perf_counter()
    window.page.goto(f"{window.url}{path}", wait_until="commit")
    seen(window.page, what)
    return window.page, (time.perf_counter() - began) * 1000


def first_load(browser: Browser, daypass: Daypass, member: Member) -> tuple[float, int]:
    """Milliseconds until Home can be used by a browser that has nothing of it yet, and bytes of packed script."""
    window = browser.window(daypass, member)
    scripts: list[Response] = []
    window.page.on("response", lambda one: scripts.append(one) if one.url.endswith(".js") else None)
    _, took = gone_to(window, "/", USABLE)
    sent = sum(one.request.sizes()["responseBodySize"] for one in scripts)
    window.context.close()
    return took, sent


def look(browser: Browser, daypass: Daypass, member: Member, path: str) -> str:
    """How long a page takes, how many elements it has, and what jumping to the end of its list gives."""
    window = browser.window(daypass, member)
    page, took = gone_to(window, path, USABLE)
    text = f"{took:.0f} ms, {page.evaluate('document.all.length')} elements"
    table = page.locator("[role=table]")
    if table.count():
        began = time.perf_counter()
        for _ in range(JUMPS):
            table.evaluate("box => { box.scrollTop = box.scrollHeight }")
            page.wait_for_timeout(30)
        behind = page.locator("[role=row]").last.get_attribute("aria-rowindex")
        drawn = page.locator("[role=row]").count()
        text += f"; {JUMPS} jumps to the end in {time.perf_counter() - began:.1f} s: row {behind}, {drawn} rows drawn"
    window.context.close()
    return text


def replay(window: Window, session: str, last: int) -> str:
    """The first picture of a long recording, and of its middle."""
    page, first = gone_to(window, f"/sessions/{session}", PICTURE)
    line = page.get_by_label("Where in the recording")
    line.wait_for()
    began = time.perf_counter()
    line.press("End")
    page.get_by_role("button", name=re.compile(f"^{last} ")).wait_for()
    return f"first picture {first:.0f} ms, the end {(time.perf_counter() - began) * 1000:.0f} ms after the jump"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--lists", action="store_true", help="the lists alone")
    given = parser.parse_args()
    with (
        Postgres.debian() as server,
        tempfile.TemporaryDirectory() as home,
        Browser() as browser,
        Daypass(Path(home), server.load_sample(), setup()) as daypass,
    ):
        daypass.grant()
        daypass.psql("select 1")
        if not given.lists:
            first_loads(browser, daypass)
            recording(browser, daypass)
            watching(browser, daypass)
        lists(browser, daypass, given.count)


def first_loads(browser: Browser, daypass: Daypass) -> None:
    loads = [first_load(browser, daypass, ANA) for _ in range(ROUNDS)]
    print(f"Home, nothing cached: median {statistics.median(took for took, _ in loads):.0f} ms,", end=" ")
    print(f"slowest {max(took for took, _ in loads):.0f} ms, {loads[0][1]} bytes of packed script")


def recording(browser: Browser, daypass: Daypass) -> None:
    (session,) = daypass.sessions()
    daypass.stop()
    last = apart(lengthen(daypass.data, session["id"], SIZE))
    daypass.start()
    for _ in range(ROUNDS):
        window = browser.window(daypass, CLEO)
        print(f"a recording of 100 MB: {replay(window, session['id'], last)}")
        window.context.close()


def watching(browser: Browser, daypass: Daypass) -> None:
    """From sending a statement until who watches the session sees it."""
    with psycopg.connect(daypass.dsn(), autocommit=True) as connection, ThreadPoolExecutor(1) as beside:
        (session,) = (one for one in daypass.sessions() if one["state"] == "OPEN")
        window = browser.window(daypass, CLEO)
        gone_to(window, f"/sessions/{session['id']}", USABLE)
        took = []
        for n in range(WATCHED_ROUNDS):
            began = time.perf_counter()
            sent = beside.submit(connection.execute, f"select 'watched {n} times'".encode())
            seen(window.page, WATCHED.replace("MARK", f"watched {n} times"))
            took.append((time.perf_counter() - began) * 1000)
            sent.result()
        window.context.close()
    print(f"a statement that is watched is seen after {statistics.median(took):.0f} ms, slowest {max(took):.0f}")


def lists(browser: Browser, daypass: Daypass, count: int) -> None:
    real = {one.email: str(daypass.object(one, "whoami")["id"]) for one in (ANA, BEN, CLEO, DORA)}
    daypass.stop()
    apart(fill(url_of("sqlite", daypass.data), count, real))
    apart(say(daypass.data, count, lambda n: asked(n, real), round(time.time() * 1000)))
    daypass.start()
    until(lambda: _published(daypass) > count or None, "the log to be published", PUBLISHED_SECONDS_MAX)
    print(f"with {count} requests, grants, sessions, people and statements (load {os.getloadavg()[0]:.1f}):")
    for what, member, path in (
        ("Home, of a requester", ANA, "/"),
        ("Home, of a decider", BEN, "/"),
        ("Requests, auditor", CLEO, "/requests"),
        ("Requests, requester", ANA, "/requests"),
        ("Sessions, auditor", CLEO, "/sessions"),
        ("Sessions, requester", ANA, "/sessions"),
        ("Decisions", BEN, "/inbox"),
        ("Search", CLEO, "/search"),
        ("Search for a word that is everywhere", CLEO, "/search?q=refund"),
        ("Search, requester", ANA, "/search?q=refund"),
    ):
        for n in range(2):
            print(f"  {what}{', again' if n else ''}: {look(browser, daypass, member, path)}")


def _published(daypass: Daypass) -> int:
    """How many entries the newest checkpoint is of."""
    return int((daypass.data / "ledger" / "checkpoint").read_text().splitlines()[1])


if __name__ == "__main__":
    main()
