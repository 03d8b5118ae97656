"""Following chains: each entry says which number it is in its session and its target, and which entry was before it.

Works on the bytes of canonical entries (docs/audit-format.md) and not on parsed JSON, as it is done for every entry of
a log; only an entry of an unusual form is parsed.
"""

from __future__ import annotations

import json
import re
from binascii import hexlify
from collections.abc import Sequence
from typing import Any

from daypass.ledger.tampering import Tampered

_KEY = b'"chains":['
_ESCAPE = b"\\"
_TEXT = rb'"[^"]*+"'
"""A string, in an entry in which nothing is escaped: every quote is one of JSON's own then."""
_LINK = rb'\{"n":([1-9][0-9]{0,18}+),"name":"(%b:([^"]++))","prev":"([^"]*+)"\}'
_USUAL = re.compile(
    rb'"chains":\[(?:%b(?:,(?=\{)|(?=\])))?+(?:%b)?+\],"commit":\{[^}]*+\}' % (_LINK % b"session", _LINK % b"target")
    + rb'(?:,"decision":%b)?+(?:,"grant":%b)?+,"id":%b(?:,"request":%b)?+' % ((_TEXT,) * 4)
    + rb'(?(1),"session":"\3"),"t":[0-9]++(?(5),"target":\{"name":"\7","protocol":%b\}),"type":%b,"v":1\}\Z'
    % ((_TEXT,) * 2)
)
"""From an entry's chains to its end: it stands in its session's chain and its target's, in one, or in none. As nothing
comes after it, it is the entry's own and does not stand inside its body."""
_HASH = re.compile("[0-9a-f]{64}")
_NUMBER_MAX = 10**19


class Chains:
    """What a run of entries says of the chains in it.

    `firsts` is, by name, the first link that a run cannot check alone: (number, previous leaf in hex, entry's index);
    `heads` the newest one: [number, leaf in hex], changed in place.
    """

    __slots__ = ("firsts", "heads")

    def __init__(self) -> None:
        self.firsts: dict[bytes, tuple[int, bytes, int]] = {}
        self.heads: dict[bytes, list[Any]] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """How it travels between processes, compiled or not."""
        return _again, (self.firsts, self.heads)

    def follow(self, first: int, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """Take entries from index `first` on, with their leaf hashes. Raises Tampered where one does not continue its
        chains, or does not stand in them. The loop is written for speed: it is a third of all that verifying costs."""
        heads, get, match = self.heads, self.heads.get, _USUAL.match
        plain = _ESCAPE not in b"".join(entries)
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), first):
            found = match(entry, entry.find(_KEY)) if plain or _ESCAPE not in entry else None
            if found is None:
                self._look(index, entry, leaf)
                continue
            digits, name, prev, digits2, name2, prev2 = found.group(1, 2, 4, 5, 6, 8)
            own = hexlify(leaf)
            if name is not None:
                head = get(name)
                number = int(digits)
                if head is None or head[0] != number - 1 or head[1] != prev:
                    self._begin(index, name, number, prev)
                    heads[name] = [number, own]
                else:
                    head[0] = number
                    head[1] = own
            if name2 is not None:
                head = get(name2)
                number = int(digits2)
                if head is None or head[0] != number - 1 or head[1] != prev2:
                    self._begin(index, name2, number, prev2)
                    heads[name2] = [number, own]
                else:
                    head[0] = number
                    head[1] = own

    def _look(self, index: int, entry: bytes, leaf: bytes) -> None:
        """Take an entry of an unusual form (more chains, escapes in a name), or complain of what is wrong with it."""
        own = hexlify(leaf)
        for name, number, prev in links_of(index, entry):
            if self.heads.get(name) != [number - 1, prev]:
                self._begin(index, name, number, prev)
            self.heads[name] = [number, own]

    def _begin(self, index: int, name: bytes, number: int, prev: bytes) -> None:
        """A link that does not continue what this run knows: right only as the first one of its chain here."""
        head = self.heads.get(name)
        if head is not None:
            raise _broken(index, name, number, head)
        self.firsts[name] = (number, prev, index)

    def extend(self, later: Chains) -> None:
        """Take what the run right after this one says. Raises Tampered where it does not continue this one."""
        for name, (number, prev, index) in later.firsts.items():
            head = self.heads.get(name, [0, b""])
            if [number - 1, prev] != head:
                raise _broken(index, name, number, head)
        self.heads.update(later.heads)


def _again(firsts: dict[bytes, tuple[int, bytes, int]], heads: dict[bytes, list[Any]]) -> Chains:
    chains = Chains()
    chains.firsts, chains.heads = firsts, heads
    return chains


def _broken(index: int, name: bytes, number: int, head: list[Any]) -> Tampered:
    """The complaint about a link that does not continue its chain."""
    chain = name.decode(errors="replace")
    if number == head[0] + 1:
        return Tampered(f"entry {index}: names another entry than the chain {chain} has as number {head[0]}")
    return Tampered(f"entry {index}: stands as number {number} in the chain {chain}, which has {head[0]} before it")


def links_of(index: int, entry: bytes) -> list[tuple[bytes, int, bytes]]:
    """An entry's links as (name, number, previous leaf in hex), from parsed JSON. Raises Tampered unless it has the
    form of an entry and stands in the chains of the session and the target that it names."""
    try:
        told: dict[str, Any] = json.loads(entry.decode(), object_pairs_hook=_once)
        links = [_link(one) for one in told["chains"]]
        owed = [f"session:{told['session']}"] if "session" in told else []
        owed += [f"target:{told['target']['name']}"] if "target" in told else []
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise Tampered(f"entry {index}: its chains are malformed") from problem
    names = [name for name, _, _ in links]
    for name in owed:
        if name.encode(errors="surrogatepass") not in names:
            raise Tampered(f"entry {index}: does not stand in the chain {name}")
    return links


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object, unless it says one thing twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _link(told: dict[str, Any]) -> tuple[bytes, int, bytes]:
    number, name, prev = told["n"], told["name"], told["prev"]
    if type(number) is not int or not isinstance(name, str) or not isinstance(prev, str) or len(told) != 3:
        raise ValueError("a link is a number, a name and a leaf hash")
    if not 0 < number < _NUMBER_MAX or (prev and not _HASH.fullmatch(prev)):
        raise ValueError("no number or hash of a link")
    return name.encode(errors="surrogatepass"), number, prev.encode()
