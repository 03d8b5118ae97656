"""Behind a reverse proxy: where calls come from is what ours says, and nobody else's word counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daypass.api.proxied import Proxied
from daypass.api.web import PREFIX
from daypass.identity.attempts import FAILURES_OF_ADDRESS
from tests.api.serving import Answer, Served

OURS = ("127.0.0.1/32", "10.0.7.0/24", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "told", "came"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7:4711", "192.0.2.7"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", " 2001:DB8:0::1 ", "2001:db8::1"),
        ("127.0.0.1", "203.0.113.9, 192.0.2.7", "192.0.2.7"),  # what the stranger said of themselves stands first
        ("127.0.0.1", "192.0.2.7, 10.0.7.9", "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7,fd00::1,10.0.7.9", "192.0.2.7"),
        ("127.0.0.1", "10.0.7.8, 10.0.7.9", "10.0.7.8"),
        ("127.0.0.1", "192.0.2.7, unknown", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7, unknown, 10.0.7.9", "10.0.7.9"),
        ("127.0.0.1", "192.0.2.7,", "127.0.0.1"),
        ("127.0.0.1", "x" * 5000, "127.0.0.1"),
        ("10.0.8.1", "192.0.2.7", "10.0.8.1"),
        ("2001:db8::2", "192.0.2.7", "2001:db8::2"),
        ("socket", "192.0.2.7", "socket"),
    ],
)
def test_where_a_call_came_from(peer: str, told: str, came: str) -> None:
    async def app(*_: object) -> None: ...

    assert Proxied(app, OURS).came_from(peer, told) == came


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("behind"))
    file = made.home / "daypass.yaml"
    file.write_text(file.read_text() + "proxies: [ 127.0.0.1 ]\n")
    with made:
        yield made


def guess(served: Served, told: str, token: str = "dp_" + "0" * 38) -> Answer:
    ours = {"X_Daypass_CSRF": "1", "Origin": f"http://127.0.0.1:{served.web}"}
    return served.call("POST", f"{PREFIX}/sign-in/token", {"token": token}, X_Forwarded_For=told, **ours)


def test_who_guesses_through_a_proxy_shuts_out_themselves(behind: Served) -> None:
    for number in range(FAILURES_OF_ADDRESS):
        assert guess(behind, f"203.0.113.{number}, 192.0.2.7").status == 401
    assert guess(behind, "198.51.100.1, 192.0.2.7", behind.token("ana")).status == 429
    answer = guess(behind, "198.51.100.1", behind.token("ana"))
    assert answer.status == 200 and answer.json["seen_from"] == "198.51.100.1:0"


def test_nobody_else_says_where_they_come_from(served: Served) -> None:
    answer = guess(served, "198.51.100.1", served.token("ana"))
    assert answer.status == 200 and answer.json["seen_from"].startswith("127.0.0.1:")
