"""How often somebody may try to sign in: so many failures in a while, from one address and for one name from there.

Failures count against where they come from, and never against a name alone: who types somebody else's name wrong
shuts nobody out but themselves. Only a wrong guess is a failure: not that we are busy or away, and nothing that a page
of another site can have somebody's browser do. It lives in memory; a node that starts again has forgotten.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from daypass.domain.errors import DaypassError, TooMany, Unauthenticated

WINDOW_MS = 5 * 60_000
FAILURES_OF_ADDRESS = 30
"""Failures from one address in a window; several people may share one."""
FAILURES_OF_NAME = 8
"""Failures for one name from one address in a window."""
BEGUN_OF_ADDRESS = {"device": 100, "provider": 2_000}
"""Sign-ins that one address begins in a window with the command line, and comes back with from the provider, which is
asked about each. Behind one address a whole company may come at nine o'clock, but not with command lines."""
KEYS_MAX = 20_000
"""Addresses and names remembered at once; the oldest are forgotten. IPv6 counts by /64, which one machine owns."""
V6_PREFIX = 64


@dataclass(slots=True)
class _Count:
    until: int
    failures: int = 0


class Attempts:
    """Counts failures. The clock is an argument."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    @contextmanager
    def guess(self, client: str, name: str, now: int, wrong: type[DaypassError] = Unauthenticated) -> Iterator[None]:
        """Around what somebody could guess: refuses who has guessed too often, and counts it if it was `wrong`."""
        self.check(client, name, now)
        try:
            yield
        except wrong:
            self.failed(client, name, now)
            raise

    def check(self, client: str, name: str, now: int) -> None:
        """Raise `TooMany` for who has failed too often. To be asked before anything is looked at."""
        for key, most in self._keys(client, name):
            count = self._counts.get(key)
            if count is not None and now < count.until and count.failures >= most:
                wait = count.until - now
                raise TooMany("too many failed tries from here", hint=f"wait {-(-wait // 1000)} s", wait_ms=wait)

    def failed(self, client: str, name: str, now: int) -> None:
        """A try failed."""
        for key, _ in self._keys(client, name):
            self._count(key, now)

    def _count(self, key: tuple[str, str], now: int) -> None:
        count = self._counts.get(key)
        if count is None or now >= count.until:
            count = self._counts[key] = _Count(now + WINDOW_MS)
        count.failures += 1
        self._counts.move_to_end(key)
        while len(self._counts) > KEYS_MAX:
            self._counts.popitem(last=False)

    def begun(self, client: str, what: str, now: int) -> None:
        """A sign-in is about to begin that is kept until it is over. Raise `TooMany` for too many from one address."""
        key, most = (address_of(client), f"/{what}"), BEGUN_OF_ADDRESS[what]
        count = self._counts.get(key)
        if count is not None and now < count.until and count.failures >= most:
            wait = count.until - now
            raise TooMany("too many sign-ins were begun from here", hint=f"wait {-(-wait // 1000)} s", wait_ms=wait)
        self._count(key, now)

    def succeeded(self, client: str, name: str) -> None:
        """Who has signed in starts anew for that name; the address keeps its count."""
        if name:
            self._counts.pop((address_of(client), name), None)

    def _keys(self, client: str, name: str) -> list[tuple[tuple[str, str], int]]:
        address = address_of(client)
        keys = [((address, ""), FAILURES_OF_ADDRESS)]
        return [*keys, ((address, name), FAILURES_OF_NAME)] if name else keys


def address_of(client: str) -> str:
    """What a client's `address:port` counts as."""
    host = client.rpartition(":")[0].strip("[]") or client
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:  # as a socket for both kinds of addresses tells of an IPv4 client
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, V6_PREFIX), strict=False))
    return str(address)
