"""The protocols Daypass speaks. This is their one list: every other room loops over it."""

from __future__ import annotations

from collections.abc import Mapping

from daypass.protocols.interface import Protocol
from daypass.protocols.postgres import POSTGRES

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in (POSTGRES,)}
