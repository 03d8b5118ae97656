"""The words of messages: for each kind of news its one line, its facts, and what can be typed next. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daypass.domain.deciding import granted_ms, standing
from daypass.domain.durations import spoken_duration, spoken_time
from daypass.domain.grant import Grant, GrantState
from daypass.domain.obligation import RATIFY, Obligation, ObligationState
from daypass.domain.request import Item, Request, RequestState
from daypass.domain.scope import spoken_scope
from daypass.domain.wording import ask_command

Name = Callable[[str], str]
Facts = tuple[tuple[str, str], ...]

VOTES_TOLD_MAX = 20
"""Votes that a message names one by one."""
NAMES_TOLD_MAX = 10


@dataclass(frozen=True, slots=True)
class News:
    """One line, facts in their order, commands."""

    title: str
    facts: Facts = ()
    commands: tuple[str, ...] = ()


# -- requests ---------------------------------------------------------------------------------------------------


def of_request(kind: str, request: Request, name: Name, missing: str) -> News:
    """News about a request. `missing`: who is still needed, while it waits."""
    who = name(request.requester)
    what = f"{request.items[0].target}:{request.items[0].role}"
    long = spoken_duration(request.duration_ms)
    match kind:
        case "decide" | "voted" | "answer":
            return News(
                _waiting(kind, request, name, who, what, long), _asked(request, name, missing), _deciding(request)
            )
        case "question":
            asker = name(request.messages[-1].person) if request.messages else "a decider"
            facts = (*_asked(request, name, missing), ("Question", _said(request)))
            return News(f"{asker} asks about your request for {what}", facts, (f'daypass answer {request.id} "…"',))
        case "decided":
            return News(f"Your request for {what}: {_outcome(request, name)}", _decided(request, name), _next(request))
        case "glass.broken":
            drill = "DRILL: " if request.route.drill else ""
            commands = (f'daypass ratify {request.id} --note "…"', f'daypass revoke {request.grant} --reason "…"')
            return News(f"{drill}{who} BROKE THE GLASS of {what} for {long}", _asked(request, name, ""), commands)
        case "glass.ratified":
            return News(f"The broken glass of {what} is {_outcome(request, name)}", _decided(request, name))
        case _:
            return News(f"{who}, {what} for {long}: {_outcome(request, name)}", _decided(request, name))


def _waiting(kind: str, request: Request, name: Name, who: str, what: str, long: str) -> str:
    votes = standing(request)
    if kind == "voted" and votes:
        last = votes[-1]
        return (
            f"{name(last.person)} {'approved' if last.approve else 'denied'}: {who}, {what} for {long}; more are needed"
        )
    if kind == "answer":
        return f"{who} answered about {what}"
    if request.extends:
        return f"{who} wants {what} for {long} longer"
    changed = " (changed: earlier votes are void)" if len(votes) < len(request.votes) else ""
    return f"{who} asks for {what} for {long}{changed}"


def _asked(request: Request, name: Name, missing: str) -> Facts:
    who = name(request.requester)
    if request.on_behalf_of:
        who += f", on behalf of {name(request.on_behalf_of)}"
    if request.asked_by and request.asked_by != request.requester:
        who += f", asked for by {name(request.asked_by)}"
    long = spoken_duration(request.duration_ms)
    start = f", from {spoken_time(request.start_at)} on" if request.start_at else ""
    return (
        ("Who", who),
        ("What", ", ".join(_item(item) for item in request.items)),
        ("Why", request.reason or "(erased)"),
        ("Ticket", request.ticket),
        ("How long", f"{long}{start}"),
        ("Answer", _said(request) if request.state is RequestState.PENDING else ""),
        ("Votes", _votes(request, name)),
        ("Needed", missing),
        ("Decide by", spoken_time(request.decide_by) if missing else ""),
    )


def _said(request: Request) -> str:
    return request.messages[-1].text or "(erased)" if request.messages else ""


def _votes(request: Request, name: Name) -> str:
    votes = standing(request)[:VOTES_TOLD_MAX]
    return ", ".join(f"{name(one.person)} {'approved' if one.approve else 'denied'}" for one in votes)


def _deciding(request: Request) -> tuple[str, ...]:
    sign = " --sign" if request.route.signed else ""
    return (
        f"daypass approve {request.id}{sign}",
        f'daypass deny {request.id}{sign} --note "…"',
        f'daypass ask {request.id} "…"',
    )


def _outcome(request: Request, name: Name) -> str:
    votes = standing(request)
    yes, no = [name(one.person) for one in votes if one.approve], [name(one.person) for one in votes if not one.approve]
    match request.state:
        case RequestState.APPROVED if request.automatic:
            return f"approved by rule {request.rule!r}"
        case RequestState.APPROVED:
            return f"approved by {', '.join(yes[:NAMES_TOLD_MAX])} for {spoken_duration(granted_ms(request))}"
        case RequestState.DENIED:
            return f"denied by {', '.join(no[:NAMES_TOLD_MAX])}" if no else "denied"
        case RequestState.EXPIRED:
            return "nobody decided in time"
        case RequestState.WITHDRAWN:
            return "withdrawn"
        case RequestState.RATIFIED:
            return "ratified"
        case RequestState.NOT_RATIFIED:
            return "NOT ratified"
        case _:
            return "waiting"


def _decided(request: Request, name: Name) -> Facts:
    notes = [f"{name(one.person)}: {one.note}" for one in standing(request)[:VOTES_TOLD_MAX] if one.note]
    return (*_asked(request, name, ""), ("Came of it", _outcome(request, name)), ("Note", "\n".join(notes)))


def _next(request: Request) -> tuple[str, ...]:
    item = request.items[0]
    if request.state is RequestState.APPROVED and not request.extends:
        return (f"daypass connect {item.target}:{item.role}",)
    if request.state is RequestState.EXPIRED:
        return (ask_command(item.target, item.role, request.duration_ms),)
    return ()


# -- access -----------------------------------------------------------------------------------------------------


def _item(item: Item) -> str:
    """`write on orders, limited to public.orders`"""
    return ", ".join(filter(None, (f"{item.role} on {item.target}", spoken_scope(item.scope))))


def of_access(kind: str, grant: Grant, request: Request | None, name: Name, session: str = "", more: str = "") -> News:
    """News about a grant, or one of its sessions. `more`: the command for more time, if there is one."""
    what, who = f"{grant.target}:{grant.role}", name(grant.person)
    again = (ask_command(grant.target, grant.role, grant.duration_ms),)
    facts = (
        ("Who", who),
        ("What", _item(Item(grant.target, grant.role, grant.scope))),
        ("Why", request.reason if request else ""),
    )
    match kind:
        case "started":
            return News(f"{what} can be used now", facts, (f"daypass connect {what}",))
        case "ending_soon":
            until = ("Ends", spoken_time(grant.expires_at) if grant.expires_at else "")
            commands = tuple(filter(None, (more, f"daypass return {grant.id}")))
            return News(f"Access of {who} to {what} ends soon", (*facts, until), commands)
        case "killed":
            return News(
                f"A session of {who} on {what} was ended; the grant stays", facts, (f"daypass show {grant.id}",)
            )
        case "end_unconfirmed" if session:
            title = f"ALARM: a session of {who} on {what} was not seen to be gone: its work may go on"
            commands = (f"daypass show {session}", f'daypass kill {session} --close-unconfirmed --reason "…"')
            return News(title, facts, commands)
        case "end_unconfirmed":
            title = f"ALARM: the end of {who}'s access to {what} is not confirmed: it may still exist"
            commands = (f"daypass show {grant.id}", f'daypass revoke {grant.id} --close-unconfirmed --reason "…"')
            return News(title, (*facts, ("Ended because", grant.end_reason)), commands)
    if grant.state is GrantState.LAPSED:
        return News(f"Access of {who} to {what} was not used in time and has lapsed", facts, again)
    because = (
        ("Ended", spoken_time(grant.ended_at) if grant.ended_at else ""),
        ("Because", grant.end_reason),
        ("By", name(grant.end_by) if grant.end_by not in (None, "daypass", grant.person) else ""),
        ("Note", grant.end_note),
    )
    return News(f"Access of {who} to {what} has ended: {grant.end_reason}", (*facts, *because), again)


# -- duties -----------------------------------------------------------------------------------------------------


def of_duty(kind: str, duty: Obligation, request: Request, name: Name) -> News:
    """News about something owed."""
    what, who = f"{request.items[0].target}:{request.items[0].role}", name(duty.person)
    noun = "the broken glass" if duty.kind == RATIFY else "access"
    drill = "DRILL: " if duty.drill else ""
    word = kind.partition(".")[0]
    doing = "ratified" if duty.kind == RATIFY else "signed off"
    titles = {
        "owed": f"{noun} of {who} to {what} is to be {doing}",
        "overdue": f"OVERDUE: {noun} of {who} to {what} was not {doing}",
        "flagged": f"FLAGGED: {noun} of {who} to {what} needs a follow-up",
    }
    if kind == "flagged.ratify":
        titles["flagged"] = f"NOT RATIFIED: nobody stands for {noun} of {who} to {what}"
    facts = (
        *_asked(request, name, ""),
        ("Due", spoken_time(duty.due_at) if duty.state in (ObligationState.DUE, ObligationState.OVERDUE) else ""),
        ("By", ", ".join(duty.by + (duty.escalate if duty.state is not ObligationState.DUE else ()))),
        ("Note", duty.note),
    )
    title = titles.get(word, f"{kind}: {what}")
    return News(drill + title[0].upper() + title[1:], facts, _doing(duty, request))


def _doing(duty: Obligation, request: Request) -> tuple[str, ...]:
    if duty.state is ObligationState.FLAGGED:
        return (f"daypass obligations {duty.id}", f'daypass settle {duty.id} --note "…"')
    if duty.kind == RATIFY:
        return (f"daypass obligations {duty.id}", f'daypass ratify {request.id} --note "…"')
    return (f"daypass obligations {duty.id}", f'daypass sign-off {duty.id} --note "…"')


# -- the rest ---------------------------------------------------------------------------------------------------


def of_body(kind: str, about: Mapping[str, Any], name: Name) -> News:
    """News about neither a request nor a grant: of what an event's body says."""
    body: Mapping[str, Any] = about.get("body") or {}
    facts: Facts
    match kind:
        case "policy.changed":
            names = ", ".join(str(one.get("name")) for one in body.get("policies", ())[:NAMES_TOLD_MAX])
            facts = (
                ("Policies", names),
                ("Digest", str(body.get("digest", ""))),
                ("Before", str(body.get("was") or "none")),
            )
            return News("The policies in force changed", facts)
        case "targets.changed":
            return News("The targets or their roles changed", _lists(body, ("added", "changed", "removed")))
        case "groups.changed":
            return News("Who owns which group changed", _lists(body, ("groups",)))
        case "policy.proposed" | "policy.approved" | "policy.rejected":
            facts = ("Policy", str(body.get("policy", ""))), ("Proposal", str(body.get("proposal", "")))
            return News(f"A changed policy was {kind.partition('.')[2]}", facts)
        case "person.changed":
            return News("People or their groups changed", _people(about, name))
        case "project.asked":
            return News(f"{name(str(about.get('by', '')))} asked for access for you", (), ("daypass requests --mine",))
        case "credential.drift":
            facts = ("Target", str(about.get("target", ""))), ("Login", str(body.get("user", "")))
            return News(f"ALARM: drift of logins ({body.get('kind', 'unknown')})", facts)
        case "ledger.recovered":
            return News("ALARM: the ledger was rebuilt from what had been published")
        case "lock.set" | "lock.lifted":
            person = name(str(body["person"])) if body.get("person") else ""
            facts = ("Person", person), ("Target", str(body.get("target", "")))
            return News(f"Locks: {body.get('scope')} {kind.partition('.')[2]}", facts, ("daypass locks",))
        case "key.enrolled" | "key.revoked" | "key.suspected" | "password.changed":
            return _of_keys(kind, body, name)
        case "notice.failed":
            facts = ("Channel", str(body.get("channel", ""))), ("About", str(body.get("kind", "")))
            return News("Somebody could not be told", facts, ("daypass notify failed",))
        case "told":
            return _refused_by_policy(about, name)
        case "test":
            return News("A test from Daypass: this channel works", (("Asked by", "the operator"),))
        case _:
            return News(f"{kind}: what it was about is gone")


def _of_keys(kind: str, body: Mapping[str, Any], name: Name) -> News:
    """What somebody proves with that it is them is another now."""
    facts: Facts
    match kind:
        case "key.enrolled" | "key.revoked" if body.get("kind") == "passkey":
            facts = ("Passkey", str(body.get("credential", ""))[:12]), ("By", str(body.get("by", "")))
            word = "enrolled" if kind == "key.enrolled" else "removed"
            return News(f"A passkey of yours was {word}", facts, ("daypass passkeys",))
        case "key.suspected":
            facts = ("Counter", f"{body.get('counter', '')}, was {body.get('counter_was', '')}"), ("Key", "refused")
            title = f"ALARM: a passkey of {name(str(body.get('person', '')))} may have been copied"
            return News(title, facts, ("daypass passkeys",))
        case "password.changed":
            how = {"themself": "changed", "invitation": "set by a link that was made for you"}
            return News(f"Your password was {how.get(str(body.get('how', '')), 'changed')}")
        case _:
            title = f"A key of yours was {kind.partition('.')[2]}"
            return News(title, (("Key", str(body.get("fingerprint", ""))),), ("daypass keys",))


def _refused_by_policy(about: Mapping[str, Any], name: Name) -> News:
    item = (about.get("items") or [{}])[0]
    what = f"{item.get('target', '?')}:{item.get('role', '?')}"
    long = spoken_duration(int(about.get("duration_ms", 0)))
    facts = ("Rule", str(about.get("rule", ""))), ("Came of it", "refused by policy")
    return News(f"{name(str(about.get('person', '')))}, {what} for {long}: refused by policy", facts)


def _lists(body: Mapping[str, Any], words: tuple[str, ...]) -> Facts:
    return tuple((word.capitalize(), ", ".join(map(str, body.get(word, ())[:NAMES_TOLD_MAX]))) for word in words)


def _people(body: Mapping[str, Any], name: Name) -> Facts:
    named = {
        word: [name(str(id)) for id in body.get(word, ())[:NAMES_TOLD_MAX]] for word in ("added", "changed", "disabled")
    }
    more = {word: len(body.get(word, ())) - len(told) for word, told in named.items()}
    return tuple(
        (word.capitalize(), ", ".join(told) + (f" and {more[word]} more" if more[word] else ""))
        for word, told in named.items()
    )
