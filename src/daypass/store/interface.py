"""What the other rooms may ask of a store. Only `services` opens transactions (and app.py at start-up).

A state change and the events that tell of it go into one `Transaction`: it commits when the `async with` body ends
and rolls back when that raises. Rows that are read to be changed are locked until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol as Interface

from daypass.domain.events import Blob, ChainHead, Draft, IndexRow, Sequenced, Unsequenced
from daypass.domain.finding import Sought
from daypass.domain.grant import Grant, GrantState
from daypass.domain.obligation import Obligation, ObligationState
from daypass.domain.people import Person
from daypass.domain.request import Request, RequestState
from daypass.domain.session import Session, SessionState
from daypass.domain.standing import EnrolledKey, Favourite, Proposal, SealedCode
from daypass.store.counting import Counting
from daypass.store.directory import DirectoryStore
from daypass.store.due import Dues
from daypass.store.erasing import Erasing
from daypass.store.locking import Locking, Page
from daypass.store.notices import Notices
from daypass.store.snippets import Snippets
from daypass.store.visiting import Token as Token
from daypass.store.visiting import Visiting

__all__ = ["ChainHead", "Page", "Sequenced", "Unsequenced"]
"""What is taken from elsewhere and is found here as well."""


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node of a store, and how long ago it last said that it lives, by the store's clock."""

    name: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry in its place in the log. `leaf` is the RFC 6962 leaf hash of `entry`, in hex."""

    index: int
    id: str
    type: str
    t: int
    leaf: str
    entry: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """A session that `node` carries and another node wants ended, with what its client is told.

    `seen` is what came of it (a `SessionEnd`, as JSON), put there by its node.
    """

    session: str
    node: str
    reason: str
    message: str
    hint: str
    wanted_at: int
    seen: Mapping[str, object] | None = None


class Transaction(Locking, Visiting, Snippets, Notices, Erasing, Counting, Dues, DirectoryStore, Interface):
    """Everything inside one commit. `..._for_change` locks the row; `save_...` inserts or replaces it."""

    async def unhurried(self) -> None:
        """What follows may take its time between two statements: this is no transaction that others wait for."""

    async def person(self, id: str) -> Person | None: ...
    async def person_by_email(self, email: str) -> Person | None: ...
    async def people(self) -> Sequence[Person]: ...
    async def people_revision(self) -> str: ...
    async def save_person(self, person: Person) -> None: ...

    async def tokens_of(self, person: str, *, live_at: int) -> Sequence[Token]: ...
    async def live_tokens(self, *, live_at: int, page: Page) -> Sequence[Token]:
        """Everybody's, newest first."""

    async def token(self, id: str) -> Token | None: ...
    async def token_by_sha256(self, sha256: bytes) -> Token | None: ...
    async def save_token(self, token: Token) -> None: ...
    async def note_use(self, token: str, at: int, client: str) -> None:
        """Note when and where a token was used last, and nothing else of it: it may be revoked at the same time."""

    async def request(self, id: str) -> Request | None: ...
    async def request_for_change(self, id: str) -> Request | None: ...
    async def requests(
        self,
        *,
        requester: str | None = None,
        eligible: str | None = None,
        ids: Sequence[str] | None = None,
        around: str | None = None,
        states: Sequence[RequestState] = (),
        decide_by_until: int | None = None,
        escalate_until: int | None = None,
        bundle: str | None = None,
        access: tuple[str, str] | None = None,
        page: Page | None = None,
    ) -> Sequence[Request]:
        """`around`: only those that this person may have to do with: their own or in their place, those that they may
        decide, and those where a glass was broken, which somebody was bypassed in. `access`: only those for this
        role of this target (target, role). `escalate_until`: only those that should have escalated by then, and have
        not."""

    async def save_request(self, request: Request) -> None: ...

    async def proposals(self, *, state: str | None = None, page: Page | None = None) -> Sequence[Proposal]: ...
    async def proposal_for_change(self, id: str) -> Proposal | None: ...
    async def save_proposal(self, proposal: Proposal) -> None: ...
    async def favourites(self, person: str) -> Sequence[Favourite]:
        """In the order of their names."""

    async def save_favourite(self, favourite: Favourite) -> None: ...
    async def drop_favourite(self, person: str, name: str) -> bool:
        """Whether there was one."""

    async def grant(self, id: str) -> Grant | None: ...
    async def grant_for_change(self, id: str) -> Grant | None: ...
    async def grants(
        self,
        *,
        person: str | None = None,
        target: str | None = None,
        ids: Sequence[str] | None = None,
        around: str | None = None,
        states: Sequence[GrantState] = (),
        due_until: int | None = None,
        page: Page | None = None,
    ) -> Sequence[Grant]:
        """`around`: as of requests; `due_until`: only those whose `expires_at` (ACTIVE) or `activate_by` (READY,
        SCHEDULED) is not later."""

    async def grants_of_disabled(self) -> Sequence[Grant]:
        """Those that can open something although their person, or the person whose agent that is, is disabled."""

    async def save_grant(self, grant: Grant) -> None: ...

    async def session(self, id: str) -> Session | None: ...
    async def session_for_change(self, id: str) -> Session | None: ...
    async def sessions(
        self,
        *,
        person: str | None = None,
        grant: str | None = None,
        node: str | None = None,
        around: str | None = None,
        states: Sequence[SessionState] = (),
        look_until: int | None = None,
        page: Page | None = None,
    ) -> Sequence[Session]:
        """`around`: as of requests; `look_until`: only those that are to be looked at again by then."""

    async def sessions_of_revoked(self, *, before: int) -> Sequence[Session]:
        """Those that are live although their token was revoked by then."""

    async def save_session(self, session: Session) -> None: ...

    async def obligation(self, id: str) -> Obligation | None: ...
    async def obligation_for_change(self, id: str) -> Obligation | None: ...
    async def obligations(
        self,
        *,
        person: str | None = None,
        request: str | None = None,
        grant: str | None = None,
        kind: str | None = None,
        states: Sequence[ObligationState] = (),
        due_until: int | None = None,
        page: Page | None = None,
    ) -> Sequence[Obligation]:
        """`person`: whose access they are about; `due_until`: only those that are due then or earlier."""

    async def save_obligation(self, obligation: Obligation) -> None: ...

    async def keys(self, *, person: str | None = None, fingerprint: str | None = None) -> Sequence[EnrolledKey]: ...
    async def save_key(self, key: EnrolledKey) -> None: ...

    async def code_for_change(self, id: str) -> SealedCode | None: ...
    async def codes(self, *, target: str | None = None, live_at: int) -> Sequence[SealedCode]:
        """The unused codes that are good at this time."""

    async def save_code(self, code: SealedCode) -> None: ...

    async def once(self, key: str, *, now: int, until: int) -> bool:
        """Whether this is the first time that the key is named before its time ran out; forgets keys of the past."""

    async def resolve(self, kind: str, part: str) -> Sequence[str]:
        """The ids of this kind (`request`, `grant`, `session`, `obligation`, `lock`, `token`) that equal, begin or
        end with `part`, at most 5."""

    async def cuts(
        self, *, node: str | None = None, sessions: Sequence[str] = (), unseen: bool = False
    ) -> Sequence[Cut]:
        """What is to be cut, or was: of one node, of these sessions, without those that were seen to."""

    async def save_cut(self, cut: Cut) -> None: ...

    async def tell(self, news: str) -> None:
        """Tell the other nodes, once this is committed. They may miss it; a store of one node tells nobody."""

    async def setting(self, name: str) -> str | None: ...
    async def save_setting(self, name: str, value: str) -> None: ...

    async def append(self, draft: Draft) -> None:
        """Put an entry into the ledger, together with this transaction's state. The sequencer gives it its index."""

    async def entries(
        self,
        *,
        since: int = 0,
        types: Sequence[str] = (),
        request: str | None = None,
        grant: str | None = None,
        session: str | None = None,
        statements: tuple[int, int] | None = None,
        limit: int = 1000,
    ) -> Sequence[StoredEntry]:
        """Sequenced entries from index `since` on, in index order; `statements`: of these only, first and last."""

    async def placed(self) -> int:
        """How many entries have their place: the index that the next one gets."""

    async def entry(self, id: str) -> StoredEntry | None:
        """One entry. While it waits for its place, its index is -1 and its leaf empty."""

    async def newest_of(
        self, types: Sequence[str], *, request: str | None = None, session: str | None = None, actor: str | None = None
    ) -> str | None:
        """The id of the newest entry of these types about one thing, sequenced or not."""

    async def newest_statements(self, of: Sequence[str]) -> Sequence[StoredEntry]:
        """Of each of these sessions the sequenced entries of its newest statement, with its outcome."""

    async def entry_bytes(self, *, since: int, limit: int) -> Sequence[bytes]: ...
    async def leaves_and_bytes(self, *, since: int, limit: int) -> Sequence[tuple[str, bytes]]:
        """Of sequenced entries from index `since` on the leaf hash (hex) that is kept beside each, and its bytes;
        before, the bytes alone."""

    async def displace(self, first: int, known: frozenset[str]) -> int:
        """Take every entry from index `first` on out of its place (recovery alone does). It waits for another one,
        unless its id is `known` to stand in the log already. Returns how many wait."""

    async def put_back(self, first: int, entries: Sequence[bytes]) -> None:
        """Give entries, whose chains are set, the places from index `first` on."""

    async def set_log(self, size: int, heads: Mapping[str, ChainHead]) -> None:
        """Say how long the log is, and where each of its chains ends."""

    async def shipped_for_change(self, node: str) -> int:
        """The last journal number of `node` that is in the store; nothing more of it is shipped before the commit."""

    async def set_shipped(self, node: str, number: int) -> None:
        """Note that a node's journal stands in the log up to this number."""

    async def newest_t(self) -> int:
        """The time of the newest entry there is, sequenced or not (0: none)."""

    async def blobs(self, *, session: str | None = None, sha256: Sequence[str] = ()) -> Sequence[Blob]:
        """Bodies, in the order in which they were stored."""

    async def pieces(self, session: str, *, after: int = 0, limit: int = 200) -> Sequence[tuple[int, Blob]]:
        """The bodies of a session's record behind place `after`, each with its place, in order."""

    async def pieces_at(self, session: str, places: Sequence[int]) -> Sequence[tuple[int, Blob]]:
        """The same, of those at these places."""

    async def piece_beginnings(self, session: str, media: str, length: int) -> Sequence[tuple[int, bytes]]:
        """Of each such body of a session's record its place and its first so many bytes, in order."""

    async def search(self, sought: Sought, *, before: int | None = None, limit: int = 100) -> Sequence[StoredEntry]:
        """Entries that the index finds, the newest first, with an index below `before`."""

    async def reindex(self, first: int, last: int, rows: Mapping[int, IndexRow]) -> None:
        """Make the index anew for entries `first` to `last`: these rows, and nothing else."""

    async def entries_about(
        self,
        *,
        person: str | None = None,
        from_t: int = 0,
        before_t: int | None = None,
        since: int = 0,
        limit: int = 1000,
    ) -> Sequence[StoredEntry]:
        """Entries from index `since` on, in index order: those of a person and their sessions, and of a time."""

    async def unplaced(self) -> tuple[int, int]:
        """The first and last number of the drafts that have no place in the log yet (0, 0: none)."""


Sequence_ = Callable[
    [int, Sequence[Unsequenced], Mapping[str, ChainHead]], tuple[Sequence[Sequenced], Sequence[ChainHead]]
]
"""next index, drafts in commit order, heads of the chains they name -> places, and the heads that changed."""

Late = Callable[[Draft], Draft]
"""A draft of a session that is told to be over already, as an entry that says so."""


class Store(Interface):
    """SQLite or PostgreSQL, one schema."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]: ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction that changes nothing and waits for no writer."""

    async def migrate(self) -> None:
        """Bring the schema up to date."""

    async def ship(self, node: str, first: int, last: int, drafts: Sequence[Draft]) -> None:
        """Store a batch of journal drafts in one commit, blobs and index rows included, and note that `node` is
        shipped up to `last`. Raises `Conflict` unless `first` follows what was shipped before."""

    async def ship_placed(
        self,
        node: str,
        first: int,
        last: int,
        drafts: Sequence[Draft],
        number: Sequence_,
        late: Late | None = None,
    ) -> int:
        """As `ship`, and give them their places in the same commit, behind whatever waits. Returns how many entries
        got places; 0: too much waits already, so that they wait as well. Drafts of sessions that are closed in the
        store go through `late` first."""

    async def shipped(self, node: str) -> int:
        """The last journal number of `node` that is in the store (0: none)."""

    async def sequence(self, limit: int, number: Sequence_) -> int:
        """Give up to `limit` committed drafts their places, in one commit fenced against others; how many it gave."""

    shared: bool
    """Whether several nodes may use it."""

    scrubbing: bool
    """Whether others wait for a `scrub` of this process."""

    @property
    def busy(self) -> bool:
        """Whether a transaction of this process is open or waits for its turn, besides shipping and sequencing."""

    async def renew(self, node: str, home: str, lease_ms: int) -> None:
        """Note that this node lives, by the store's clock. Raises `Conflict` while another home's node of the same
        name has done so within `lease_ms`."""

    async def nodes(self) -> Sequence[NodeSeen]:
        """The nodes that this store knows, by name, with how long ago each said that it lives."""

    async def silent(self, ms: int) -> Sequence[str]:
        """The nodes that have sessions open and did not renew for so long."""

    def on_news(self, call: Callable[[str], None]) -> None:
        """Have this called with what other nodes tell (see `Transaction.tell`), and with an empty text whenever
        something may have been missed."""

    async def hold(self, role: str) -> bool:
        """Whether this node has the role that only one may have; takes it if nobody has."""

    async def held(self, role: str) -> bool:
        """Whether any node has the role; True where that cannot be known."""

    async def listen(self) -> None:
        """Begin to hear the other nodes, until `close`."""

    async def scrub(self, *, thorough: bool) -> None:
        """See to it that nothing of what was deleted is left in the store's files. `thorough` may write them anew:
        nobody else writes meanwhile. Raises `Unavailable` if it could not be done; it may be asked again."""

    def on_append(self, call: Callable[[], None]) -> None:
        """Have this called, on the event loop, after every commit that put something into the ledger."""

    async def close(self) -> None: ...
