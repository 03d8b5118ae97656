"""Logs for tests and measurements: canonical entries with true chains, published as the gateway publishes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from daypass.ledger.durable import Disk, Files
from daypass.ledger.merkle import leaf_hash
from daypass.ledger.note import VerifierKey
from daypass.ledger.publisher import Publisher
from daypass.ledger.signer import LogSigner

ORIGIN = "acme.test/prod"
SEED = bytes(range(32))
STATEMENTS_A_SESSION = 20


@dataclass
class Sequencer:
    """Makes entries one after the other and links them into the chains of their sessions and targets."""

    size: int = 0
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)

    def entry(self, number: int | None = None, chains: tuple[str, ...] | None = None) -> bytes:
        """The next entry; `number` says what stands in it, by default its index."""
        n = self.size if number is None else number
        session = f"01890a5d-ac96-774b-bcce-{n // STATEMENTS_A_SESSION:012x}"
        target = f"orders-{n // 4096 % 3}"
        if chains is None:  # every seventh belongs to neither a session nor a target
            chains = (f"session:{session}", f"target:{target}") if n % 7 else ()
        links = []
        for name in chains:
            count, prev = self.heads.get(name, (0, ""))
            links.append({"name": name, "n": count + 1, "prev": prev})
        entry = self._encode(n, dict(name.split(":", 1) for name in chains), links)
        for name in chains:
            self.heads[name] = (self.heads.get(name, (0, ""))[0] + 1, leaf_hash(entry).hex())
        self.size += 1
        return entry

    @staticmethod
    def _encode(n: int, place: Mapping[str, str], links: list[dict[str, object]]) -> bytes:
        value: dict[str, object] = {
            "v": 1,
            "id": f"01890a5e-0000-7000-8000-{n:012x}",
            "t": 1_790_000_000_000 + n,
            "type": "statement.submitted" if n % 50 else "blob.erased",
            "actor": {"id": "01890a5d-ac96-774b-bcce-b302099a8057", "kind": "person"},
            "chains": links,
            "body": {"statement": n % 20, "via": "simple", "kind": "SELECT", "reads": ["public.orders"]},
            "commit": {"text": sha256(n.to_bytes(8, "big")).hexdigest()},
            "blob": [],
        }
        if "session" in place:
            value["session"] = place["session"]
        if "target" in place:
            value["target"] = {"name": place["target"], "protocol": "postgres"}
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def entries(self, count: int) -> list[bytes]:
        return [self.entry() for _ in range(count)]


class Log:
    """A published log in a folder, with its key beside it."""

    def __init__(self, folder: Path, files: Files | None = None, seed: bytes = SEED) -> None:
        self.folder, self.files, self._seed = folder, files or Disk(), seed
        self.published: list[bytes] = []
        """Every checkpoint that was given out."""
        self.entries: list[bytes] = []
        self.sequencer = Sequencer()
        self.start()

    def start(self) -> None:
        """Start, or start again."""
        self.signer = LogSigner(ORIGIN, self.folder / "keys", self.files, self._seed)
        self.publisher = Publisher(self.folder / "ledger", self.signer, self.files)
        self.publisher.open()
        if self.publisher.pending is not None:
            self.publisher.release(self.publisher.pending)
        checkpoint = self.files.read(self.folder / "ledger" / "checkpoint")
        assert checkpoint is not None
        self.published.append(checkpoint)

    @property
    def vkey(self) -> VerifierKey:
        return self.signer.vkey

    @property
    def root(self) -> Path:
        return self.folder / "ledger"

    def grow(self, *sizes: int) -> Log:
        """Publish at each of these sizes in turn."""
        for size in sizes:
            self.append(self.sequencer.entries(size - len(self.entries)))
        return self

    def append(self, entries: list[bytes]) -> bytes:
        self.entries += entries
        checkpoint = self.publisher.publish(self.publisher.size, entries)
        self.published.append(checkpoint)
        return checkpoint


def paths(root: Path) -> Iterator[str]:
    """Every file of a published log, sorted."""
    yield from sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file())
