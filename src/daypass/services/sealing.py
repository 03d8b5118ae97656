"""Sealed secrets: sets and removes what targets are opened with, encrypted, in the store. The operator's verbs.

That one was set is an event; what it is stands nowhere but encrypted. Nothing here ever opens one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from daypass.config.secrets import SEALED_NAME, SECRET_BYTES_MAX
from daypass.credentials.secrets.sealed import Sealer
from daypass.domain.errors import Invalid, NotFound, Unavailable
from daypass.domain.events import Event
from daypass.domain.people import OPERATOR
from daypass.services.office import Change, Office
from daypass.store.interface import Store, Transaction

KEPT = "sealed_secrets"
"""The setting that keeps them, by name."""
SECRETS_MAX = 1000
"""Sealed secrets of one installation; with more, a store of secrets is the better place."""


class Sealing:
    """Over one store; `sealer` is None where the settings name no key."""

    def __init__(self, office: Office, sealer: Sealer | None) -> None:
        self._office = office
        self._sealer = sealer

    async def set(self, name: str, value: str) -> str:
        """Keep this value under this name. Returns whether it was `SET` or `REPLACED`. Raises `Unavailable` without
        a key."""
        if not SEALED_NAME.fullmatch(name):
            raise Invalid("a secret's name has letters, digits, dots, dashes and underscores, at most 63")
        if not value or len(value.encode()) > SECRET_BYTES_MAX:
            raise Invalid(f"a secret has 1 to {SECRET_BYTES_MAX} bytes")
        if self._sealer is None:
            raise Unavailable("the settings name no key for sealed secrets", hint="secrets: { sealed: { key: … } }")
        held = await self._sealer.seal(name, value)
        async with self._office.change() as change:
            kept = dict(await _kept(change.tx))
            if name not in kept and len(kept) >= SECRETS_MAX:
                raise Invalid(f"there are {SECRETS_MAX} sealed secrets already")
            word = "replaced" if name in kept else "set"
            kept[name] = held
            await self._save(change, kept, name, word)
        return word.upper()

    async def remove(self, name: str) -> None:
        """Forget one. What names it can open nothing from here on. Raise `NotFound`."""
        async with self._office.change() as change:
            kept = dict(await _kept(change.tx))
            if kept.pop(name, None) is None:
                raise NotFound(f"there is no sealed secret {name}", hint="daypass secret list")
            await self._save(change, kept, name, "removed")

    async def names(self) -> Sequence[str]:
        """The names there are."""
        async with self._office.reading() as tx:
            return sorted(await _kept(tx))

    async def _save(self, change: Change, kept: Mapping[str, str], name: str, word: str) -> None:
        await change.tx.save_setting(KEPT, json.dumps(kept))
        body = {"secret": name, "change": word}
        await change.record(Event("secret.changed", self._office.now(), OPERATOR, body=body))


async def kept_in(store: Store, name: str) -> str | None:
    """What the store keeps of the sealed secret of this name."""
    async with store.reading() as tx:
        return (await _kept(tx)).get(name)


async def _kept(tx: Transaction) -> Mapping[str, str]:
    found: dict[str, str] = json.loads(await tx.setting(KEPT) or "{}")
    return found
