"""Where tiles and bundles stand, and what is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.ledger.paths import parse_path
from daypass.ledger.tiles import bundle_path, decode_bundle, decode_tile, encode_bundle, tile_path, tile_widths


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(2, 0, 1) == "tile/2/000.p/1"
    assert tile_path(63, 999) == "tile/63/999"
    assert bundle_path(1000) == "tile/entries/x001/000"
    assert bundle_path(273, 112) == "tile/entries/273.p/112"


def test_the_example_of_the_specification() -> None:
    tiles = list(tile_widths(70_000))
    assert len([t for t in tiles if t[0] == 0 and t[2] == 256]) == 273
    assert (0, 273, 112) in tiles
    assert [t for t in tiles if t[0] > 0] == [(1, 0, 256), (1, 1, 17), (2, 0, 1)]
    assert list(tile_widths(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tile_widths(0)) == []


@given(st.lists(st.binary(max_size=400), max_size=256))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


def test_a_bundle_of_the_longest_entries() -> None:
    entries = [b"\xff" * 0xFFFF, b"", b"x"]
    raw = encode_bundle(entries)
    assert raw[:2] == b"\xff\xff" and decode_bundle(raw) == entries
    with pytest.raises(OverflowError):
        encode_bundle([bytes(0x10000)])


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=9), st.data())
def test_a_bundle_that_breaks_off_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    raw = encode_bundle(entries)
    cut = data.draw(st.integers(1, len(entries[-1]) + 1))
    with pytest.raises(ValueError):
        decode_bundle(raw[:-cut])
    with pytest.raises(ValueError):
        decode_bundle(raw + b"\0")


@pytest.mark.parametrize("raw", [b"", b"x", bytes(31), bytes(33), bytes(257 * 32)])
def test_a_malformed_tile_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        decode_tile(raw)


def test_a_tile_is_its_hashes() -> None:
    assert decode_tile(bytes(range(64))) == [bytes(range(32)), bytes(range(32, 64))]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("tile/0/000", (0, 0, 256)),
        ("tile/63/007.p/1", (63, 7, 1)),
        ("tile/entries/x001/x234/067", (-1, 1_234_067, 256)),
        ("tile/entries/x001/000.p/255", (-1, 1_000, 255)),
        ("tile/1/999.p/10", (1, 999, 10)),
    ],
)
def test_a_path_names_one_tile(path: str, found: tuple[int, int, int]) -> None:
    assert parse_path(path) == found


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000", "tile/00/000", "tile/-1/000", "tile/0/0", "tile/0/0000", "tile/0/x000/001", "tile/0/001/067",
        "tile/0/x01/067", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p",
        "tile/0/000/", "/tile/0/000", "tile/entry/000", "tile/0/000\n", "tile/0/" + "x001/" * 7 + "000", "checkpoint",
        "",
    ],
)  # fmt: skip
def test_a_path_that_no_tile_has_names_none(path: str) -> None:
    assert parse_path(path) is None
