"""Where a call comes from when a reverse proxy brings it: the address that the proxy tells of, if it is one of ours.

Tries are counted, and calls recorded, by address: behind a proxy that is not named in the settings everybody would have
its address, and whoever guesses would shut all out. Anybody else's word for where they come from counts for nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = b"x-forwarded-for"


class Proxied:
    """`proxies`: addresses and networks of ours."""

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self._app = app
        self._proxies = [ipaddress.ip_network(one) for one in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client") and self._proxies:
            told = b",".join(value for name, value in scope["headers"] if name == HEADER).decode("latin-1")
            host, port = scope["client"][:2]
            came = self.came_from(host, told)
            scope = {**scope, "client": (host, port) if came == host else (came, 0)}
        await self._app(scope, receive, send)

    def came_from(self, peer: str, told: str) -> str:
        """Each proxy adds whom it heard: from the last one on, the first address that is no proxy of ours. What is no
        address is believed of nobody."""
        came = peer
        for one in reversed(told.split(",")):
            if not self._ours(came):
                break
            address = _address(one)
            if not address:
                break
            came = address
        return came

    def _ours(self, text: str) -> bool:
        address = _address(text)
        return bool(address) and any(ipaddress.ip_address(address) in one for one in self._proxies)


def _address(text: str) -> str:
    """An address, with or without a port, in one spelling; empty: it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
