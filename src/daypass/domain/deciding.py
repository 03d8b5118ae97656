"""Who may do what to a request, and what comes of it: pure functions from a request to the next one.

The rules that hold in every one of them: the requester, and the person that an agent acts for, never decide; one
person has one vote however many groups they are in; only people who were eligible when the request was made, and
still are, count; a vote is for one exact content digest; approval may shorten what was asked and never lengthen it;
a request whose decide-by time has passed is decided by nobody, whether or not a clock has come by to say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from daypass.domain import matching
from daypass.domain.crowd import Crowd, as_crowd
from daypass.domain.durations import SECOND_MS, duration_text
from daypass.domain.errors import Conflict, Invalid, Refused
from daypass.domain.people import Person, selected
from daypass.domain.request import (
    MESSAGES_MAX,
    OPEN,
    REASON_CHARS_MAX,
    TICKET_CHARS_MAX,
    VOTES_MAX,
    Message,
    Request,
    RequestAction,
    RequestState,
    Stage,
    Vote,
    sealed,
    step,
)
from daypass.domain.scope import Scope, common, spoken_scope, within

DURATION_MS_MIN = SECOND_MS
"""Shorter access is none."""

NUL = "\0"
"""What no text holds: PostgreSQL keeps none of it, and whoever reads it sees nothing."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What the requester changes of a request; None: stays. Who asks, for which target and role cannot be changed:
    that is another request, as it is decided by other rules."""

    reason: str | None = None
    ticket: str | None = None
    duration_ms: int | None = None


def involved(request: Request) -> frozenset[str]:
    """Who may never decide on it: the requester under any account, their agents, and whom an agent asked for."""
    asking = {request.requester, request.on_behalf_of or request.requester, request.asked_by or request.requester}
    return frozenset({*asking, *request.route.excluded})


def may_decide(request: Request, person: Person) -> bool:
    """Whether this person's vote would count now."""
    return (
        not person.disabled
        and person.id not in involved(request)
        and any(_in_stage(stage, person) for stage in request.stages)
    )


def _in_stage(stage: Stage, person: Person) -> bool:
    """Eligible when the request was made, and still among those whom the stage names."""
    return person.id in stage.eligible and selected(person, stage.of)


def standing(request: Request) -> tuple[Vote, ...]:
    """The votes that count: for the present digest, and of each person the last one."""
    last = {vote.person: vote for vote in request.votes if vote.digest == request.digest}
    return tuple(last.values())


def _live_stages(request: Request, people: Mapping[str, Person]) -> tuple[Stage, ...]:
    """The stages with only those left in them who may still decide."""
    return tuple(
        replace(
            stage,
            eligible=tuple(
                id
                for id in stage.eligible
                if id in people and may_decide(request, people[id]) and _in_stage(stage, people[id])
            ),
        )
        for stage in request.stages
    )


def enough(request: Request, people: Mapping[str, Person]) -> bool:
    """Whether distinct people who may still decide have approved exactly this, in every stage."""
    approvers = {vote.person for vote in standing(request) if vote.approve}
    return matching.satisfied(_live_stages(request, people), approvers)


def still_needed(request: Request, people: Mapping[str, Person]) -> tuple[int, ...]:
    """For each stage, how many people are still missing."""
    approvers = {vote.person for vote in standing(request) if vote.approve}
    return matching.missing(_live_stages(request, people), approvers)


def granted_ms(request: Request) -> int:
    """How long the access will last: what was asked, or the shortest that an approver narrowed it to."""
    narrowed = [vote.narrowed_ms for vote in standing(request) if vote.approve and vote.narrowed_ms is not None]
    return min([request.duration_ms, *narrowed])


def granted_until(request: Request) -> int | None:
    """Until when its project goes on: as asked, or the earliest that an approver narrowed it to. None: it is none."""
    narrowed = [vote.narrowed_until for vote in standing(request) if vote.approve and vote.narrowed_until is not None]
    return min([request.until, *narrowed]) if request.until is not None else None


def granted_scope(request: Request) -> Scope:
    """What the access will be limited to: what was asked for, and within it what every approver narrowed it to. Raise
    `Refused` if nothing would be left."""
    narrowed = [vote.narrowed_scope for vote in standing(request) if vote.approve]
    found = common([request.items[0].scope, *narrowed])
    if found is None:
        raise Refused(
            "what you limit it to and what others did have nothing in common: nobody would get anything",
            hint="deny it instead, or agree on a scope",
        )
    return found


def approve(request: Request, vote: Vote, by: Person, people: Mapping[str, Person]) -> Request:
    """The request after an approval; APPROVED if it was the last one needed. `people` are all there are, by id.

    Raise `Refused` for who may not decide, `Conflict` for a decided request, a second approval, or a vote on another
    digest than the request has now.
    """
    _check_vote(request, vote, by)
    if not vote.approve:
        raise Invalid("an approval was expected, this is a denial")
    if any(earlier.person == by.id and earlier.approve for earlier in standing(request)):
        raise Conflict("you have approved exactly this already; one person has one vote")
    if vote.narrowed_ms is not None:
        _check_narrowing(request, vote.narrowed_ms)
    if vote.narrowed_until is not None:
        _check_until(request, vote)
    if vote.narrowed_role is not None and request.extends is not None:
        raise Invalid("more time is for the role that the grant has; deny it instead")
    if vote.narrowed_scope:
        _check_scope(request, vote.narrowed_scope)
    voted = replace(request, votes=(*request.votes, vote))
    granted_scope(voted)
    if not enough(voted, people):
        return step(voted, RequestAction.VOTE)
    names = len({one.person for one in standing(voted) if one.approve})
    because = f"approved by {names} {'person' if names == 1 else 'people'} as rule {request.rule!r} asks"
    return replace(step(voted, RequestAction.APPROVE), decided_at=vote.at, decided_because=because)


def deny(request: Request, vote: Vote, by: Person, people: Mapping[str, Person] | None = None) -> Request:
    """The request after a denial. It is DENIED if the route's number of denials is reached (one, mostly), or if those
    who are left can no longer fill every stage. Raises as `approve` does."""
    _check_vote(request, vote, by)
    if vote.approve:
        raise Invalid("a denial was expected, this is an approval")
    written(vote.note, "note", needed=True)
    if any(earlier.person == by.id and not earlier.approve for earlier in standing(request)):
        raise Conflict("you have denied exactly this already; one person has one vote")
    voted = replace(request, votes=(*request.votes, vote))
    everybody = people if people is not None else {by.id: by}
    deniers = {
        one.person
        for one in standing(voted)
        if not one.approve and one.person in everybody and may_decide(voted, everybody[one.person])
    }
    if len(deniers) < request.route.deny and (people is None or _can_still(voted, people, deniers)):
        return step(voted, RequestAction.VOTE)
    names = "a decider" if len(deniers) == 1 else f"{len(deniers)} deciders"
    return replace(step(voted, RequestAction.DENY), decided_at=vote.at, decided_because=f"denied by {names}")


def _can_still(request: Request, people: Mapping[str, Person], deniers: Collection[str]) -> bool:
    """Whether those who have not denied could still fill every place."""
    stages = _live_stages(request, people)
    return matching.satisfied(stages, {id for stage in stages for id in stage.eligible} - set(deniers))


def can_be_decided(request: Request, people: Mapping[str, Person]) -> bool:
    """Whether those who may still decide could fill every stage, or further people come when it is escalated."""
    route = request.route
    return (route.escalate_at is not None and route.escalated_at is None) or _can_still(request, people, ())


def fail(request: Request, because: str, now: int) -> Request:
    """The request when what it needs is gone: DENIED, by nobody's vote."""
    return replace(step(request, RequestAction.DENY), decided_at=now, decided_because=because)


def _check_vote(request: Request, vote: Vote, by: Person) -> None:
    if vote.person != by.id:
        raise Invalid("a vote is cast by its own person")
    check_decider(request, by, vote.at)
    if vote.digest != request.digest:
        raise Conflict(
            "the request has changed since you looked at it; nothing was decided", hint=f"daypass show {request.id}"
        )
    if len(request.votes) >= VOTES_MAX:
        raise Conflict(f"this request has {VOTES_MAX} votes already; it takes no more")
    written(vote.note, "note")
    if request.route.step_up and not vote.passkey:
        raise Refused(
            f"rule {request.rule!r} takes votes signed by a passkey only", hint=f"in the browser: /inbox/{request.id}"
        )
    if request.route.signed and not vote.signed:
        raise Refused(
            f"rule {request.rule!r} takes signed votes only", hint=f"daypass approve {request.id} --sign (or: deny)"
        )


def _check_narrowing(request: Request, narrowed_ms: int) -> None:
    if narrowed_ms < DURATION_MS_MIN:
        raise Invalid("access lasts at least a second", hint="--for 15m")
    if narrowed_ms > request.duration_ms:
        asked = duration_text(request.duration_ms)
        raise Refused(f"an approver may shorten the time and never lengthen it; {asked} was asked for")


def _check_scope(request: Request, scope: Scope) -> None:
    if request.extends is not None:
        raise Invalid("more time is for the scope that the grant has; deny it instead")
    asked = request.items[0].scope
    if not within(scope, asked):
        raise Refused(f"an approver may narrow the scope and never widen it; it was asked {spoken_scope(asked)}")


def _check_until(request: Request, vote: Vote) -> None:
    if request.until is None or vote.narrowed_until is None:
        raise Invalid("this is no project: there is nothing to end earlier")
    if not max(vote.at, request.start_at or 0) < vote.narrowed_until <= request.until:
        raise Refused("an approver may have a project end earlier, and never later or before it begins")


def check_decider(request: Request, by: Person, now: int) -> None:
    """Raise unless this person may decide on this request now."""
    check_open(request, now)
    if by.id in involved(request):
        raise Refused("nobody decides on their own request", hint=f"daypass show {request.id} says who can")
    if not may_decide(request, by):
        raise Refused("you are not among those who decide on this request", hint=f"daypass show {request.id}")


def check_open(request: Request, now: int) -> None:
    """Raise `Conflict` unless the request still waits for its decision."""
    if request.state not in OPEN:
        raise Conflict(f"request {request.id} is {request.state} already", hint=f"daypass show {request.id}")
    if now >= request.decide_by:
        raise Conflict(f"request {request.id} was not decided in time", hint="ask again: daypass request --help")


def ask(request: Request, by: Person, question: str, now: int) -> Request:
    """The request after a decider's question."""
    check_decider(request, by, now)
    return _say(step(request, RequestAction.ASK), by, written(question, "question", needed=True), now)


def answer(request: Request, by: Person, text: str, changes: Changes, now: int) -> Request:
    """The request after the requester's answer, which may change what is asked."""
    _check_own(request, by, now)
    if request.state is not RequestState.NEEDS_INFO:
        raise Conflict("nobody has asked anything")
    said = _say(step(request, RequestAction.ANSWER), by, written(text, "answer", needed=True), now)
    return _changed(said, changes)


def edit(request: Request, by: Person, changes: Changes, now: int) -> Request:
    """The request after its requester changed it: every vote on the earlier content is void from here on."""
    _check_own(request, by, now)
    changed = _changed(step(request, RequestAction.EDIT), changes)
    if changed.digest == request.digest:
        raise Invalid("nothing would change")
    return changed


def is_to_escalate(request: Request, now: int) -> bool:
    """Whether it has waited for its time to escalate, and has not been escalated."""
    route = request.route
    return route.escalate_at is not None and route.escalated_at is None and now >= route.escalate_at


def escalate(request: Request, people: Sequence[Person] | Crowd, now: int) -> Request:
    """The request after its time to escalate: those named for it may decide in every stage from here on."""
    route = request.route
    if not is_to_escalate(request, now):
        raise Conflict(f"request {request.id} is not to be escalated now")
    further = as_crowd(people).eligible(route.escalate_to, request.requester, request.on_behalf_of)
    further = tuple(id for id in further if id not in involved(request))
    stages = tuple(
        Stage(
            stage.need,
            tuple(dict.fromkeys((*stage.of, *route.escalate_to))),
            tuple(dict.fromkeys((*stage.eligible, *further))),
        )
        for stage in request.stages
    )
    escalated = step(request, RequestAction.ESCALATE)
    return replace(escalated, stages=stages, route=replace(route, escalated_at=now))


def withdraw(request: Request, by: Person, now: int) -> Request:
    """The request taken back by its requester, or by who asked in their place."""
    if by.id != request.asked_by or by.disabled:
        _check_own(request, by, now)
    check_open(request, now)
    taken = step(request, RequestAction.WITHDRAW)
    return replace(taken, decided_at=now, decided_because="withdrawn by the requester")


def expire(request: Request, now: int) -> Request:
    """The request after its decide-by time: EXPIRED, never anything better."""
    if now < request.decide_by:
        raise Conflict(f"request {request.id} can still be decided")
    return replace(step(request, RequestAction.EXPIRE), decided_at=now, decided_because="nobody decided in time")


def _check_own(request: Request, by: Person, now: int) -> None:
    if by.id != request.requester or by.disabled:
        raise Refused("only the person who asked may do this")
    check_open(request, now)


def _say(request: Request, by: Person, text: str, now: int) -> Request:
    if len(request.messages) >= MESSAGES_MAX:
        raise Conflict(f"a request carries at most {MESSAGES_MAX} messages")
    return replace(request, messages=(*request.messages, Message(by.id, now, text)))


def _changed(request: Request, changes: Changes) -> Request:
    reason = request.reason if changes.reason is None else written(changes.reason, "reason", needed=True)
    ticket = request.ticket if changes.ticket is None else written(changes.ticket, "ticket", most=TICKET_CHARS_MAX)
    duration_ms = request.duration_ms if changes.duration_ms is None else changes.duration_ms
    if (reason, ticket, duration_ms) == (request.reason, request.ticket, request.duration_ms):
        return request
    # A new salt, so that no way back through edits brings a void vote to life again.
    salt = hashlib.sha256(bytes.fromhex(request.digest_salt)).hexdigest()
    return sealed(replace(request, reason=reason, ticket=ticket, duration_ms=duration_ms, digest_salt=salt))


def written(text: str, what: str, *, needed: bool = False, most: int = REASON_CHARS_MAX) -> str:
    """What a person wrote, trimmed. Raise `Invalid` if it is missing, longer than anyone reads, or no text."""
    text = text.strip()
    if NUL in text:
        raise Invalid(f"a {what} holds no NUL character (U+0000)")
    if needed and not text:
        raise Invalid(f"a {what} is needed", hint="say it in a sentence")
    if len(text) > most:
        raise Invalid(f"a {what} has at most {most} characters, this one has {len(text)}")
    return text
