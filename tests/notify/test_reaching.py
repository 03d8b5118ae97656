"""Where a channel may go: to the address that was meant, and nowhere else."""

from __future__ import annotations

import ipaddress

import pytest

from daypass.notify.interface import NotSent
from daypass.notify.reaching import ANSWER_BYTES_MAX, Answer, Looking, Reach, may_reach
from tests.notify.receivers import Web


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", "public private"),
        ("2606:2800:220:1::1", "public private"),
        ("10.0.0.5", "private"),
        ("192.168.1.9", "private"),
        ("100.64.0.1", "private"),
        ("fd12:3456::1", "private"),
        ("127.0.0.1", "here"),
        ("::1", "here"),
        ("::ffff:127.0.0.1", "here"),
        ("64:ff9b::7f00:1", "here"),
        ("64:ff9b::a00:5", "private"),
        ("2002:a00:5::1", "private"),
        ("169.254.169.254", ""),
        ("::ffff:169.254.169.254", ""),
        ("fe80::1", ""),
        ("fd00:ec2::254", ""),
        ("100.100.100.200", ""),
        ("0.0.0.0", ""),
        ("::", ""),
        ("224.0.0.1", ""),
        ("255.255.255.255", ""),
    ],
)
def test_addresses(address: str, allowed: str) -> None:
    ip = ipaddress.ip_address(address)
    found = {
        "public": may_reach(ip, here=False, private=False),
        "private": may_reach(ip, here=False, private=True),
        "here": may_reach(ip, here=True, private=True),
    }
    assert " ".join(name for name, may in found.items() if may) == allowed


async def test_a_name_that_leads_into_this_machine_is_not_followed() -> None:
    # The URL named another machine, and its name server answers with this one's address.
    for private in (False, True):
        with pytest.raises(NotSent) as problem:
            await Looking(here=False, private=private).connect_tcp("localhost", 1)
        assert "may not go" in problem.value.why


async def test_an_endless_answer_is_not_read(web: Web) -> None:
    web.answers = [(200, {}, b"x" * (ANSWER_BYTES_MAX + 1))]
    with pytest.raises(NotSent):
        await Reach(web.url).post(b"", {})


async def test_the_url_is_never_quoted(web: Web) -> None:
    await web.stop()
    with pytest.raises(NotSent) as problem:
        await Reach(f"{web.url}/secret-path?key=1").post(b"", {})
    assert "secret-path" not in problem.value.why and "127.0.0.1" in problem.value.why


@pytest.mark.parametrize(("said", "seconds"), [("30", 30.0), ("", None), ("soon", None), ("-5", None)])
def test_retry_after(said: str, seconds: float | None) -> None:
    assert Answer(429, {"retry-after": said}, b"").retry_after() == seconds
