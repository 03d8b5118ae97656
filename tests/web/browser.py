"""`Browser`: Debian's Chromium, driven as a person would; each person has a window of their own that shares nothing.

with Browser() as browser:
    ana = browser.window(daypass, ANA)
    ana.go("/inbox")
    ana.page.get_by_role("button", name="Approve").click()
"""

from __future__ import annotations

import shutil
from typing import Any, Self

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from daypass.cli.demo.gateway import Member
from tests.servers.daypass import Daypass
from tests.servers.postgres import Missing

PROGRAM = "chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = (1280, 860)
PHONE = (390, 844)
WAIT_MS = 15_000
"""What a page shows at once takes longer on a busy machine."""

expect.set_options(timeout=WAIT_MS)

_TURN = """path => new Promise(done => {
  const router = window.__TSR_ROUTER__
  const end = router.subscribe('onRendered', () => { end(); done() })
  router.navigate({ href: path })
})"""
"""Ends when the router has drawn it."""

_CUTTABLE = """
window.cuts = []
const asked = window.fetch
window.fetch = (what, how = {}) => {
  const cut = new AbortController()
  how.signal?.addEventListener('abort', () => cut.abort())
  window.cuts.push(cut)
  return asked(what, { ...how, signal: cut.signal })
}
"""


class Window:
    """One person's window. `faults` are what the page's own console complained of."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.url}{path}")
        return self.page

    def turn(self, path: str) -> Page:
        """Go there as a link within the app does: the app is not loaded again, and its page keeps what it was given."""
        self.page.evaluate(_TURN, path)
        return self.page

    def can_be_cut(self) -> None:
        """Have the pages that are gone to from now on be such that `cut` reaches what they are listening to."""
        self.page.add_init_script(_CUTTABLE)

    def cut(self) -> None:
        """Take the network away. Chromium's own "offline" leaves streams that are open as they are: these break too."""
        self.context.set_offline(True)
        self.page.evaluate("window.cuts.forEach(one => one.abort())")

    def mend(self) -> None:
        """Give the network back."""
        self.context.set_offline(False)


class Browser:
    """The program. Windows are closed with it."""

    def __enter__(self) -> Self:
        program = shutil.which(PROGRAM)
        if program is None:
            raise Missing("tests of the web app need a browser: scripts/parts chromium")
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def window(
        self, daypass: Daypass, member: Member | None = None, size: tuple[int, int] = DESKTOP, **more: Any
    ) -> Window:
        """A window of this person (None: nobody is signed in)."""
        made = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
            **more,
        )
        window = Window(made, daypass.web)
        if member is not None:
            self._sign_in(made, daypass, member)
        return window

    def close_windows(self) -> None:
        """Close everybody's. One that is left open goes on: it draws, and looks again at whatever changes."""
        for context in self._browser.contexts:
            context.close()

    @staticmethod
    def _sign_in(made: BrowserContext, daypass: Daypass, member: Member) -> None:
        """As the page does it; the cookie stays in this context."""
        answer = made.request.post(
            f"{daypass.web}/api/v1/sign-in/token",
            data={"token": daypass.token(member)},
            headers={"X-Daypass-CSRF": "1", "Origin": daypass.web, "Sec-Fetch-Site": "same-origin"},
        )
        assert answer.ok, answer.text()
