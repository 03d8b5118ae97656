"""Domain objects as rows and back: one pair of functions a dataclass, nothing derived. Refuses to know any SQL.

A row is a mapping of column names to what the drivers take; values that are nested in the domain become lists and
mappings for a JSON column. What comes back out equals what went in.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from daypass.domain.events import Blob
from daypass.domain.grant import Extension, Grant, GrantState
from daypass.domain.people import Person
from daypass.domain.request import Item, Message, Request, RequestState, Route, Stage, Vote
from daypass.domain.session import Session, SessionState
from daypass.store.interface import Cut, StoredEntry, Token

Row = Mapping[str, Any]


def person_row(person: Person) -> Row:
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "groups": sorted(person.groups),
        "disabled": person.disabled,
        "subject": person.subject,
        "agent_of": person.agent_of,
        "source": person.source,
    }


def person_of(row: Row) -> Person:
    return Person(**{**row, "groups": frozenset(row["groups"])})


def person_of_values(values: Sequence[Any], known: dict[str, frozenset[str]]) -> Person:
    """The same of plain values in the order of the columns. Many are in the same groups: `known` has those by their
    JSON."""
    id, email, name, groups, disabled, *rest = values
    held = known.get(groups)
    if held is None:
        held = known[groups] = frozenset(json.loads(groups))
    return Person(id, email, name, held, bool(disabled), *rest)


def token_row(token: Token) -> Row:
    return {
        "id": token.id,
        "person": token.person,
        "sha256": token.sha256,
        "stored_key": token.stored_key,
        "server_key": token.server_key,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "label": token.label,
        "revoked_at": token.revoked_at,
        "last_used_at": token.last_used_at,
        "last_used_from": token.last_used_from,
        "scopes": list(token.scopes),
        "visit": token.visit,
    }


def token_of(row: Row) -> Token:
    return Token(**{**row, "scopes": tuple(row["scopes"])})


def request_row(request: Request) -> Row:
    return {
        "id": request.id,
        "state": request.state.value,
        "requester": request.requester,
        "on_behalf_of": request.on_behalf_of,
        "items": [item.plain() for item in request.items],
        "reason": request.reason,
        "ticket": request.ticket,
        "duration_ms": request.duration_ms,
        "start_at": request.start_at,
        "digest": request.digest,
        "digest_salt": request.digest_salt,
        "policy": request.policy,
        "policy_digest": request.policy_digest,
        "rule": request.rule,
        "stages": [{"need": one.need, "of": list(one.of), "eligible": list(one.eligible)} for one in request.stages],
        "automatic": request.automatic,
        "owes": dict(request.owes),
        "created_at": request.created_at,
        "decide_by": request.decide_by,
        "decided_at": request.decided_at,
        "decided_because": request.decided_because,
        "votes": [_vote_value(vote) for vote in request.votes],
        "messages": [{"person": one.person, "at": one.at, "text": one.text} for one in request.messages],
        "grant": request.grant,
        "extends": request.extends,
        "asked_by": request.asked_by,
        "bundle": request.bundle,
        "until": request.until,
        "route": dataclasses.asdict(request.route),
        "target": request.items[0].target,
        "role": request.items[0].role,
    }


def request_of(row: Row) -> Request:
    return Request(
        **{
            **{name: value for name, value in row.items() if name not in ("target", "role")},
            "state": RequestState(row["state"]),
            "items": tuple(Item(**{**item, "scope": tuple(item.get("scope", ()))}) for item in row["items"]),
            "stages": tuple(Stage(one["need"], tuple(one["of"]), tuple(one["eligible"])) for one in row["stages"]),
            "votes": tuple(_vote_of(vote) for vote in row["votes"]),
            "messages": tuple(Message(**message) for message in row["messages"]),
            "route": _route_of(row["route"] or {}),
        }
    )


def _route_of(value: Mapping[str, Any]) -> Route:
    """Lists come back as tuples; what an earlier version did not know stays as usual."""
    known: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
    return Route(**known)


def _vote_value(vote: Vote) -> dict[str, Any]:
    return {
        "id": vote.id,
        "person": vote.person,
        "approve": vote.approve,
        "digest": vote.digest,
        "at": vote.at,
        "narrowed_ms": vote.narrowed_ms,
        "note": vote.note,
        "narrowed_role": vote.narrowed_role,
        "statement": vote.statement,
        "signature": vote.signature,
        "narrowed_until": vote.narrowed_until,
        "narrowed_scope": list(vote.narrowed_scope),
        "passkey": dict(vote.passkey),
    }


def _vote_of(value: Mapping[str, Any]) -> Vote:
    return Vote(**{**value, "narrowed_scope": tuple(value.get("narrowed_scope", ()))})


def grant_row(grant: Grant) -> Row:
    return {
        "id": grant.id,
        "state": grant.state.value,
        "request": grant.request,
        "person": grant.person,
        "target": grant.target,
        "role": grant.role,
        "duration_ms": grant.duration_ms,
        "start_at": grant.start_at,
        "activate_by": grant.activate_by,
        "created_at": grant.created_at,
        "policy": grant.policy,
        "rule": grant.rule,
        "activated_at": grant.activated_at,
        "expires_at": grant.expires_at,
        "ending_at": grant.ending_at,
        "ended_at": grant.ended_at,
        "end_reason": grant.end_reason,
        "end_by": grant.end_by,
        "end_note": grant.end_note,
        "ending": None if grant.ending is None else dict(grant.ending),
        "extensions": [
            {"by_ms": one.by_ms, "at": one.at, "person": one.person, "reason": one.reason} for one in grant.extensions
        ],
        "owes": dict(grant.owes),
        "scope": list(grant.scope),
    }


def grant_of(row: Row) -> Grant:
    return Grant(
        **{
            **row,
            "state": GrantState(row["state"]),
            "extensions": tuple(Extension(**extension) for extension in row["extensions"]),
            "scope": tuple(row["scope"]),
        }
    )


def session_row(session: Session) -> Row:
    return {
        "id": session.id,
        "state": session.state.value,
        "grant": session.grant,
        "request": session.request,
        "person": session.person,
        "token": session.token,
        "target": session.target,
        "protocol": session.protocol,
        "role": session.role,
        "node": session.node,
        "client": session.client,
        "opened_at": session.opened_at,
        "mark": dict(session.mark),
        "ended_at": session.ended_at,
        "end_reason": session.end_reason,
        "recording": session.recording,
        "statements": session.statements,
        "ending": None if session.ending is None else dict(session.ending),
        "look_at": session.look_at,
    }


def session_of(row: Row) -> Session:
    return Session(**{**row, "state": SessionState(row["state"])})


def cut_row(cut: Cut) -> Row:
    return {
        "session": cut.session,
        "node": cut.node,
        "reason": cut.reason,
        "message": cut.message,
        "hint": cut.hint,
        "wanted_at": cut.wanted_at,
        "seen": None if cut.seen is None else dict(cut.seen),
    }


def cut_of(row: Row) -> Cut:
    return Cut(**row)


def blob_of(row: Row) -> Blob:
    return Blob(row["sha256"], row["media"], row["content"], row["session"])


def entry_of(row: Row) -> StoredEntry:
    return StoredEntry(row["idx"], row["id"], row["type"], row["t"], row["leaf"], row["entry"])
