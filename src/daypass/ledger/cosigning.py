"""Asking witnesses to cosign a checkpoint (the log's side of C2SP tlog-witness), and when there are enough of them.

Each witness is asked on its own, with a consistency proof from the size that it saw last; a witness that does not
answer holds up nobody but the quorum, and what it answers later counts as well (`so_far`). What counts as published is
decided here and nowhere else: a checkpoint with at least `quorum` cosignatures.
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
    """A checkpoint with the cosignatures that it got, and why it did not get the others (witness name: reason).
    `waiting`: who has not answered yet. `contradicted`: what a witness says that is not of this history."""

    checkpoint: bytes
    count: int
    missing: dict[str, str] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    contradicted: str = ""


class NotCosigned(Exception):
    """This witness did not cosign. One line says why."""


class Contradicted(NotCosigned):
    """This witness has cosigned something that is not a beginning of what it was shown."""


class Cosigners:
    """The witnesses of one log. Remembers, while it runs, which size each of them saw last. `close` it."""

    def __init__(self, witnesses: Sequence[WitnessAddress], quorum: int, client: httpx2.AsyncClient) -> None:
        """Raises ValueError for a quorum that cannot be, or for a key that is no witness's."""
        if not 0 <= quorum <= len(witnesses):
            raise ValueError(f"a quorum of {quorum} among {len(witnesses)} witnesses")
        for witness in witnesses:
            if witness.key.algorithm != COSIGNATURE_V1:
                raise ValueError(f"{witness.key.name} is not the key of a witness")
        self._witnesses, self.quorum, self._client = tuple(witnesses), quorum, client
        self._seen: dict[VerifierKey, int] = {}
        self._signed = 0
        self._note: Note | None = None
        self._asked: dict[VerifierKey, asyncio.Task[Signature]] = {}

    async def close(self) -> None:
        """Wait for nobody's answer any more."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def enough(self, cosigned: Cosigned) -> bool:
        """Whether this counts as published."""
        return cosigned.count >= self.quorum

    async def ask(self, checkpoint: bytes, nodes: Nodes, patience: float = WITNESS_SECONDS_MAX) -> Cosigned:
        """Ask every witness about a signed checkpoint at once; `nodes` are those of its tree. Once the quorum has
        cosigned and `patience` seconds have passed, the others are not waited for: `so_far` tells what they answer."""
        note = self._note = Note.parse(checkpoint)
        head = Checkpoint.parse(note.text)
        self._signed = max(self._signed, head.size)
        for witness in self._witnesses:
            before = self._asked.get(witness.key)
            self._asked[witness.key] = asyncio.create_task(self._in_turn(before, witness, note, head, nodes))
        await self._wait(tuple(self._asked.values()), patience)
        return self._counted(note)

    def so_far(self) -> Cosigned | None:
        """What has been answered by now about the checkpoint that was asked about last."""
        return self._counted(self._note) if self._note is not None else None

    def _counted(self, note: Note) -> Cosigned:
        lines: list[Signature] = []
        missing: dict[str, str] = {}
        waiting: set[str] = set()
        contradicted = ""
        for witness in self._witnesses:
            task, name = self._asked[witness.key], witness.key.name
            if not task.done():
                waiting.add(name)
            elif (failure := task.exception()) is None:
                lines.append(task.result())
            else:
                missing[name] = _why(failure)
                if isinstance(failure, Contradicted):
                    contradicted = f"witness {name} {failure}"
        whole = Note(note.text, (*note.signatures, *lines))
        return Cosigned(str(whole).encode(), len(lines), missing, frozenset(waiting), contradicted)

    async def sizes(self, checkpoint: bytes, seconds: float) -> tuple[dict[str, int], dict[str, str]]:
        """How many entries each witness has cosigned, and why others do not say so within this time (by name).
        `checkpoint` is any that the log has signed: shown as if it was the first, it is cosigned only by who has seen
        none; the others answer with their size."""
        names = [witness.key.name for witness in self._witnesses]
        asked = (self._size_of(witness, checkpoint, seconds) for witness in self._witnesses)
        sizes: dict[str, int] = {}
        silent: dict[str, str] = {}
        for name, found in zip(names, await asyncio.gather(*asked, return_exceptions=True), strict=True):
            if isinstance(found, BaseException):
                silent[name] = _why(found, seconds)
            else:
                sizes[name] = found
        return sizes, silent

    async def _size_of(self, witness: WitnessAddress, checkpoint: bytes, seconds: float) -> int:
        async with asyncio.timeout(seconds):
            status, answer = await self._post(witness, encode_submission(0, [], checkpoint))
        if status == 200:
            return 0
        if status != 409:
            raise NotCosigned(_answered(status, answer))
        return _size(answer, 0)

    async def _wait(self, asked: Sequence[asyncio.Task[Signature]], patience: float) -> None:
        """Until all have answered; or, once `patience` is over, until enough have cosigned."""
        left: set[asyncio.Task[Signature]] = set(asked)
        give_up = asyncio.get_running_loop().time() + patience
        while left:
            cosigned = sum(1 for task in asked if task.done() and task.exception() is None)
            wait = max(give_up - asyncio.get_running_loop().time(), 0.0)
            if cosigned >= self.quorum and not wait:
                return
            limit = wait if cosigned >= self.quorum else None
            _, left = await asyncio.wait(left, timeout=limit, return_when=asyncio.FIRST_COMPLETED)

    async def _in_turn(
        self,
        before: asyncio.Task[Signature] | None,
        witness: WitnessAddress,
        note: Note,
        head: Checkpoint,
        nodes: Nodes,
    ) -> Signature:
        """One question at a time: a witness that is slow is asked about what is newest when it has answered."""
        if before is not None:
            try:
                await asyncio.wait((before,))
            except asyncio.CancelledError:
                before.cancel()
                raise
            before.exception()  # whoever asked has seen it, or asks about something newer
        if self._note is not note:
            raise NotCosigned("is asked about a newer checkpoint")
        return await self._ask_one(witness, note, head, nodes)

    async def _ask_one(self, witness: WitnessAddress, note: Note, head: Checkpoint, nodes: Nodes) -> Signature:
        for _ in range(ATTEMPTS_MAX):
            old = self._seen.get(witness.key, 0)
            if old > self._signed:
                raise Contradicted(f"has cosigned {old} entries, and this log was signed for {self._signed}")
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
            if status == 422:
                raise Contradicted(f"has cosigned {old} entries that are not a beginning of this log: compare with it")
            if status != 409:
                raise NotCosigned(_answered(status, answer))
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


def _answered(status: int, answer: bytes) -> str:
    return f"HTTP {status}: {answer.decode(errors='replace').strip()[:200]}"


def _why(failure: BaseException, seconds: float = WITNESS_SECONDS_MAX) -> str:
    import httpx2  # where nobody cosigns, nothing of it is needed

    if isinstance(failure, TimeoutError):
        return f"does not answer within {seconds:g} s"
    if isinstance(failure, (NotCosigned, httpx2.HTTPError)):
        return str(failure) or type(failure).__name__
    raise failure


def _size(answer: bytes, asked: int) -> int:
    try:
        size = parse_size(answer.decode().removesuffix("\n"))
    except ValueError as error:
        raise NotCosigned(f"HTTP 409 without a size: {answer[:60]!r}") from error
    if size == asked:
        raise Contradicted(f"has cosigned another history of {size} entries: compare checkpoints with it")
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
