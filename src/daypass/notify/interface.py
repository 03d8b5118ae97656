"""What a channel is told to say, and what it answers. Channels render and carry; they decide neither whom nor what.

A message is plain words in named places: each channel writes them in its own way and escapes them as it must.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol as Interface

SEND_SECONDS_MAX = 20.0
"""One message, the connection included; a lease lasts three times as long."""
RETRY_AFTER_SECONDS_MAX = 3600.0
"""A receiver that asks for a longer pause is asked again after this."""


class NotSent(Exception):
    """A message did not arrive, as far as we know. One line says why, without content or secret.

    `final`: trying again is of no use. `after_seconds`: the receiver wants to be left alone for so long.
    """

    def __init__(self, why: str, *, final: bool = False, after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.final = final
        self.after_seconds = None if after_seconds is None else min(max(after_seconds, 0.0), RETRY_AFTER_SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told; without an address: whoever reads the channel."""

    email: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be decided right there: on this request, for exactly this content digest."""

    request: str
    digest: str


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the notice's: the same in every attempt. `subject` is the thread's and stays, `title` tells the news;
    `facts` are labels and texts in order; `commands` what to type; `link` where the web app shows it
    (may be empty). `quiet`: it only changes what was said before.
    `data` is the same for programs: ids, words and numbers."""

    id: str
    kind: str
    at: int
    subject: str
    title: str
    to: Recipient = Recipient()
    thread: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()
    link: str = ""
    choices: Choices | None = None
    quiet: bool = False
    urgent: bool = False
    data: Mapping[str, object] = field(default_factory=dict)


Receipt = Mapping[str, str]
"""What a channel calls a message that it took; with it a later one of its thread finds it again."""


class Channel(Interface):
    """One way to tell people."""

    async def send(self, message: Message, former: Receipt) -> Receipt:
        """Return once the receiver took it. `former` is of the newest message of its thread (empty: there is none).
        Raises NotSent."""

    async def check(self) -> str:
        """See that the receiver is there and knows us, without telling anybody anything; what it is, in a line.
        Raises NotSent."""

    async def close(self) -> None: ...
