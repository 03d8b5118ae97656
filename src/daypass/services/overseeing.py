"""How it goes: this node's own works, the other nodes, the log and its witnesses, drift of logins, channels; and a test
message over a channel. For those who look after it; none of it is content.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

from daypass.domain.durations import SECOND_MS
from daypass.domain.errors import NotFound, Refused
from daypass.domain.events import Event
from daypass.domain.people import Person
from daypass.domain.roles import Verb
from daypass.notify.interface import Channel, Message, NotSent, Recipient
from daypass.services.nodes import LEASE_MS
from daypass.services.office import Office, acting
from daypass.store.interface import NodeSeen, Page, Token

DRIFT = ("credential.drift", "credential.changed")
DRIFT_MAX = 50
"""The newest findings that are told; the log has all."""
PART = 1000
LAG_WORTH_TELLING_MS = 5 * SECOND_MS
"""The store is usually within a fifth of a second of the journal."""


@dataclass(frozen=True, slots=True)
class Told:
    """How one channel is doing on this node. `problem`: why its last message did not go (empty: it went)."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Works:
    """What only a running node knows of itself. `behind` facts are in its journal and not in the store; the oldest of
    them is, or that of the last batch was, `lag_ms` old. `published` entries are covered by the checkpoint; `elsewhere`
    says who publishes instead. `witnesses` with why each does not cosign (empty: it does)."""

    behind: int = 0
    lag_ms: int = 0
    published: int = 0
    elsewhere: str = ""
    quorum: int = 0
    witnesses: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, Told] = field(default_factory=dict)


class Watched(Interface):
    """This node, as services see it."""

    def works(self) -> Works:
        """How it is now."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A login at a target that is not as our grants say. `index`: its entry's place in the log."""

    index: int
    t: int
    type: str
    target: str
    kind: str
    user: str


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it. `entries`: how many the store has numbered; `remarks`: what is wrong, each with what to do."""

    works: Works
    nodes: tuple[NodeSeen, ...]
    entries: int
    drift: tuple[Drift, ...]
    remarks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test message; `problem` is empty where the receiver took it."""

    id: str
    channel: str
    to: str
    problem: str


class Overseeing:
    """Reads, and tests channels."""

    def __init__(self, office: Office, watched: Watched, channels: Mapping[str, Channel]) -> None:
        self._office = office
        self._watched = watched
        self._channels = channels

    async def overview(self, by: Person) -> Overview:
        """How it goes."""
        self._check(by, Verb.SURVEY, "how it goes is for security, auditors and operators to see")
        works, nodes = self._watched.works(), tuple(await self._office.store.nodes())
        async with self._office.reading() as tx:
            entries = await tx.placed()
            drift: deque[Drift] = deque(maxlen=DRIFT_MAX)
            since = 0
            while found := await tx.entries(types=DRIFT, since=since, limit=PART):
                drift.extend(_drift(one.index, one.t, one.type, one.entry) for one in found)
                since = found[-1].index + 1
        return Overview(works, nodes, entries, tuple(reversed(drift)), tuple(_remarks(works, nodes)))

    async def live_tokens(self, by: Person, page: Page) -> Sequence[Token]:
        """Everybody's live tokens, newest first."""
        self._check(by, Verb.SEE_TOKENS, "everybody's tokens are for security and auditors to see")
        async with self._office.reading() as tx:
            return await tx.live_tokens(live_at=self._office.now(), page=page)

    async def test(self, by: Person, name: str) -> Tested:
        """Send a test over a channel: to who asks for it, or into its room. It is on record that it was."""
        self._check(by, Verb.RETRY, "channels are tested by security and operators")
        outlet = next((one for one in self._office.channels if one.name == name), None)
        channel = self._channels.get(name)
        if outlet is None or channel is None:
            known = ", ".join(one.name for one in self._office.channels) or "none: nothing is set under notify"
            raise NotFound(f"there is no channel {name}", hint=f"channels are {known}")
        now = self._office.now()
        message = Message(
            id=self._office.new_id(),
            kind="test",
            at=now,
            subject="A test",
            title="A test from Daypass: this channel works",
            to=Recipient() if outlet.shared else Recipient(by.email, by.name),
            facts=(("Channel", name), ("Asked for by", by.name)),
            data={"channel": name},
        )
        problem = ""
        try:
            await channel.send(message, {})
        except NotSent as failed:
            problem = failed.why
        body = {"channel": name, "state": "FAILED" if problem else "SENT"}
        async with self._office.change() as change:
            await change.record(Event("channel.tested", now, acting(by), body=body))
        return Tested(message.id, name, message.to.email, problem)

    def _check(self, by: Person, verb: Verb, otherwise: str) -> None:
        if not self._office.may(by, verb):
            raise Refused(otherwise, hint="ask security")


def _drift(index: int, t: int, type: str, entry: str | bytes) -> Drift:
    told = json.loads(entry)
    body = told.get("body", {})
    return Drift(
        index, t, type, told.get("target", {}).get("name", ""), str(body.get("kind", "")), str(body.get("user", ""))
    )


def _remarks(works: Works, nodes: Sequence[NodeSeen]) -> list[tuple[str, str]]:
    """What is wrong, and what to do."""
    found = []
    for node in nodes:
        if node.silent_ms > LEASE_MS:
            found.append(
                (
                    f"node {node.name} has said nothing for {node.silent_ms // SECOND_MS} s",
                    "start it again, or forget it if it was taken away: its sessions were ended",
                )
            )
    if works.lag_ms > LAG_WORTH_TELLING_MS:
        found.append(
            ("the journal is far ahead of the store", "see whether the store is slow or away: its disk, locks")
        )
    for name, why in works.witnesses.items():
        if why:
            found.append((f"witness {name} does not cosign: {why}", "ask who runs it; docs/ledger.md, Witnesses"))
    for name, told in works.channels.items():
        if told.problem:
            found.append((f"channel {name} does not take messages: {told.problem}", "test it below; docs/telling.md"))
    return found
