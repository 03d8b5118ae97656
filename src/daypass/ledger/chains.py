"""Following chains: each entry says which number it is in its session and its target, and which entry was before it.

Works on the bytes of canonical entries (docs/audit-format.md) and not on parsed JSON, as it is done for every entry of
a log. A quote inside a JSON string is always escaped, so the key that is looked for cannot stand inside a value.
"""

from __future__ import annotations

import re
from binascii import hexlify

from daypass.ledger.tampering import Tampered

_KEY = b'"chains":['
_LINK = re.compile(rb'\{"n":([1-9][0-9]{0,18}),"name":"([^"\\]*(?:\\.[^"\\]*)*)","prev":"([0-9a-f]{64}|)"\}(,?)')
_END = b'],"commit":'
"""What follows the chains in every canonical entry."""


class Chains:
    """What a run of entries says of the chains in it.

    `firsts` is, by name, the first link that a run cannot check alone: (number, previous leaf in hex, entry's index);
    `heads` the newest one: (number, leaf in hex).
    """

    __slots__ = ("firsts", "heads")

    def __init__(self) -> None:
        self.firsts: dict[bytes, tuple[int, bytes, int]] = {}
        self.heads: dict[bytes, tuple[int, bytes]] = {}

    def follow(self, index: int, entry: bytes, leaf: bytes) -> None:
        """Take the entry with this index and leaf hash. Raises Tampered where it does not continue its chains."""
        start = entry.find(_KEY)
        if start < 0 or entry.find(_KEY, start + 1) >= 0:
            raise Tampered(f"entry {index}: does not hold its chains once")
        position, more, own = start + len(_KEY), True, b""
        while more and entry.startswith(b"{", position):
            link = _LINK.match(entry, position)
            if link is None:
                break
            position = link.end()
            digits, name, prev, comma = link.groups()
            more = comma == b","
            number, head = int(digits), self.heads.get(name)
            if head is None:
                self.firsts[name] = (number, prev, index)
            elif number != head[0] + 1 or prev != head[1]:
                raise broken(index, name, number, head)
            own = own or hexlify(leaf)
            self.heads[name] = (number, own)
        if not entry.startswith(_END, position) or entry[position - 1] == 0x2C:
            raise Tampered(f"entry {index}: its chains are malformed")

    def extend(self, later: Chains) -> None:
        """Take what the run right after this one says. Raises Tampered where it does not continue this one."""
        for name, (number, prev, index) in later.firsts.items():
            head = self.heads.get(name, (0, b""))
            if number != head[0] + 1 or prev != head[1]:
                raise broken(index, name, number, head)
        self.heads.update(later.heads)


def broken(index: int, name: bytes, number: int, head: tuple[int, bytes]) -> Tampered:
    """The complaint about a link that does not continue its chain."""
    chain = name.decode(errors="replace")
    if number == head[0] + 1:
        return Tampered(f"entry {index}: names another entry than the chain {chain} has as number {head[0]}")
    return Tampered(f"entry {index}: stands as number {number} in the chain {chain}, which has {head[0]} before it")
