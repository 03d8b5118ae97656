"""Asking witnesses to cosign a checkpoint (the log's side of C2SP tlog-witness), and when there are enough of them.

Each witness is asked on its own, with a consistency proof from the size that it saw last; a witness that does not
answer holds up nobody but the quorum. What counts as published is decided here and nowhere else: a checkpoint with at
least `quorum` cosignatures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daypass.ledger.checkpoint import Checkpoint, parse_size
from daypass.ledger.merkle import consistency_proof
from daypass.ledger.nodes import Nodes
from daypass.ledger.note import COSIGNATURE_V1, Note, NoteError, Signature, VerifierKey, signed_at
from daypass.ledger.witness import REQUEST_BYTES_MAX, encode_submission

if TYPE_CHECKING:
    import httpx2

WITNESS_SECONDS_MAX = 5.0
"""How long one witness may take for one answer: publishing waits for the quorum, and entries pile up meanwhile."""
ATTEMPTS_MAX = 3
"""With the size that is known, with the size that the witness then names, and once more if it moved in between."""


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness: its key (algorithm 04) and the URL prefix below which it takes `add-checkpoint`."""

    key: VerifierKey
    url: str


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with the cosignatures that it got, and why it did not get the others (witness name: reason)."""

    checkpoint: bytes
    count: int
    missing: dict[str, str] = field(default_factory=dict)


class NotCosigned(Exception):
    """This witness did not cosign. One line says why."""


class Cosigners:
    """The witnesses of one log. Remembers, while it runs, which size each of them saw last."""

    def __init__(self, witnesses: Sequence[WitnessAddress], quorum: int, client: httpx2.AsyncClient) -> None:
        """Raises ValueError for a quorum that cannot be, or for a key that is no witness's."""
        if not 0 <= quorum <= len(witnesses):
            raise ValueError(f"a quorum of {quorum} among {len(witnesses)} witnesses")
        for witness in witnesses:
            if witness.key.algorithm != COSIGNATURE_V1:
                raise ValueError(f"{witness.key.name} is not the key of a witness")
        self._witnesses, self.quorum, self._client = tuple(witnesses), quorum, client
        self._seen: dict[VerifierKey, int] = {}

    def enough(self, cosigned: Cosigned) -> bool:
        """Whether this counts as published."""
        return cosigned.count >= self.quorum

    async def ask(self, checkpoint: bytes, nodes: Nodes, patience: float = WITNESS_SECONDS_MAX) -> Cosigned:
        """Ask every witness about a signed checkpoint at once; `nodes` are those of its tree. Once the quorum has
        cosigned and `patience` seconds have passed, the others are not waited for."""
        note = Note.parse(checkpoint)
        head = Checkpoint.parse(note.text)
        asked = [asyncio.create_task(self._ask_one(witness, note, head, nodes)) for witness in self._witnesses]
        try:
            await self._wait(asked, patience)
        finally:
            for task in asked:
                task.cancel()
            answers = await asyncio.gather(*asked, return_exceptions=True)
        return self._counted(note, answers, patience)

    def _counted(self, note: Note, answers: Sequence[Signature | BaseException], patience: float) -> Cosigned:
        import httpx2  # where nobody cosigns, nothing of it is needed

        lines, missing = [], {}
        for witness, answer in zip(self._witnesses, answers, strict=True):
            if isinstance(answer, Signature):
                lines.append(answer)
            elif isinstance(answer, (NotCosigned, httpx2.HTTPError, TimeoutError)):
                missing[witness.key.name] = str(answer) or type(answer).__name__
            elif isinstance(answer, asyncio.CancelledError):
                missing[witness.key.name] = f"does not answer within {patience} s"
            else:
                raise answer
        whole = Note(note.text, (*note.signatures, *lines))
        return Cosigned(str(whole).encode(), len(lines), missing)

    async def _wait(self, asked: Sequence[asyncio.Task[Signature]], patience: float) -> None:
        """Until all have answered; or, once `patience` is over, until enough have cosigned."""
        left: set[asyncio.Task[Signature]] = set(asked)
        give_up = asyncio.get_running_loop().time() + patience
        while left:
            cosigned = sum(1 for task in asked if task.done() and not task.cancelled() and task.exception() is None)
            wait = max(give_up - asyncio.get_running_loop().time(), 0.0)
            if cosigned >= self.quorum and not wait:
                return
            limit = wait if cosigned >= self.quorum else None
            _, left = await asyncio.wait(left, timeout=limit, return_when=asyncio.FIRST_COMPLETED)

    async def _ask_one(self, witness: WitnessAddress, note: Note, head: Checkpoint, nodes: Nodes) -> Signature:
        for _ in range(ATTEMPTS_MAX):
            old = self._seen.get(witness.key, 0)
            if old > head.size:
                raise NotCosigned(f"has cosigned {old} entries, and this checkpoint covers {head.size}")
            proof = await asyncio.to_thread(consistency_proof, old, head.size, nodes) if old else []
            body = encode_submission(old, proof, str(note).encode())
            async with asyncio.timeout(WITNESS_SECONDS_MAX):
                status, answer = await self._post(witness, body)
            if status == 200:
                signature = _cosignature(witness.key, note, answer)
                self._seen[witness.key] = head.size
                return signature
            if status != 409:
                raise NotCosigned(f"HTTP {status}: {answer.decode(errors='replace').strip()[:200]}")
            self._seen[witness.key] = _size(answer, old)
        raise NotCosigned("names another size each time")

    async def _post(self, witness: WitnessAddress, body: bytes) -> tuple[int, bytes]:
        url = f"{witness.url.rstrip('/')}/add-checkpoint"
        async with self._client.stream("POST", url, content=body) as response:
            answer = b""
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > REQUEST_BYTES_MAX:
                    raise NotCosigned("answers at too great length")
            return response.status_code, answer


def _size(answer: bytes, asked: int) -> int:
    try:
        size = parse_size(answer.decode().removesuffix("\n"))
    except ValueError as error:
        raise NotCosigned(f"HTTP 409 without a size: {answer[:60]!r}") from error
    if size == asked:
        raise NotCosigned(f"has cosigned another history of {size} entries: compare checkpoints with it")
    return size


def _cosignature(key: VerifierKey, note: Note, answer: bytes) -> Signature:
    """The one line of the answer that is this witness's cosignature. Those of other keys are ignored."""
    try:
        lines = [Signature.parse(line) for line in answer.decode().removesuffix("\n").split("\n")]
    except (UnicodeDecodeError, NoteError) as error:
        raise NotCosigned(f"answers with something else than signature lines: {error}") from error
    for line in lines:
        if (line.name, line.key_id) == (key.name, key.id):
            if signed_at(line, note.text, key) is None:
                raise NotCosigned("answers with a wrong signature")
            return line
    raise NotCosigned(f"answers without a cosignature by {key.name}")
