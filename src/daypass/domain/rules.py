"""What a policy file says, as values: which targets, which ceilings, which denials, which rules, which cases.

Values only; `policy.py` asks them, `policy_file.py` makes them of text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from daypass.domain.conditions import Condition
from daypass.domain.durations import DAY_MS
from daypass.domain.hours import Hours
from daypass.domain.people import GROUP, Person
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.target import Target

UNDECIDED_AFTER_MS = DAY_MS
"""How long a request waits when its rule does not say."""

ACTIVATE_WITHIN_MS = DAY_MS
"""How long an approved grant waits for its first use when its policy does not say."""

SAMPLE_ALL = 100
"""Per cent: everything is signed off unless a rule says less."""


@dataclass(frozen=True, slots=True)
class Covers:
    """Which targets a policy is about: those named, or those that carry all these labels."""

    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def includes(self, target: Target) -> bool:
        if target.name in self.targets:
            return True
        return bool(self.labels) and all(target.labels.get(key) == value for key, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class ExtendLimit:
    """How often, and each time by at most how much, a grant may be extended. `automatic`: without a vote, also where
    people decided on the grant."""

    times: int
    by_ms: int
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings over every rule of the policy."""

    longest_ms: int | None = None
    activate_within_ms: int = ACTIVATE_WITHIN_MS
    extend: ExtendLimit | None = None
    idle_ms: int | None = None
    """How long a session's client may say nothing while nothing of it is at work."""
    project_ms: int | None = None
    """How long a project may go on, with a grant for each day; None: there are no projects."""


@dataclass(frozen=True, slots=True)
class StageRule:
    """`need` people out of those whom `of` names (`group:NAME` or addresses)."""

    need: int
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Escalate:
    """Who may decide as well, in every stage, once a request has waited for so long."""

    after_ms: int
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decide:
    """How a rule decides: by itself (no stages), or by people. `deny`: how many denials deny. `hours`: when those who
    decide are there; the times to decide and to escalate run only then. `signed`: votes have to be signed;
    `step_up`: with what, shown at that moment: `passkey`, or nothing."""

    stages: tuple[StageRule, ...] = ()
    undecided_after_ms: int = UNDECIDED_AFTER_MS
    deny: int = 1
    escalate: Escalate | None = None
    hours: Hours | None = None
    signed: bool = False
    step_up: str = ""

    @property
    def automatic(self) -> bool:
        return not self.stages

    def until(self, now: int, ms: int) -> int:
        """The instant at which deciding has taken `ms` since `now`."""
        return self.hours.after(now, ms) if self.hours is not None else now + ms


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Access without a decision: how long at most, and who is told at once."""

    longest_ms: int
    tell: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """Something owed: by whom, within what time after the end; `otherwise` is what follows if it is not done.
    `sample`: of how many in a hundred it is owed; `of`: for the whole `grant`, or for each `session` of it;
    `escalate`: who is told, and may do it as well, once it is overdue."""

    by: tuple[str, ...]
    within_ms: int
    otherwise: str = ""
    sample: int = SAMPLE_ALL
    of: str = "grant"
    escalate: tuple[str, ...] = ()

    def plain(self) -> dict[str, object]:
        """As JSON; what is as usual is left out."""
        found: dict[str, object] = {"by": list(self.by), "within_ms": self.within_ms, "otherwise": self.otherwise}
        if self.sample != SAMPLE_ALL:
            found["sample"] = self.sample
        if self.of != "grant":
            found["of"] = self.of
        if self.escalate:
            found["escalate"] = list(self.escalate)
        return found


@dataclass(frozen=True, slots=True)
class Owes:
    """What is owed after access under a rule."""

    sign_off: Duty | None = None
    ratify: Duty | None = None

    def plain(self) -> dict[str, object]:
        """As JSON: how it is carried on requests and grants."""
        duties = {"sign_off": self.sign_off, "ratify": self.ratify}
        return {name: duty.plain() for name, duty in duties.items() if duty is not None}


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to access. Exactly one of `decide` and `break_glass` is there. `hours`: when the rule holds at all;
    `tell`: who is told of what is asked under it; `ends_with_ticket`: a closed ticket ends what it gave."""

    name: str
    who: tuple[str, ...]
    roles: tuple[str, ...]
    when: Condition | None = None
    decide: Decide | None = None
    break_glass: BreakGlass | None = None
    owes: Owes = Owes()
    hours: Hours | None = None
    tell: tuple[str, ...] = ()
    ends_with_ticket: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Denial:
    """What is never given, whatever a rule says. Empty `who` or `roles`: all of them."""

    name: str
    who: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    when: Condition | None = None
    hours: Hours | None = None
    because: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Needs:
    """An expectation: so many people have to approve, and this one never can."""

    needs: int
    never: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """A case that the policy's author wrote down. `then` is `automatic`, `refused`, `break_glass`, or a `Needs`; `at`
    an instant; `ticket_facts` (as `ticket`), `history` and `on_call` what conditions are to find."""

    place: str
    by: str
    target: str
    role: str
    for_ms: int
    then: str | Needs
    ticket: str = ""
    reason: str = ""
    at: int | None = None
    ticket_facts: Mapping[str, object] | None = None
    history: Mapping[str, object] | None = None
    on_call: Mapping[str, tuple[str, ...]] | None = None
    scope: Scope = WHOLE


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy file. `digest` is the SHA-256 of its text, in hex; `file` how complaints name it, `lines` where its
    parts stand in it, by their path; `conditions` are all that its rules and denials have."""

    name: str
    digest: str
    file: str
    covers: Covers
    limits: Limits
    rules: tuple[Rule, ...]
    expect: tuple[Expectation, ...] = ()
    denials: tuple[Denial, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)
    conditions: tuple[Condition, ...] = field(init=False, compare=False, repr=False)
    _by_name: Mapping[str, tuple[int, ...]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[int]] = {}
        for index, rule in enumerate(self.rules):
            for name in dict.fromkeys(rule.who):
                by_name.setdefault(name, []).append(index)
        whens = [*(one.when for one in self.rules), *(one.when for one in self.denials)]
        # The same text over and over is one condition.
        object.__setattr__(self, "conditions", tuple({when.source: when for when in whens if when}.values()))
        object.__setattr__(self, "_by_name", {name: tuple(found) for name, found in by_name.items()})

    def rules_for(self, person: Person) -> Iterator[Rule]:
        """The rules whose `who` names this person, in order. It costs what they are, not what the file is long."""
        if person.disabled:
            return
        found: set[int] = set(self._by_name.get(person.email, ()))
        for group in person.groups:
            found.update(self._by_name.get(f"{GROUP}{group}", ()))
        for index in sorted(found):
            yield self.rules[index]

    def place(self, path: str) -> str:
        """`file:line: path`, for a complaint."""
        return f"{self.file}:{self.lines.get(path, 1)}: {path}"
