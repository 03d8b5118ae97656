"""The base of values that the data path makes for every message: what a dataclass has, written out by hand.

The methods that `@dataclass` writes are not seen by mypyc, so making such a value costs as much compiled as it does
interpreted. A subclass names its fields in `__match_args__` and has its own `__init__`; nobody changes a value
once it is made. Everywhere else a frozen dataclass is the thing to take.
"""

from __future__ import annotations

from typing import ClassVar


class Flat:
    """Equality and `repr` over the fields that `__match_args__` names."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__match_args__))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({fields})"
