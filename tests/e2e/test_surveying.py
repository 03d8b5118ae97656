"""Whether a target lets us in, asked of a real one."""

from __future__ import annotations

import json
import urllib.request

from daypass.cli.demo.gateway import CLEO
from tests.servers.daypass import Daypass


def test_a_target_that_lets_us_in(daypass: Daypass) -> None:
    url = f"{daypass.web}/api/v1/targets/orders/check"
    asked = urllib.request.Request(url, method="POST", headers={"Authorization": f"Bearer {daypass.token(CLEO)}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        found = json.load(answer)["items"]
    assert {one["id"]: (one["state"], one["problem"]) for one in found} == {
        "read": ("REACHED", ""),
        "write": ("REACHED", ""),
    }
