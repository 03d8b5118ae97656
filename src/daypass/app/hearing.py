"""What others know of the log that a store holds: the node that publishes it, and witnesses.

A node's own memory is as old as its data directory, and a new node has none. So a start asks, before anything is
signed and any session opens; a store that is behind what is told, or that says something else, is not gone on with.
Whoever does not answer is not waited for: that is told, in one line each.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from daypass.app.agreeing import check_head
from daypass.ledger.checkpoint import open_checkpoint
from daypass.ledger.cosigning import Cosigners
from daypass.ledger.note import NoteError, VerifierKey
from daypass.store.interface import Store

KEY = "log_vkey"
"""The setting that says which key signs the log of this store."""
PUBLISHED_BY = "log_published_by"
"""The setting in which the node that publishes says who and where it is."""
PUBLISHED_AT = "log_published_at"
"""The setting in which it says below which URL its files are."""
PUBLISHED = "log_checkpoint"
"""The setting in which it says what it has published last: witnesses answer only who shows what this log has signed."""
HEAR_SECONDS = 2.0
"""How long a start waits for what others say."""
CHECKPOINT_BYTES_MAX = 64 * 1024
"""Sixteen witnesses' lines take two thousand bytes."""
WITHOUT_MEMORY = (
    "this node has no memory of this store's log, and nobody says what is published: an older store is not noticed"
)


class NotTold(Exception):
    """Whoever was asked has not said what is published. One line says why."""


@dataclass(frozen=True, slots=True)
class Own:
    """What a node itself knows when it starts. `here`: what it says of itself when it publishes. `checkpoint`: the
    one that its key has signed last. `signed` and `seen`: how many entries it has signed, or seen published."""

    here: str
    checkpoint: bytes | None
    signed: int
    seen: int


async def check_elsewhere(store: Store, own: Own, cosigners: Cosigners | None) -> list[str]:
    """Raises Disagreement where others know of more than the store holds, or of something else. Returns what is to be
    told of those who do not say. A node that has signed entries asks witnesses about its own, and not here."""
    async with store.reading() as tx:
        key, by, at, kept = [await tx.setting(name) for name in (KEY, PUBLISHED_BY, PUBLISHED_AT, PUBLISHED)]
    told, lines = False, list[str]()
    if key is not None and at is not None and by != own.here:
        try:
            size, root = await _published(at, VerifierKey.parse(key))
            await check_head(store, size, root, at)
            told = True
        except NotTold as problem:
            lines.append(f"{at} does not say what is published: {problem}")
    checkpoint = kept.encode() if kept is not None else own.checkpoint
    if cosigners is not None and checkpoint is not None and not own.signed:
        sizes, silent = await cosigners.sizes(checkpoint, HEAR_SECONDS)
        for name, size in sizes.items():
            await check_head(store, size, None, f"witness {name}")
        told = told or any(sizes.values())
        lines += [f"witness {name} does not say what it has seen: {why}" for name, why in silent.items()]
    if key is not None and not (told or own.signed or own.seen):
        lines.append(WITHOUT_MEMORY)
    return lines


async def _published(url: str, key: VerifierKey) -> tuple[int, bytes]:
    """Size and root of the checkpoint that is served below this URL. Raises NotTold."""
    from httpx2 import AsyncClient, HTTPError, InvalidURL  # nothing of it is needed where no other node publishes

    raw = b""
    try:
        async with (
            asyncio.timeout(HEAR_SECONDS),
            AsyncClient() as client,
            client.stream("GET", f"{url}/checkpoint") as response,
        ):
            if response.status_code != 200:
                raise NotTold(f"HTTP {response.status_code}")
            async for part in response.aiter_bytes():
                raw += part
                if len(raw) > CHECKPOINT_BYTES_MAX:
                    raise NotTold("answers at too great length")
        head = open_checkpoint(raw, key).head
    except TimeoutError:
        raise NotTold(f"does not answer within {HEAR_SECONDS:g} s") from None
    except (HTTPError, InvalidURL, NoteError) as problem:
        raise NotTold(str(problem) or type(problem).__name__) from None
    return head.size, head.root
