"""Where the verifier reads a log from: what could not be read or listed is told, and never taken for a smaller log."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.ledger.logs import Log
from tests.servers.http import Serving

from daypass.ledger.source import REQUESTS_AT_ONCE, Directory, Source, Unreadable, Url, open_source
from daypass.ledger.tampering import Tampered
from daypass.ledger.tiles import ENTRY_BYTES_MAX, WIDTH, encode_bundle
from daypass.ledger.verify import Asked, Report, verify_log

LARGEST = encode_bundle([bytes(ENTRY_BYTES_MAX)] * WIDTH)
"""A full bundle of the longest entries: no file of a log is larger."""
TOO_LARGE = "larger than any file of a log can be$"
GZIP = {"Content-Encoding": "gzip"}


def check(log: Log, source: Source) -> Report:
    return verify_log(source, Asked(log.vkey))


def test_what_it_is_called_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert isinstance(open_source("https://acme.test/ledger/"), Url)
    assert isinstance(open_source(str(tmp_path)), Directory)
    for name in ("file", "nothing"):
        with pytest.raises(Unreadable, match="no such directory"):
            open_source(str(tmp_path / name))


# -- a folder


def test_a_folder_that_cannot_be_listed_hides_nothing(tmp_path: Path) -> None:
    """An empty log reads no tile, so only the list could show one that nobody signed."""
    log = Log(tmp_path)
    tile = log.root / "tile"
    assert not tile.exists() and check(log, Directory(log.root)).entries == 0
    tile.symlink_to(tile)
    with pytest.raises(Unreadable, match=rf"^{tile}: Too many levels of symbolic links$"):
        check(log, Directory(log.root))
    with pytest.raises(Unreadable, match=rf"^{tile}/0/000: Too many levels of symbolic links$"):
        Directory(log.root).read("tile/0/000")
    tile.unlink()
    tile.write_bytes(b"")
    with pytest.raises(Unreadable, match=rf"^{tile}: Not a directory$"):
        check(log, Directory(log.root))


def test_a_folder_elsewhere_is_looked_through_as_well(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(600, 800, 900)
    partial = log.root / "tile/0/003.p"
    partial.rename(tmp_path / "elsewhere")
    partial.symlink_to(tmp_path / "elsewhere")
    assert check(log, Directory(log.root)).entries == 900
    (partial / "32").write_bytes(bytes(32 * 32))
    with pytest.raises(Tampered, match=r"^tile/0/003.p/32: is not the beginning"):
        check(log, Directory(log.root))


def test_links_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    log = Log(tmp_path).grow(3)
    (log.root / "tile/0/x000").symlink_to(log.root / "tile/0")
    with pytest.raises(Tampered, match=r"no tile and no bundle has this name$"):
        check(log, Directory(log.root))


def test_a_file_is_read_up_to_what_the_largest_can_be(tmp_path: Path) -> None:
    (tmp_path / "largest").write_bytes(LARGEST)
    (tmp_path / "larger").write_bytes(LARGEST + b"x")
    source = Directory(tmp_path)
    assert source.read("largest") == LARGEST
    with pytest.raises(Unreadable, match=TOO_LARGE):
        source.read("larger")


# -- HTTP


@dataclass
class Site:
    """A web server that holds these answers: status, headers, body. Any other path is not there."""

    url: str
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    def reads(self, status: int, headers: dict[str, str], body: bytes) -> bytes | None:
        self.answers["/it"] = (status, headers, body)
        return Url(self.url).read("it")


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = held.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with Serving(Handler) as server:
        held = Site(server.url)
        yield held


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_not_an_error(site: Site, status: int) -> None:
    assert site.reads(status, {}, b"gone") is None


@pytest.mark.parametrize("status", [400, 403, 405, 411, 500, 503])
def test_a_refusal_does_not_say_that_a_file_is_missing(site: Site, status: int) -> None:
    with pytest.raises(Unreadable, match=rf"^{site.url}/it: HTTP {status}$"):
        site.reads(status, {}, b"")


@pytest.mark.parametrize("headers", [{}, GZIP], ids=["plain", "packed"])
def test_an_answer_is_read_up_to_what_the_largest_file_can_be(site: Site, headers: dict[str, str]) -> None:
    """However small it is while it travels."""

    def sent(raw: bytes) -> bytes:
        return gzip.compress(raw) if headers else raw

    assert site.reads(200, headers, sent(LARGEST)) == LARGEST
    for more in (b"x", LARGEST):
        with pytest.raises(Unreadable, match=TOO_LARGE):
            site.reads(200, headers, sent(LARGEST + more))


def test_a_packed_answer_is_unpacked(site: Site) -> None:
    for raw in (b"", b"x", bytes(range(256)) * 100):
        assert site.reads(200, GZIP, gzip.compress(raw)) == raw


def test_a_packed_answer_is_whole_and_what_it_says_to_be(site: Site) -> None:
    packed = gzip.compress(b"of the log" * 100)
    damaged = bytearray(packed)
    damaged[-5] ^= 1
    for answer in (packed[:-1], packed[: len(packed) // 2], b"", gzip.compress(LARGEST)[:-1]):
        with pytest.raises(Unreadable, match=r"/it: the compressed answer breaks off$"):
            site.reads(200, GZIP, answer)
    for answer in (bytes(damaged), zlib.compress(b"of the log"), b"of the log"):
        with pytest.raises(Unreadable, match=r"/it: Error -3 while decompressing data"):
            site.reads(200, GZIP, answer)


@pytest.mark.parametrize("headers", [{}, GZIP], ids=["plain", "packed"])
@pytest.mark.parametrize("body", [b"", gzip.compress(b"of the log"), LARGEST], ids=["at once", "later", "at the end"])
def test_an_answer_that_breaks_off_is_not_taken_for_a_short_file(
    site: Site, headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(Unreadable):
        site.reads(200, {**headers, "Content-Length": str(len(body) + 1)}, body)


def test_a_server_that_speaks_another_protocol_or_none(site: Site) -> None:
    with pytest.raises(Unreadable):
        site.reads(200, {"Transfer-Encoding": "chunked"}, b"no number\r\n")
    with pytest.raises(Unreadable, match=r"^http://127.0.0.1:1/it: .*refused"):
        Url("http://127.0.0.1:1").read("it")


@pytest.mark.parametrize("count", [0, 1, REQUESTS_AT_ONCE, 5 * REQUESTS_AT_ONCE + 3])
def test_several_come_in_order_each_once(site: Site, count: int) -> None:
    site.answers = {f"/{n}": (200, {}, b"%d" % n) for n in range(0, count, 2)}
    expected = [None if n % 2 else b"%d" % n for n in range(count)]
    assert list(Url(site.url).read_all([str(n) for n in range(count)])) == expected


def test_which_files_there_are_is_not_known(site: Site) -> None:
    assert list(Url(site.url).tiles()) == []
