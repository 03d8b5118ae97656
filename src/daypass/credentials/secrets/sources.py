"""Every source of secrets behind one question, with a time-out. A secret is read when it is needed.

What was read last is remembered for as long as we run: an end must not wait for a store of secrets that is down. It is
used when the store cannot be asked, and never when it says that there is no such secret.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from daypass.config import read_secret
from daypass.config.vaults import SecretSettings
from daypass.credentials.secrets.asking import Silent
from daypass.credentials.secrets.aws import Aws
from daypass.credentials.secrets.interface import Source
from daypass.credentials.secrets.sealed import Kept, Sealed, Sealer
from daypass.credentials.secrets.vault import Vault
from daypass.domain.errors import ConfigError, Unavailable
from daypass.domain.target import SecretRef

READ_SECONDS_MAX = 6.0
"""A secret under a key that has to be unwrapped takes two questions."""
HERE = ("env", "file")
REMEMBERED_MAX = 10_000
"""Secrets remembered: more than there are targets."""


class Secrets:
    """Reads what a reference names."""

    def __init__(self, settings: SecretSettings | None = None, kept: Kept | None = None) -> None:
        """`kept` reads the sealed secrets of the store; None: there is no store to ask."""
        given = settings or SecretSettings()
        self.vault = Vault(given.vault) if given.vault else None
        aws = Aws(given.aws) if given.aws else None
        self.sealer = Sealer(given.sealed, aws, os.urandom) if given.sealed else None
        sealed = Sealed(self.sealer, kept) if self.sealer is not None and kept is not None else None
        found: Mapping[str, Source | None] = {"vault": self.vault, "aws": aws, "sealed": sealed}
        self._sources = {name: source for name, source in found.items() if source is not None}
        self._remembered: dict[SecretRef, str] = {}

    async def read(self, ref: SecretRef) -> str:
        """The secret. Raises `Unavailable`; never says what it is."""
        try:
            if ref.source in HERE:
                return read_secret(ref)
            async with asyncio.timeout(READ_SECONDS_MAX):
                value = await self._source(ref).read(ref.name)
        except TimeoutError:
            return self._last(ref, f"{ref.source} did not answer within {READ_SECONDS_MAX:g} s")
        except Silent as problem:
            return self._last(ref, problem.message)
        except ConfigError as problem:
            raise Unavailable(problem.message, hint=problem.hint) from None
        self._remembered[ref] = value
        while len(self._remembered) > REMEMBERED_MAX:
            self._remembered.pop(next(iter(self._remembered)))
        return value

    async def close(self) -> None:
        """Let go of connections."""
        for source in self._sources.values():
            await source.close()

    def _source(self, ref: SecretRef) -> Source:
        source = self._sources.get(ref.source)
        if source is None:
            raise Unavailable(f"secrets from {ref.source} cannot be read here")
        return source

    def _last(self, ref: SecretRef, why: str) -> str:
        if ref not in self._remembered:
            raise Unavailable(why)
        return self._remembered[ref]
