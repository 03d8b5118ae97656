"""Data-path facts as ledger entries and recording chunks. Pure, and made for many: an entry is put together from text.

A statement's entry says what its text would do and holds salted commitments to text and values; text, values and salts
are in the recording chunk that the entry names in `blob` (docs/audit-format.md). What is said of a session comes from a
`SessionInfo`; of one that nobody knows (any more) its facts become entries all the same, with what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from daypass.domain.events import Blob, Draft, IndexRow
from daypass.domain.identifiers import ENTROPY_BYTES, uuid7
from daypass.domain.people import SYSTEM
from daypass.domain.statement import UNKNOWN, Analysis, Completed, Prepared, Rows, StatementRefused, Submitted
from daypass.ledger.entry import SALT_BYTES, VERSION, chains_of, seal_blob
from daypass.ledger.facts import Recorded
from daypass.ledger.pieces import (
    analysed,
    clean,
    committed,
    index_row,
    listed,
    outcome,
    remark,
    value_member,
    values_line,
)
from daypass.ledger.quoting import based, decoded, encoded, quoted
from daypass.ledger.recording import CHUNK_BYTES, MEDIA, Tape
from daypass.protocols.interface import Protocol

SESSIONS_KEPT = 4096
"""Sessions that are remembered between batches, many more than one batch has; others are asked for again."""
ENTROPY_AT_ONCE = 16 * 1024
UNVERIFIED = "-- unverified: code that ran before may have given this name another text"
"""What the readable lines say where a text is what was seen under a name, and perhaps not what ran."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What an entry says of its session. `opened_at` is in ms, as everywhere."""

    id: str
    person: str
    grant: str
    request: str
    target: str
    role: str
    protocol: str
    opened_at: int


class _Chunk:
    """A chunk in the making: what is on the tape until it is sealed."""

    __slots__ = ("blob", "content", "named")

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.blob: Blob | None = None
        self.named = False


@dataclass(slots=True)
class _Part:
    """An entry that misses only its blob."""

    session: _Session
    chunk: _Chunk
    type: str
    t: int
    body: str
    commit: str
    statement: int | None
    index: IndexRow | None


class _Session:
    """What stays the same in all entries of a session, its tape, and its chunk."""

    __slots__ = ("after", "before", "chains", "chunk", "id", "info", "middle", "protocol", "tape")

    def __init__(self, id: str, info: SessionInfo | None, protocol: Protocol | None) -> None:
        self.id = id
        self.info = info
        self.protocol = protocol
        self.chains = chains_of(id, info.target if info else None)
        self.tape = Tape(f"{info.target}:{info.role}=> " if info else "=> ", None)
        self.chunk = _Chunk()
        actor = (info.person, "person") if info else (SYSTEM.id, SYSTEM.kind)
        self.before = f'{{"actor":{{"id":{quoted(actor[0])},"kind":"{actor[1]}"}},"blob":['
        grant = f'"grant":{quoted(info.grant)},' if info else ""
        request = f'"request":{quoted(info.request)},' if info else ""
        target = f'"target":{{"name":{quoted(info.target)},"protocol":{quoted(info.protocol)}}},' if info else ""
        self.middle = f'}},{grant}"id":"'
        self.after = (f'",{request}"session":{quoted(id)},"t":', f',{target}"type":"')


Lock = Callable[[bytes], bytes]


class Drafting:
    """Takes facts in journal order, gives drafts in that order. `entropy(n)` gives n random bytes."""

    def __init__(
        self, protocols: Mapping[str, Protocol], entropy: Callable[[int], bytes], lock: Lock | None = None
    ) -> None:
        """`lock` encrypts recordings; of texts search then sees their shapes only."""
        self._protocols = protocols
        self._lock = lock
        self._entropy = entropy
        self._pool = b""
        self._pool_at = 0
        self._sessions: dict[str, _Session] = {}
        self._parts: list[_Part] = []
        self._touched: dict[str, _Session] = {}

    def knows(self, session: str) -> bool:
        """Whether this session was introduced and is still remembered; it is then remembered longer than others."""
        known = self._sessions.pop(session, None)
        if known is None:
            return False
        self._sessions[session] = known
        return True

    def introduce(self, session: str, info: SessionInfo | None) -> None:
        """Say what a session is (None: nobody knows it). Comes before its first fact."""
        if len(self._sessions) >= SESSIONS_KEPT:
            del self._sessions[next(iter(self._sessions))]
        protocol = self._protocols.get(info.protocol) if info else None
        self._sessions[session] = _Session(session, info, protocol)

    def add(self, recorded: Recorded) -> None:
        """Take the next fact of a session that was introduced."""
        session = self._sessions[recorded.session]
        self._touched[session.id] = session
        fact, t_us = recorded.fact, recorded.t_us
        if isinstance(fact, Submitted):
            self._submitted(session, t_us, fact)
        elif isinstance(fact, Completed):
            self._completed(session, t_us, fact)
        elif isinstance(fact, Rows):
            self._rows(session, t_us, fact)
        elif isinstance(fact, Prepared):
            self._prepared(session, t_us, fact)
        else:
            self._refused(session, t_us, fact)
        if session.tape.size >= CHUNK_BYTES:
            self._close(session, t_us)

    def drafts(self) -> Iterator[Draft]:
        """The drafts of everything added since the last time, which has to be taken to its end."""
        for session in self._touched.values():
            if session.tape.size:
                self._close(session, session.tape.last_us or 0)
        parts, self._parts, self._touched = self._parts, [], {}
        for part in parts:
            yield self._draft(part)

    # -- one fact -----------------------------------------------------------------------------------------------------

    def _submitted(self, session: _Session, t_us: int, fact: Submitted) -> None:
        text, payload, analysis = self._text(session, fact.text)
        salt = self._take(SALT_BYTES)
        commit = f'"text":"{sha256(salt + fact.text).hexdigest()}"'
        salts = f'"text":"{salt.hex()}"'
        searched = shown = text
        if fact.resolved:
            behind, member, more = self._text(session, fact.resolved, "resolved")
            analysis = analysis.over(more)
            salt = self._take(SALT_BYTES)
            commit = f'"resolved":"{sha256(salt + fact.resolved).hexdigest()}",{commit}'
            salts = f'"resolved":"{salt.hex()}",{salts}'
            payload = f"{member},{payload}"
            searched = text = f"{text};\n{behind}"
            shown = f"{shown}\n{remark(f'{fact.name}: {behind}')}"
        if fact.values:
            packed, plain, line = self._values(session, fact.values)
            salt = self._take(SALT_BYTES)
            commit += f',"values":"{sha256(salt + encoded(packed)).hexdigest()}"'
            salts += f',"values":"{salt.hex()}"'
            payload += f',"values":{packed}'
            searched = f"{text}\n{plain}" if plain else text
            shown = f"{shown}\n{line}"
        called = f',"name":{quoted(clean(fact.name))}' if fact.name else ""
        again = f'"same_as":{fact.same_as},' if fact.same_as else ""
        doubt = "" if fact.verified else ',"verified":0'
        session.tape.question(
            t_us,
            shown if fact.verified else f"{shown}\n{UNVERIFIED}",
            f'{{"n":{fact.n},"t":{t_us // 1000},"via":{quoted(fact.via)}{called},{payload},"salt":{{{salts}}}{doubt}}}',
        )
        before, after = analysed(analysis)
        body = f'"bytes":{len(fact.text)},{before}{again}"statement":{fact.n}{doubt},"via":{quoted(fact.via)}{after}'
        self._part(
            session, "statement.submitted", t_us, body, commit, fact.n, self._index(session, analysis, text, searched)
        )

    def _prepared(self, session: _Session, t_us: int, fact: Prepared) -> None:
        text, payload, analysis = self._text(session, fact.text)
        salt = self._take(SALT_BYTES)
        session.tape.question(
            t_us,
            f"-- prepared {fact.name}: {text}" if fact.name else f"-- prepared: {text}",
            f'{{"name":{quoted(clean(fact.name))},{payload},"salt":{{"text":"{salt.hex()}"}},"t":{t_us // 1000}}}',
        )
        before, after = analysed(analysis)
        body = f'"bytes":{len(fact.text)},{before}"unnamed":{int(not fact.name)}{after}'
        commit = f'"text":"{sha256(salt + fact.text).hexdigest()}"'
        self._part(session, "statement.prepared", t_us, body, commit, None, self._index(session, analysis, text, text))

    def _refused(self, session: _Session, t_us: int, fact: StatementRefused) -> None:
        text, payload, analysis = self._text(session, fact.text)
        reason = clean(fact.reason)
        salt, other = self._take(SALT_BYTES), self._take(SALT_BYTES)
        session.tape.question(
            t_us,
            f"{text}\n-- refused: {reason}",
            f'{{"n":{fact.n},"reason":{quoted(reason)},"t":{t_us // 1000},{payload},'
            f'"salt":{{"reason":"{other.hex()}","text":"{salt.hex()}"}}}}',
        )
        before, after = analysed(analysis)
        body = f'"bytes":{len(fact.text)},{before}"statement":{fact.n}{after}'
        commit = f'"reason":"{committed(other, reason)}","text":"{sha256(salt + fact.text).hexdigest()}"'
        self._part(session, "statement.refused", t_us, body, commit, fact.n, self._index(session, analysis, text, text))

    def _completed(self, session: _Session, t_us: int, fact: Completed) -> None:
        tags, columns, error, message = fact.tags, fact.columns, clean(fact.error), clean(fact.message)
        commit = salts = extra = ""
        if fact.copied_sha256:
            # A digest of content: only a salted one may stand in an entry.
            salt, digest = self._take(SALT_BYTES), fact.copied_sha256.hex()
            commit = f'"copied":"{committed(salt, digest)}"'
            salts, extra = f'"copied":"{salt.hex()}"', f',"copied_sha256":"{digest}"'
        if message:
            salt = self._take(SALT_BYTES)
            comma = "," if commit else ""
            commit += f'{comma}"message":"{committed(salt, message)}"'
            salts += f'{comma}"message":"{salt.hex()}"'
            extra += f',"message":{quoted(message)}'
        copied = f'"copied_bytes":{fact.copied_bytes},' if fact.copied_bytes else ""
        named = f"{listed('columns', columns)}," if columns else ""
        told = (
            f'"bytes":{fact.bytes},{named}{copied}"duration_us":{fact.duration_us},"error":{quoted(error)},'
            f'"rows":{fact.rows},'
        )
        tagged = listed("tags", tags)
        if salts:
            extra += f',"salt":{{{salts}}}'
        payload = f'{{"n":{fact.n},"t":{t_us // 1000},{told}{tagged}{extra}}}'
        session.tape.result(t_us, outcome(fact, error, message), payload)
        body = f'{told}"statement":{fact.n},{tagged}'
        index = IndexRow(message) if message and self._lock is None else None
        self._part(session, "statement.completed", t_us, body, commit, fact.n, index)

    def _rows(self, session: _Session, t_us: int, fact: Rows) -> None:
        cut = int(fact.cut)
        if session.protocol is None:
            packed = based(fact.data)
            session.tape.rows(t_us, (), fact.cut, f'{{"n":{fact.n},"cut":{cut},"packed":"{packed}"}}')
            return
        rows = session.protocol.rows(fact.data)
        cells = ",".join(f"[{','.join('null' if one is None else quoted(clean(one)) for one in row)}]" for row in rows)
        session.tape.rows(t_us, rows, fact.cut, f'{{"n":{fact.n},"cut":{cut},"rows":[{cells}]}}')

    # -- what all of them need ----------------------------------------------------------------------------------------

    def _text(self, session: _Session, raw: bytes, field: str = "text") -> tuple[str, str, Analysis]:
        """A statement's text for reading, as fields of a payload, and what it would do."""
        try:
            text = decoded(raw)
            payload = f'"{field}":{quoted(text)}'
        except UnicodeDecodeError:
            text = decoded(raw, "backslashreplace")
            payload = f'"{field}":{quoted(text)},"{field}_base64":"{based(raw)}"'
        return text, payload, session.protocol.analyse(text) if session.protocol else UNKNOWN

    def _index(self, session: _Session, analysis: Analysis, text: str, searched: str) -> IndexRow:
        """What search sees of a text."""
        if self._lock is not None:
            searched = session.protocol.shape(text) if session.protocol else ""
        return index_row(analysis, searched)

    def _values(self, session: _Session, packed: bytes) -> tuple[str, str, str]:
        """Bind values as JSON (what is committed to, and kept), as text for search, and as a line to read."""
        if session.protocol is None:
            return f'[{{"base64":"{based(packed)}"}}]', "", "-- with values"
        values = session.protocol.values(packed)
        plain = "\n".join(value.text for value in values if value.text)
        return f"[{','.join(map(value_member, values))}]", plain, values_line(values)

    def _take(self, size: int) -> bytes:
        at = self._pool_at
        if at + size > len(self._pool):
            self._pool, at = self._entropy(ENTROPY_AT_ONCE), 0
        self._pool_at = at + size
        return self._pool[at : at + size]

    def _part(
        self,
        session: _Session,
        type: str,
        t_us: int,
        body: str,
        commit: str,
        statement: int | None,
        index: IndexRow | None,
    ) -> None:
        session.chunk.named = True
        self._parts.append(_Part(session, session.chunk, type, t_us // 1000, body, commit, statement, index))

    def _close(self, session: _Session, t_us: int) -> None:
        """End a session's chunk, and see to it that an entry names it."""
        chunk = session.chunk
        if not chunk.named:
            self._part(session, "recording.kept", t_us, "", "", None, None)
        chunk.content = session.tape.take()
        session.chunk = _Chunk()

    def _draft(self, part: _Part) -> Draft:
        session, chunk = part.session, part.chunk
        blobs: tuple[Blob, ...] = ()
        if chunk.blob is None:
            assert chunk.content is not None, "a chunk is closed before its entries are put together"
            chunk.blob = seal_blob(chunk.content, MEDIA, self._take(SALT_BYTES), session.id, self._lock)
            chunk.content = None
            blobs = (chunk.blob,)
        blob, info = chunk.blob, session.info
        id = uuid7(part.t, self._take(ENTROPY_BYTES))
        after_id, after_t = session.after
        entry = (
            f'{session.before}{{"bytes":{len(blob.content)},"media":"{MEDIA}","sha256":"{blob.sha256}"}}],'
            f'"body":{{{part.body}}},"chains":[],"commit":{{{part.commit}{session.middle}{id}{after_id}{part.t}'
            f'{after_t}{part.type}","v":{VERSION}}}'
        )
        return Draft(
            id,
            part.type,
            part.t,
            info.person if info else SYSTEM.id,
            entry.encode(),
            session.chains,
            blobs,
            part.index,
            info.request if info else None,
            info.grant if info else None,
            session.id,
            info.target if info else None,
            part.statement,
        )
