"""Following chains: each entry says which number it is in its session and its target, and which entry was before it.

Works on the bytes of canonical entries (docs/audit-format.md) and not on parsed JSON, as it is done for every entry of
a log. A quote inside a JSON string is always escaped, so the key that is looked for cannot stand inside a value.
"""

from __future__ import annotations

import re
from binascii import hexlify
from collections.abc import Sequence

from daypass.ledger.tampering import Tampered

_KEY = b'"chains":['
_LINK = rb'\{"n":([1-9][0-9]{0,18}),"name":"([^"]+)","prev":"(.{64}|)"\}'
"""Quick to match: what the previous leaf must be is known, so here it may be anything."""
_USUAL = re.compile(rb'"chains":\[(?:%b(?:,%b)?)?\],"commit":' % (_LINK, _LINK), re.DOTALL)
"""An entry stands in its session's chain and its target's, in one, or in none. After the chains comes `commit`."""
_ANY = rb'\{"n":([1-9][0-9]{0,18}),"name":"((?:[^"\\]|\\.)+)","prev":"([0-9a-f]{64}|)"\}'
_EACH = re.compile(_ANY)
_MANY = re.compile(rb'"chains":\[(%b(?:,%b)*)\],"commit":' % ((re.sub(rb"\((?!\?)", b"(?:", _ANY),) * 2))


class Chains:
    """What a run of entries says of the chains in it.

    `firsts` is, by name, the first link that a run cannot check alone: (number, previous leaf in hex, entry's index);
    `heads` the newest one: (number, leaf in hex).
    """

    __slots__ = ("firsts", "heads")

    def __init__(self) -> None:
        self.firsts: dict[bytes, tuple[int, bytes, int]] = {}
        self.heads: dict[bytes, tuple[int, bytes]] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """How it travels between processes, compiled or not."""
        return _again, (self.firsts, self.heads)

    def follow(self, first: int, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """Take entries from index `first` on, with their leaf hashes. Raises Tampered where one does not continue its
        chains. The loop is written for speed: it is a third of all that verifying costs."""
        heads, get, match = self.heads, self.heads.get, _USUAL.match
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), first):
            found = match(entry, entry.find(_KEY))
            if found is None or entry.find(_KEY, found.end()) >= 0:
                self._look(index, entry, leaf)
                continue
            digits, name, prev, digits2, name2, prev2 = found.groups()
            if name is None:
                continue
            own, number = hexlify(leaf), int(digits)
            if get(name) != (number - 1, prev):
                self._begin(index, name, number, prev)
            heads[name] = (number, own)
            if name2 is not None:
                number = int(digits2)
                if get(name2) != (number - 1, prev2):
                    self._begin(index, name2, number, prev2)
                heads[name2] = (number, own)

    def _look(self, index: int, entry: bytes, leaf: bytes) -> None:
        """Take an entry with more chains than usual or with escapes in a name, or complain of what is wrong with it."""
        if entry.count(_KEY) != 1:
            raise Tampered(f"entry {index}: does not hold its chains once")
        links = _MANY.search(entry)
        if links is None:
            raise Tampered(f"entry {index}: its chains are malformed")
        own = hexlify(leaf)
        for digits, name, prev in _EACH.findall(links[1]):
            number = int(digits)
            if self.heads.get(name) != (number - 1, prev):
                self._begin(index, name, number, prev)
            self.heads[name] = (number, own)

    def _begin(self, index: int, name: bytes, number: int, prev: bytes) -> None:
        """A link that does not continue what this run knows: right only as the first one of its chain here."""
        head = self.heads.get(name)
        if head is not None:
            raise _broken(index, name, number, head)
        self.firsts[name] = (number, prev, index)

    def extend(self, later: Chains) -> None:
        """Take what the run right after this one says. Raises Tampered where it does not continue this one."""
        for name, (number, prev, index) in later.firsts.items():
            head = self.heads.get(name, (0, b""))
            if (number - 1, prev) != head:
                raise _broken(index, name, number, head)
        self.heads.update(later.heads)


def _again(firsts: dict[bytes, tuple[int, bytes, int]], heads: dict[bytes, tuple[int, bytes]]) -> Chains:
    chains = Chains()
    chains.firsts, chains.heads = firsts, heads
    return chains


def _broken(index: int, name: bytes, number: int, head: tuple[int, bytes]) -> Tampered:
    """The complaint about a link that does not continue its chain."""
    chain = name.decode(errors="replace")
    if number == head[0] + 1:
        return Tampered(f"entry {index}: names another entry than the chain {chain} has as number {head[0]}")
    return Tampered(f"entry {index}: stands as number {number} in the chain {chain}, which has {head[0]} before it")
