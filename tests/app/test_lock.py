"""One Daypass a data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.app.lock import SOCKET_PATH_BYTES_MAX, locked, socket_path
from daypass.domain.errors import ConfigError, Conflict


def test_the_second_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    with locked(tmp_path / "var"), pytest.raises(Conflict, match="another Daypass runs on"), locked(tmp_path / "var"):
        pass
    with locked(tmp_path / "var"):
        assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used: Not a directory"), locked(tmp_path / "file" / "var"):
        pass


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too long a path"):
        socket_path(tmp_path / ("x" * SOCKET_PATH_BYTES_MAX))
