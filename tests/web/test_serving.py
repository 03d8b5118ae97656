"""The gateway serves the app itself: its page with a strict policy, its assets for ever, nothing else."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from fastapi import Request

from daypass.api import pages
from daypass.api.pages import PLACES, POLICY
from daypass.cli.demo.gateway import ANA
from tests.servers.daypass import Daypass

SCRIPT_BYTES_MAX = 300_000
"""What Home may need of compressed script."""


def fetch(daypass: Daypass, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{daypass.web}{path}", headers=sent), timeout=30) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read()


@pytest.mark.parametrize("path", ["/", *(f"/{place}" for place in PLACES), "/requests/0190-some-id"])
def test_each_place_is_the_page(staged: Daypass, path: str) -> None:
    status, headers, body = fetch(staged, path)
    assert status == 200 and headers["content-type"].startswith("text/html") and b'id="app"' in body
    assert headers["cache-control"] == "no-store"


def test_the_policy_of_the_page_runs_nothing_of_others(staged: Daypass) -> None:
    _, first, page = fetch(staged, "/")
    _, second, _ = fetch(staged, "/")
    policy = first["content-security-policy"]
    assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy and "frame-ancestors 'none'" in policy
    nonce = re.search(r"'nonce-([\w-]+)'", policy)
    assert nonce is not None and nonce[1].encode() in page
    assert policy != second["content-security-policy"], "a number that is used twice protects nobody"
    assert not re.search(rb"<script(?![^>]*\ssrc=)", page) and b"<style" not in page
    assert POLICY.count("*") == 0


def test_assets_stay_for_ever_and_come_packed(staged: Daypass) -> None:
    _, _, page = fetch(staged, "/")
    scripts = re.findall(rb'(?:src|href)="(/assets/[\w.-]+\.js)"', page)
    assert scripts
    total = 0
    for path in scripts:
        status, headers, packed = fetch(staged, path.decode(), accept_encoding="gzip")
        assert status == 200 and "immutable" in headers["cache-control"]
        assert len(packed) < 1024 or headers["content-encoding"] == "gzip"
        assert "javascript" in headers["content-type"]
        total += len(packed)
        assert "content-encoding" not in fetch(staged, path.decode())[1]
    assert total < SCRIPT_BYTES_MAX


@pytest.mark.parametrize(
    "path", ["/assets/..%2Findex.html", "/assets/none.js", "/assets/", "/nowhere", "/index.html", "/api/v1/nothing"]
)
def test_nothing_else_is_served(staged: Daypass, path: str) -> None:
    status, headers, _ = fetch(staged, path)
    assert status == 404 and headers["content-type"] == "application/problem+json"


async def test_without_the_app_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pages, "BUILT", tmp_path)
    answer = await pages.show_home(Request({"type": "http", "path": "/", "headers": []}), ())
    assert answer.status_code == 501 and b"make web" in bytes(answer.body)


def test_the_wheel_carries_the_app(built: Path, tmp_path: Path) -> None:
    """What Hatch puts into a wheel holds the built files, which are not in git."""
    import subprocess
    import sys
    import zipfile

    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(argv, cwd=Path(__file__).parents[2], check=True, capture_output=True, timeout=100)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    assert "daypass/api/built/index.html" in held
    assert {f"daypass/api/built/assets/{path.name}" for path in (built / "assets").iterdir()} <= held


def test_who_is_not_signed_in_gets_the_page_and_no_data(staged: Daypass) -> None:
    assert fetch(staged, "/requests")[0] == 200
    assert fetch(staged, "/api/v1/requests")[0] == 401
    assert fetch(staged, "/api/v1/changes")[0] == 401
    assert staged.token(ANA).encode() not in fetch(staged, "/")[2]
