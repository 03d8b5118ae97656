"""The timeline of a grant's end: each step with its milliseconds, and what was seen of each session.

A step stands when it was through first: a later attempt takes again only what none before it was through with. It is
kept on the grant as plain JSON, and goes into the ending's event: numbers and ids into the body; what a target said,
which may quote what people wrote, into the secret part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daypass.credentials.interface import Withdrawal
from daypass.domain.grant import Grant
from daypass.services.closing import told_end
from daypass.services.interface import SessionEnd
from daypass.services.lending import withdrawal_body
from daypass.services.outliving import Elsewhere

SESSIONS_MAX = 50
"""Sessions told of one by one in an event, which has 32 KiB; of more, those that are not confirmed come first."""


STEPS = (
    "refused_new",
    "stopped_forwarding",
    "work_stopped",
    "client_told",
    "closed",
    "work_gone",
    "cut",
    "withdrawn",
    "recorded",
    "read_back",
)
"""The steps of an end, in their order; entries sort their keys, so that the order is told beside the times."""


@dataclass(slots=True)
class Timeline:
    """One attempt at an end, knowing the earlier ones. `doubtful` are the sessions that they could not confirm; `steps`
    says when each step was through, theirs too."""

    began_at: int
    attempts: int
    doubtful: list[str]
    retry_at: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    ends: list[SessionEnd] = field(default_factory=list)
    unshipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    withdrawal: Withdrawal | None = None
    elsewhere: Elsewhere | None = None

    @classmethod
    def of(cls, grant: Grant, now: int) -> Timeline:
        """Begin an attempt on this grant."""
        earlier: Mapping[str, Any] = grant.ending or {}
        began_at = int(earlier.get("began_at") or grant.ending_at or now)
        return cls(
            began_at=began_at,
            attempts=int(earlier.get("attempts", 0)),
            doubtful=list(earlier.get("doubtful", ())),
            retry_at=int(earlier.get("retry_at") or 0),
            steps={name: began_at + ms for name, ms in earlier.get("steps", {}).items()},
        )

    def took(self, step: str, now: int) -> None:
        """A step is done, unless it was before."""
        self.steps.setdefault(step, now)

    @property
    def in_order(self) -> dict[str, int]:
        """Every step with its milliseconds since the end began, those of sessions when the last of them was through."""
        times = dict(self.steps)
        for end in self.ends:
            if end.began_at:
                for step, ms in end.steps.items():
                    name = "work_gone" if step == "read_back" else step
                    times[name] = max(times.get(name, 0), end.began_at + round(ms))
        own = {name: at - self.began_at for name, at in times.items()}
        return dict(sorted(own.items(), key=lambda step: (_place(step[0]), step[1])))

    def add(self, ends: Sequence[SessionEnd], unshipped: Sequence[str]) -> None:
        """What came of the sessions. The end began with the first of theirs, if a node's timer was before the store."""
        self.began_at = min([self.began_at, *(end.began_at for end in ends if end.began_at)])
        self.ends.extend(ends)
        self.unshipped.extend(unshipped)

    @property
    def unconfirmed(self) -> list[str]:
        """The sessions of which something may be left."""
        seen = {end.session for end in self.ends if end.confirmed}
        doubtful = [end.session for end in self.ends if not end.confirmed]
        return list(dict.fromkeys([*doubtful, *self.unshipped, *(id for id in self.doubtful if id not in seen)]))

    @property
    def first(self) -> list[SessionEnd]:
        """The ends that are told one by one."""
        return sorted(self.ends, key=lambda end: end.confirmed)[:SESSIONS_MAX]

    @property
    def confirmed(self) -> bool:
        """Whether it was shown that nothing is left."""
        return not self.unconfirmed and not self._wrong

    @property
    def _wrong(self) -> list[str]:
        """What stands in the way, but for what is known of single sessions."""
        withdrawn = self.withdrawal
        return [*self.problems, withdrawn.problem] if withdrawn and withdrawn.problem else self.problems

    def plain(self, now: int, *, retry_at: int | None) -> dict[str, object]:
        """As the grant keeps it."""
        kept: dict[str, object] = {
            "began_at": self.began_at,
            "attempts": self.attempts + 1,
            "ms": now - self.began_at,
            "steps": self.in_order,
            "sessions": [{**told_end(end), "problem": end.problem} for end in self.first],
            "doubtful": self.unconfirmed,
            "problems": list(self._wrong),
        }
        if self.withdrawal is not None:
            done = self.withdrawal
            kept["credential"] = {
                "steps": dict(done.steps),
                "seen": dict(done.evidence),
                "left": list(done.left),
                "problem": done.problem,
            }
        if self.elsewhere is not None:
            kept["elsewhere"] = self.elsewhere.plain()
        if retry_at is not None:
            kept["retry_at"] = retry_at
        return kept

    def body(self, now: int) -> dict[str, Any]:
        """As the event tells it: integers and strings only."""
        return {
            "ms": now - self.began_at,
            "attempt": self.attempts + 1,
            "steps_ms": self.in_order,
            "steps": list(self.in_order),
            "sessions": [told_end(end) for end in self.first],
            "session_count": len(self.ends),
            "unconfirmed": self.unconfirmed[:SESSIONS_MAX],
            "unshipped": self.unshipped[:SESSIONS_MAX],
            **({"credential": withdrawal_body(self.withdrawal)} if self.withdrawal is not None else {}),
            **({"elsewhere": self.elsewhere.body()} if self.elsewhere is not None else {}),
        }

    def secret(self) -> dict[str, str]:
        """What targets said, one text each."""
        told = [f"{end.session}: {end.problem}" for end in self.first if end.problem]
        left = "\n".join(self.withdrawal.left) if self.withdrawal is not None else ""
        around = "\n".join(self.elsewhere.around) if self.elsewhere is not None else ""
        return {"problem": "\n".join([*self._wrong, *told]), "left": left, "elsewhere": around}


def _place(step: str) -> int:
    return STEPS.index(step) if step in STEPS else len(STEPS)
