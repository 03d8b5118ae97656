"""What runs here: sessions by id, by grant, and by the key that a client may interrupt its own work with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Carried = TypeVar("Carried")


class Carrying(Generic[Carried]):
    """The live sessions of this gateway. A key leads to its own session and to nothing else."""

    def __init__(self) -> None:
        self._sessions: dict[str, Carried] = {}
        self._grants: dict[str, dict[str, Carried]] = {}
        self._keys: dict[bytes, Carried] = {}

    def add(self, session: str, grant: str, carried: Carried) -> None:
        self._sessions[session] = carried
        self._grants.setdefault(grant, {})[session] = carried

    def name_key(self, key: bytes, carried: Carried) -> None:
        """Let this key interrupt that session. A key that is taken stays with whom it was given to."""
        if key:
            self._keys.setdefault(key, carried)

    def remove(self, session: str, grant: str, key: bytes) -> bool:
        """Forget a session; whether it was the last one of its grant."""
        carried = self._sessions.pop(session, None)
        if key and self._keys.get(key) is carried:
            del self._keys[key]
        of_grant = self._grants.get(grant, {})
        of_grant.pop(session, None)
        if not of_grant:
            self._grants.pop(grant, None)
        return not of_grant

    def by_key(self, key: bytes) -> Carried | None:
        return self._keys.get(key)

    def by_id(self, sessions: Iterable[str]) -> list[Carried]:
        """Those of these sessions that are here."""
        return [self._sessions[session] for session in sessions if session in self._sessions]

    def ids_of(self, grant: str) -> list[str]:
        return list(self._grants.get(grant, ()))

    def ids(self) -> list[str]:
        return list(self._sessions)

    def __iter__(self) -> Iterator[Carried]:
        return iter(list(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)
