"""One server for all tests of the API; each makes its own requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.serving import Served


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")) as served:
        yield served
