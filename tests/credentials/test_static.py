"""Static credentials: read anew each time, and never said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from daypass.credentials.static import StaticCredentials
from daypass.domain.errors import NotFound, Unavailable
from daypass.domain.target import Effect, SecretRef, TargetRole
from tests.domain.things import ORDERS


async def test_a_rotated_file_is_used_at_once_and_nothing_shows_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    role = TargetRole("write", "app_rw", SecretRef("file", str(file)), Effect.WRITE)
    target = replace(ORDERS, roles={"write": role})
    for secret in ("first", "second"):
        file.write_text(f"{secret}\n")
        found = await StaticCredentials().resolve(target, "write")
        assert (found.user, found.password) == ("app_rw", secret)
        assert secret not in repr(found)
    file.unlink()
    with pytest.raises(Unavailable, match="orders:write"):
        await StaticCredentials().resolve(target, "write")


async def test_no_password_and_no_role() -> None:
    assert (await StaticCredentials().resolve(ORDERS, "read")).password is None
    with pytest.raises(NotFound):
        await StaticCredentials().resolve(ORDERS, "admin")
