"""What axe, the accessibility checker, finds on a page. The window has to be opened with `bypass_csp=True`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
ASK = """axe.run(document).then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => v.id + ': ' + v.nodes[0].html.slice(0, 160)))"""


def violations(page: Page) -> list[str]:
    """The serious findings on the page as it is."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=str(AXE))
    return [str(one) for one in page.evaluate(ASK)]


def serious(page: Page) -> list[str]:
    """The serious findings, once nothing is waited for any more; and that the page is no wider than its window."""
    expect(page.locator("#page h1")).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    found = violations(page)
    if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("it is wider than its window")
    return found
