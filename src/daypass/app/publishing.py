"""Publishing the log: what the sequencer has numbered goes into tiles and under a signed checkpoint, in a thread.

At least every second when something is new, and at once for who waits for a receipt. With witnesses, a checkpoint is
published when its quorum has cosigned it; who wants the others' lines as well waits for them only for a moment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from daypass.app.agreeing import check_agreement
from daypass.app.hearing import HEAR_SECONDS, KEY, PUBLISHED, PUBLISHED_AT, PUBLISHED_BY, Own, check_elsewhere
from daypass.app.seen import PUBLISHED_SIZE, Seen
from daypass.domain.errors import Unavailable
from daypass.ledger.checkpoint import open_checkpoint
from daypass.ledger.cosigning import Cosigned, Cosigners, WitnessAddress
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.durable import Disk, Files, Unsynced
from daypass.ledger.note import Note, VerifierKey
from daypass.ledger.publisher import CHECKPOINT, VKEY, Publisher
from daypass.ledger.receipts import Receipt, make_receipt
from daypass.ledger.signer import SEED_BYTES, LogSigner, SignerRefused
from daypass.store.interface import Store

if TYPE_CHECKING:
    from httpx2 import AsyncClient

ENTRIES_MAX = 4096
"""Entries published in one step: sixteen full tiles, some milliseconds of hashing."""
STEPS_MAX = 16
"""Steps under one checkpoint where witnesses are asked, so that a long backlog does not ask them for each."""
PATIENCE_SECONDS = 0.3
"""How long a checkpoint that has its quorum waits for the other witnesses' cosignatures."""
POLL_SECONDS = 0.01
"""How often it is looked whether an entry that somebody waits for has got its place."""

AGAIN_SECONDS = 0.2
"""How soon after a failure whoever waits has it tried again."""

ROLE = "publisher"
"""Of several nodes one publishes: it holds this role at the store."""
LOOK_AT_THE_DISK = "what is on it is not known: look at the disk; the next start publishes anew what may be missing"
OLD_BACKUP = (
    "an old backup was restored, or another copy publishes: put the newest published files into DATA/ledger and run "
    "`daypass ledger recover`; if it is the witness that is wrong, take it out of ledger.witnesses"
)
RESTORE_KEY = "restore DATA/keys and DATA/ledger from a backup: with another key this would be another log"

log = structlog.get_logger()


class Publishing:
    """The published log of this node's site, in DATA/ledger, signed with the key in DATA/keys."""

    def __init__(
        self,
        store: Store,
        site: str,
        data: Path,
        *,
        public: bool = True,
        witnesses: tuple[WitnessAddress, ...] = (),
        quorum: int = 0,
        disk: Files | None = None,
        node: str = "",
        url: str = "",
    ) -> None:
        """`node` and `url` are what the other nodes of a store say of this one, when it publishes."""
        self.public = public
        self.elsewhere = ""
        """Which other node publishes this log, and where; empty: this one does."""
        self._at = f"{url}/ledger"
        self._here = f"node {node} publishes this log: {self._at}"
        self._disk = disk or Disk()
        self.untold: list[str] = []
        """What is to be told of those who did not say at the start what is published."""
        self.missing: Mapping[str, str] = {}
        """Witnesses that did not cosign the last checkpoint, and why."""
        self._store, self._site, self._data = store, site, data
        self.witnesses = tuple(one.key.name for one in witnesses)
        self.quorum = quorum
        self._client: AsyncClient | None = None
        self._cosigners: Cosigners | None = None
        if witnesses:
            from httpx2 import AsyncClient

            self._client = AsyncClient()
            self._cosigners = Cosigners(witnesses, quorum, self._client)
        self._publisher: Publisher | None = None
        self._left: tuple[VerifierKey, int] | None = None
        """Where the log cannot go on: the published key, and how many entries were published with it."""
        self.orphaned = ""
        """Set where no node publishes this store's log: the key that it is signed with, which is not this node's."""
        self._running: asyncio.Task[int] | None = None
        self._seen = Seen(store, data, self._disk)
        self._announced = 0
        self._lines = 0
        """How many witnesses' cosignatures are in the published checkpoint."""
        self._over: Disagreement | None = None
        """Why nothing is signed any more in this process."""
        self._may_sign = False
        self._told = False

    @property
    def size(self) -> int:
        """How many entries the published checkpoint covers."""
        if self._publisher is not None:
            return self._publisher.published
        return self._left[1] if self._left is not None else 0

    @property
    def vkey(self) -> str:
        """The verifier key; empty before `open`."""
        return str(self._publisher.vkey) if self._publisher else ""

    @property
    def warnings(self) -> list[str]:
        """What is to be said of the log in `/healthz` while it goes on."""
        told = [f"witness {name} does not cosign: {why}" for name, why in self.missing.items()]
        if self.orphaned:
            told.append(f"no node publishes this store's log, which is signed with {self.orphaned}; {RESTORE_KEY}")
        return told

    async def open(self) -> None:
        """Read back what was published and signed. Raises Disagreement if it is not one log with the store: then what
        was published is still read, and nothing signed."""
        try:
            self._publisher = await self._agreed()
        except Disagreement:
            self._left = await asyncio.to_thread(self._published)
            raise

    async def _agreed(self) -> Publisher:
        async with self._store.reading() as tx:
            known = await tx.setting(KEY)
        alone = known if not self._store.shared else None
        key = self._data / "keys" / "ledger.key"
        if alone and await asyncio.to_thread(self._disk.read, key) is None:
            raise Disagreement(f"{key} is gone, and this store's log is signed with {alone}", hint=RESTORE_KEY)
        publisher = await asyncio.to_thread(open_publisher, self._site, self._data, self._disk)
        await check_agreement(self._store, publisher)
        if alone and alone != str(publisher.vkey):
            raise Disagreement(
                f"this store's log is signed with {alone}, and {key} is {publisher.vkey}", hint=RESTORE_KEY
            )
        await self._compare(publisher)
        await self._hear(publisher)
        return publisher

    async def _compare(self, publisher: Publisher) -> None:
        """Hold the store against what others and this node have seen published. Others first: what they gainsay is
        nothing to remember."""
        await self._seen.open()
        checkpoint = await asyncio.to_thread(self.read, CHECKPOINT)
        own = Own(self._here, checkpoint, publisher.size, self._seen.size)
        self.untold = await check_elsewhere(self._store, own, self._cosigners)
        if self._store.shared:
            await self._seen.look()

    async def _hear(self, publisher: Publisher) -> None:
        """Ask the witnesses before anything is signed: who has seen more than there is knows of what was lost. One
        that does not answer is asked again with the next checkpoint."""
        raw = publisher.pending or await asyncio.to_thread(self.read, CHECKPOINT)
        if self._cosigners is None or not publisher.size or raw is None:
            return
        note = Note.parse(raw)
        own = tuple(line for line in note.signatures if line.key_id == publisher.vkey.id)
        self._lines = len(note.signatures) - len(own)
        self._note(await self._cosigners.ask(str(Note(note.text, own)).encode(), publisher.nodes(), HEAR_SECONDS))

    def _published(self) -> tuple[VerifierKey, int] | None:
        """The key and the size that the published files tell; None where they do not hold."""
        try:
            key = VerifierKey.parse((self.read(VKEY) or b"").decode())
            return key, open_checkpoint(self.read(CHECKPOINT) or b"", key).head.size
        except (OSError, ValueError):
            return None

    async def close(self) -> None:
        """Let go of the connections to witnesses."""
        if self._cosigners is not None:
            await self._cosigners.close()
        if self._client is not None:
            await self._client.aclose()

    def read(self, path: str) -> bytes | None:
        """A published file by its path, None where there is none."""
        return self._disk.read(self._data / "ledger" / path)

    # -- publishing -------------------------------------------------------------------------------------------------

    async def publish(self) -> int:
        """Publish what is new; returns how many entries. Whoever calls meanwhile joins in. Raises Disagreement, or
        Unavailable where the disk fails or the quorum is not reached."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._publish(), name="publishing")
        # Whoever stops waiting must not stop the publishing: a thread may be writing.
        return await asyncio.shield(self._running)

    async def _publish(self) -> int:
        publisher = self._publisher
        if publisher is None:
            raise Unavailable("the log is not open")
        if self._over is not None:
            raise self._over
        count, full = 0, True
        try:
            if not await self._may():
                await self._look()
                return 0
            await self._amend(publisher)
            if publisher.pending is not None:
                await self._give_out(publisher)
            while full:
                taken, full = await self._step(publisher)
                count += taken
            await self._announce()
        except Unsynced as problem:
            self._over = Disagreement(f"the published log cannot be synced: {problem}", hint=LOOK_AT_THE_DISK)
            raise self._over from problem
        except OSError as problem:
            raise Unavailable(f"the log cannot be published: {problem}") from problem
        return count

    async def _look(self) -> None:
        """Where another node publishes: whether the store is still the one that it published from."""
        if self._store.shared:
            try:
                await self._seen.look()
            except Disagreement as problem:
                self._over = problem
                raise

    async def _announce(self) -> None:
        """Tell the other nodes how much is published."""
        if self._store.shared and self._announced != self.size:
            checkpoint = await asyncio.to_thread(self.read, CHECKPOINT) or b""
            async with self._store.begin() as tx:
                await tx.save_setting(PUBLISHED_SIZE, str(self.size))
                await tx.save_setting(PUBLISHED, checkpoint.decode())
            self._announced = self.size

    async def _step(self, publisher: Publisher) -> tuple[int, bool]:
        """Prepare and give out one checkpoint; returns how many entries it is longer by, and whether there are more."""
        taken, full = 0, True
        for _ in range(STEPS_MAX if self._cosigners else 1):
            async with self._store.reading() as tx:
                entries = await tx.entry_bytes(since=publisher.size, limit=ENTRIES_MAX)
            if entries:
                work = publisher.prepare if self._cosigners else publisher.publish
                await asyncio.to_thread(work, publisher.size, entries)
            taken += len(entries)
            full = len(entries) == ENTRIES_MAX
            if not full:
                break
        if publisher.pending is not None:
            await self._give_out(publisher)
        return taken, full

    async def _give_out(self, publisher: Publisher) -> None:
        """Publish the checkpoint that is pending, once its quorum has cosigned it."""
        checkpoint = publisher.pending
        if checkpoint is None:
            return
        if self._cosigners is not None and publisher.size:
            cosigned = await self._cosigners.ask(checkpoint, publisher.nodes(), PATIENCE_SECONDS)
            self._note(cosigned)
            if not self._cosigners.enough(cosigned):
                why = "; ".join(f"{name}: {reason}" for name, reason in cosigned.missing.items())
                raise Unavailable(f"{cosigned.count} of {self._cosigners.quorum} witnesses cosigned ({why})")
            checkpoint, self._lines = cosigned.checkpoint, cosigned.count
        await asyncio.to_thread(publisher.release, checkpoint)

    async def _amend(self, publisher: Publisher) -> None:
        """Add to the published checkpoint what witnesses have cosigned since it was."""
        cosigned = self._cosigners.so_far() if self._cosigners is not None else None
        if cosigned is None or publisher.pending is not None:
            return
        self._note(cosigned)
        if cosigned.count > self._lines:
            await asyncio.to_thread(publisher.release, cosigned.checkpoint)
            self._lines = cosigned.count

    def _note(self, cosigned: Cosigned) -> None:
        """Tell who does not cosign, and who does again; nothing is known of who has not answered yet. Raises
        Disagreement where a witness has cosigned another history than this one."""
        if cosigned.contradicted:
            self._over = Disagreement(cosigned.contradicted, hint=OLD_BACKUP)
            raise self._over
        missing = {name: why for name, why in self.missing.items() if name in cosigned.waiting} | cosigned.missing
        for name, why in missing.items():
            if name not in self.missing:
                log.error("a witness does not cosign", witness=name, problem=why)
        for name in self.missing:
            if name not in missing:
                log.info("a witness cosigns again", witness=name)
        self.missing = missing

    async def _may(self) -> bool:
        """Whether it is this node that publishes: it has the key that this log is signed with, and the role."""
        if self._may_sign and await self._store.hold(ROLE):
            return True
        self._may_sign = False
        async with self._store.reading() as tx:
            known, where = await tx.setting(KEY), await tx.setting(PUBLISHED_BY)
        # Who has another key never takes the role, or the node with the right one could not have it.
        mine = known in (None, self.vkey)
        self.orphaned = "" if mine or await self._store.held(ROLE) else str(known)
        self._may_sign = mine and await self._store.hold(ROLE) and await self._claim()
        self.elsewhere = "" if self._may_sign else where or "another node of this store publishes this log"
        if not mine and not self._told:
            self._told = True
            log.error("another key signs this store's log: nothing is published here", key=known)
        return self._may_sign

    async def _claim(self) -> bool:
        """Note whose log this is, and where it is. Whether it is ours: two that begin may both have seen no key."""
        async with self._store.begin() as tx:
            known = await tx.setting(KEY)
            if known is None:
                await tx.save_setting(KEY, self.vkey)
            if known in (None, self.vkey) and self._store.shared:
                await tx.save_setting(PUBLISHED_BY, self._here)
                await tx.save_setting(PUBLISHED_AT, self._at)
        return known in (None, self.vkey)

    # -- receipts ---------------------------------------------------------------------------------------------------

    async def reach(self, index: int, seconds: float) -> bool:
        """Publish until the entry with this index is covered, for so long at most. Returns whether it is. Raises
        Unavailable that says why it is not, where that is known."""
        if self.elsewhere:
            raise Unavailable("this node does not publish the log", hint=self.elsewhere)
        loop = asyncio.get_running_loop()
        give_up, why = loop.time() + seconds, None
        while self.size <= index and (left := give_up - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self.publish()
                    if self.size <= index:
                        await asyncio.sleep(POLL_SECONDS)
            except Unavailable as problem:
                why = problem
                await asyncio.sleep(min(AGAIN_SECONDS, left))
            except TimeoutError:
                break
        if self.size <= index and why is not None:
            raise why
        return self.size > index

    async def receipt(self, index: int) -> Receipt:
        """The receipt of a published entry. Raises `Unavailable` for one that is not published yet."""
        if self.elsewhere:
            raise Unavailable("this node does not publish the log", hint=self.elsewhere)
        key = self._publisher.vkey if self._publisher is not None else self._left[0] if self._left is not None else None
        if key is None or index >= self.size:
            raise Unavailable(f"entry {index} is not published yet", hint="ask with ?wait=2s")
        try:
            return await asyncio.to_thread(make_receipt, self.read, key, index)
        except (ValueError, OSError) as problem:
            raise Unavailable(f"the published files do not hold: {problem}") from problem


def open_publisher(site: str, data: Path, disk: Files | None = None) -> Publisher:
    """The signer and the published files in a data directory, made if there are none. Raises Disagreement."""
    disk = disk or Disk()
    for name in ("keys", "ledger"):
        (data / name).mkdir(mode=0o700 if name == "keys" else 0o755, parents=True, exist_ok=True)
    try:
        publisher = Publisher(data / "ledger", LogSigner(site, data / "keys", disk, os.urandom(SEED_BYTES)), disk)
        publisher.open()
    except SignerRefused as problem:
        raise Disagreement(problem.message, hint=problem.hint) from problem
    except OSError as problem:
        raise Unavailable(f"the published log in {data / 'ledger'} cannot be read: {problem}") from problem
    if publisher.pending is not None and not publisher.size:
        publisher.release(publisher.pending)
    return publisher
