"""A witness (C2SP tlog-witness): cosigns a log's checkpoints, each only if it continues the last one it cosigned.

Pure but for its one file per log. `add_checkpoint` is the whole protocol; the HTTP around it is in `api`. A witness
keeps its word across a crash: what it is about to cosign is durable before the cosignature is given out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from daypass.ledger.checkpoint import Checkpoint, parse_size
from daypass.ledger.durable import Files
from daypass.ledger.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from daypass.ledger.note import Note, NoteError, Signer, VerifierKey, cosign, decode64, verify

PROOF_LINES_MAX = 63
"""tlog-witness: clients must not send more."""
REQUEST_BYTES_MAX = 256 * 1024
"""A full proof and a note with the 16 signatures that signed-note demands fit, were they post-quantum ones of 5 kB."""
SIZE_MEDIA = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say over HTTP."""

    status: int
    body: str = ""
    media: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Submission:
    """An add-checkpoint request."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    head: Checkpoint

    @classmethod
    def parse(cls, raw: bytes) -> Submission:
        """Read a request body. Raises NoteError."""
        head, separator, note = raw.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise NoteError("the lines before the checkpoint are ASCII") from error
        if not separator or not first.startswith("old "):
            raise NoteError("a submission is `old <size>`, proof lines, an empty line and a checkpoint")
        if len(lines) > PROOF_LINES_MAX:
            raise NoteError(f"more than {PROOF_LINES_MAX} proof lines")
        proof = tuple(decode64(line) for line in lines)
        parsed = Note.parse(note)
        return cls(parse_size(first[4:]), proof, parsed, Checkpoint.parse(parsed.text))


def encode_submission(old: int, proof: tuple[bytes, ...] | list[bytes], checkpoint: bytes) -> bytes:
    """The request body for `checkpoint` (a raw note) after a tree of `old` entries."""
    lines = [f"old {old}", *(base64.b64encode(h).decode() for h in proof)]
    return ("\n".join(lines) + "\n\n").encode() + checkpoint


class Witness:
    """Watches the logs it has keys for. One call at a time: checking and remembering are one step."""

    def __init__(
        self, key: VerifierKey, signer: Signer, logs: Mapping[str, VerifierKey], folder: Path, files: Files
    ) -> None:
        """`logs` are the keys by their origins. One process at a time may use `folder`."""
        self.key, self._signer, self._logs, self._folder, self._files = key, signer, logs, folder, files

    def add_checkpoint(self, raw: bytes, now: int) -> Answer:
        """Consider a request body at `now` (POSIX seconds). Raises OSError if the new head could not be remembered."""
        try:
            asked = Submission.parse(raw)
        except NoteError as error:
            return Answer(400, f"{error}\n")
        log = self._logs.get(asked.head.origin)
        if log is None:
            return Answer(404, f"not a log that is witnessed here: {asked.head.origin}\n")
        try:
            signed = verify(asked.note, (log,))
        except NoteError:
            signed = ()
        if not signed:
            return Answer(403, f"not signed by {log.name}\n")
        return self._consider(asked, now)

    def _consider(self, asked: Submission, now: int) -> Answer:
        head, (size, root) = asked.head, self.last(asked.head.origin)
        if asked.old > head.size:
            return Answer(400, "the old size is larger than the checkpoint's\n")
        if asked.old != size or (size == head.size and root != head.root):
            return Answer(409, f"{size}\n", SIZE_MEDIA)
        consistent = not asked.proof if size == 0 else verify_consistency(size, root, head.size, head.root, asked.proof)
        if not consistent:
            return Answer(422, "the proof does not show that the log only grew\n")
        self._remember(head, asked.note)
        return Answer(200, str(cosign(asked.note.text, self.key, self._signer, now)))

    def _file(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()[:32]}.json"

    def last(self, origin: str) -> tuple[int, bytes]:
        """The size and root last cosigned for this log (0 and the empty root: none). Raises ValueError where the
        witness's own file is damaged: then nothing is cosigned."""
        raw = self._files.read(self._file(origin))
        if raw is None:
            return 0, EMPTY_ROOT
        state = json.loads(raw)
        root = bytes.fromhex(state["root"])
        if state["origin"] != origin or type(state["size"]) is not int or len(root) != HASH_BYTES:
            raise ValueError(f"{self._file(origin)} holds no tree head of {origin}")
        return state["size"], root

    def _remember(self, head: Checkpoint, note: Note) -> None:
        """The note is kept as well: it is what the log signed, and can be shown to anyone."""
        state = {"origin": head.origin, "size": head.size, "root": head.root.hex(), "note": str(note)}
        self._files.write(self._file(head.origin), (json.dumps(state) + "\n").encode(), 0o600)
        self._files.sync_folders([self._folder])
