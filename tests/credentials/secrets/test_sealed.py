"""Secrets sealed under a key from a file: they open with it, under their name, and with nothing else."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from pathlib import Path

import pytest

from daypass.config.vaults import SealedSettings
from daypass.credentials.secrets.sealed import KEY_BYTES, Sealer
from daypass.domain.errors import Unavailable
from daypass.domain.target import SecretRef


def sealer(folder: Path, key: bytes, *, name: str = "key") -> Sealer:
    (folder / name).write_bytes(b64encode(key) + b"\n")
    return Sealer(SealedSettings(SecretRef("file", str(folder / name))), None, os.urandom)


async def test_it_opens_with_its_key_and_under_its_name(tmp_path: Path) -> None:
    ours = sealer(tmp_path, b"k" * KEY_BYTES)
    held = await ours.seal("orders", "pässword")
    assert await ours.open("orders", held) == "pässword"
    other = sealer(tmp_path, b"o" * KEY_BYTES, name="other")
    for one, name in ((other, "orders"), (ours, "parts")):
        with pytest.raises(Unavailable, match="does not open") as refused:
            await one.open(name, held)
        assert "pässword" not in str(refused.value)
    assert held != await ours.seal("orders", "pässword")


@pytest.mark.parametrize("field", ["nonce", "sealed"])
async def test_what_was_changed_does_not_open(tmp_path: Path, field: str) -> None:
    ours = sealer(tmp_path, b"k" * KEY_BYTES)
    held = json.loads(await ours.seal("orders", "password"))
    raw = bytearray(held[field].encode())
    raw[0] = ord("A") if raw[0] != ord("A") else ord("B")
    with pytest.raises(Unavailable):
        await ours.open("orders", json.dumps({**held, field: raw.decode()}))


@pytest.mark.parametrize("held", ["", "{}", "[]", '{"v":1,"key":"","nonce":"!","sealed":"x"}', '{"key":1}'])
async def test_what_is_no_sealed_secret(tmp_path: Path, held: str) -> None:
    with pytest.raises(Unavailable):
        await sealer(tmp_path, b"k" * KEY_BYTES).open("orders", held)


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 33])
async def test_a_key_of_another_length_seals_nothing(tmp_path: Path, key: bytes) -> None:
    with pytest.raises(Unavailable):
        await sealer(tmp_path, key).seal("orders", "password")
