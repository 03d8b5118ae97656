"""The app as it is built, one browser, and one gateway with a past for all pages that only look."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.api.pages import BUILT
from tests.servers.daypass import Daypass
from tests.servers.postgres import Missing
from tests.web.browser import Browser
from tests.web.stage import staging

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built() -> Path:
    """The built app; it is built if it never was."""
    if not (BUILT / "index.html").exists():
        subprocess.run([ROOT / "scripts" / "web"], check=True, timeout=600)
    if not (BUILT / "index.html").exists():
        pytest.exit("the web app is not built: run  make web", returncode=1)
    return BUILT


@pytest.fixture(scope="package")
def staged(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daypass]:
    """A gateway in which things have happened, for all files: some restart it, which ends the session that goes on."""
    with staging(tmp_path_factory.mktemp("staged")) as daypass:
        yield daypass


@pytest.fixture(scope="module")
def _browser() -> Iterator[Browser]:
    """For one file: while it is open no test may have an event loop of its own."""
    try:
        with Browser() as browser:
            yield browser
    except Missing as missing:
        pytest.exit(str(missing), returncode=1)


@pytest.fixture
def browser(_browser: Browser) -> Iterator[Browser]:
    """No window outlives its test."""
    yield _browser
    _browser.close_windows()
