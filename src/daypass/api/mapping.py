"""From the domain's values to what goes over HTTP: the one place where the two meet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from daypass.api import answers, models
from daypass.domain.deciding import granted_ms, standing
from daypass.domain.explaining import Explained
from daypass.domain.grant import Grant
from daypass.domain.people import Person
from daypass.domain.policy import Matched, Way, spoken_stages
from daypass.domain.request import Request
from daypass.domain.session import Session
from daypass.domain.target import Target
from daypass.domain.visit import Visit
from daypass.services.recordings import Stated
from daypass.store.interface import StoredEntry, Token

People = Mapping[str, Person]


def digest(text: str) -> str:
    """The SHA-256 of a file's text, in hex: what a policy's `digest` is."""
    return hashlib.sha256(text.encode()).hexdigest()


def someone(people: People, id: str) -> models.Someone:
    """A person by id. One whose name was erased, and what is no person, is shown by the id alone."""
    person = people.get(id)
    return models.Someone(id=id, email=person.email if person else id, name=person.name if person else id)


def me(person: Person, token: Token, visit: Visit | None) -> models.Me:
    return models.Me(
        id=person.id,
        state="ACTIVE",
        email=person.email,
        name=person.name,
        groups=sorted(person.groups),
        token=token.id,
        token_expires_at=token.expires_at,
        way=visit.way if visit is not None else "bearer",
        passkey_at=visit.passkey_at if visit is not None else None,
    )


def target(target: Target, ways: Sequence[Way], granted: bool) -> models.TargetView:
    names = dict.fromkeys(way.role for way in ways)
    return models.TargetView(
        id=target.name,
        state="GRANTED" if granted else "ASKABLE",
        name=target.name,
        protocol=target.protocol,
        labels=dict(target.labels),
        roles=[_role(target, name, [way for way in ways if way.role == name]) for name in names],
    )


def _role(target: Target, name: str, ways: Sequence[Way]) -> models.Role:
    lengths = [way.longest_ms for way in ways]
    limits = [length for length in lengths if length is not None]
    return models.Role(
        name=name,
        effect=target.roles[name].effect.value,
        takes="; ".join(f"{way.how}, when {way.when}" if way.when else way.how for way in ways),
        longest_ms=max(limits) if len(limits) == len(lengths) and limits else None,
    )


def request(request: Request, people: People) -> models.RequestView:
    item = request.items[0]
    counting = {vote.id for vote in standing(request)}
    return models.RequestView(
        id=request.id,
        state=request.state.value,
        requester=someone(people, request.requester),
        on_behalf_of=someone(people, request.on_behalf_of) if request.on_behalf_of else None,
        target=item.target,
        role=item.role,
        reason=request.reason,
        ticket=request.ticket,
        duration_ms=request.duration_ms,
        granted_ms=granted_ms(request),
        start_at=request.start_at,
        digest=request.digest,
        policy=request.policy,
        rule=request.rule,
        takes="automatic" if request.automatic else f"needs {spoken_stages(request.stages)}",
        signed_by="passkey" if request.route.step_up else "key" if request.route.signed else "",
        stages=[
            models.StageView(
                need=stage.need, of=list(stage.of), eligible=[someone(people, id) for id in stage.eligible]
            )
            for stage in request.stages
        ],
        created_at=request.created_at,
        decide_by=request.decide_by,
        decided_at=request.decided_at,
        decided_because=request.decided_because,
        votes=[
            models.VoteView(
                id=vote.id,
                person=someone(people, vote.person),
                approve=vote.approve,
                digest=vote.digest,
                counts=vote.id in counting,
                at=vote.at,
                narrowed_ms=vote.narrowed_ms,
                narrowed_role=vote.narrowed_role,
                narrowed_until=vote.narrowed_until,
                narrowed_scope=list(vote.narrowed_scope),
                signed=vote.signed,
                signed_by="passkey" if vote.passkey else "key" if vote.signature else "",
                note=vote.note,
            )
            for vote in request.votes
        ],
        messages=[
            models.MessageView(person=someone(people, each.person), at=each.at, text=each.text)
            for each in request.messages
        ],
        grant=request.grant,
        extends=request.extends,
        asked_by=someone(people, request.asked_by) if request.asked_by else None,
        bundle=request.bundle,
        until=request.until,
        scope=list(item.scope),
    )


def grant(grant: Grant, people: People) -> models.GrantView:
    return models.GrantView(
        id=grant.id,
        state=grant.state.value,
        request=grant.request,
        person=someone(people, grant.person),
        target=grant.target,
        role=grant.role,
        duration_ms=grant.duration_ms,
        start_at=grant.start_at,
        activate_by=grant.activate_by,
        created_at=grant.created_at,
        policy=grant.policy,
        rule=grant.rule,
        activated_at=grant.activated_at,
        expires_at=grant.expires_at,
        ending_at=grant.ending_at,
        ended_at=grant.ended_at,
        end_reason=grant.end_reason,
        end_by=someone(people, grant.end_by) if grant.end_by else None,
        end_note=grant.end_note,
        ending=dict(grant.ending) if grant.ending is not None else None,
        extensions=[
            models.ExtensionView(by_ms=each.by_ms, at=each.at, person=someone(people, each.person), reason=each.reason)
            for each in grant.extensions
        ],
        scope=list(grant.scope),
    )


CURRENT_CHARACTERS_MAX = 2000
"""Of the text of what an open session is doing: a list shows a line of it."""


def session(session: Session, people: People, doing: Stated | None = None) -> models.SessionView:
    return models.SessionView(
        id=session.id,
        state=session.state.value,
        grant=session.grant,
        request=session.request,
        person=someone(people, session.person),
        target=session.target,
        protocol=session.protocol,
        role=session.role,
        node=session.node,
        client=session.client,
        opened_at=session.opened_at,
        ended_at=session.ended_at,
        end_reason=session.end_reason,
        recording=session.recording,
        statements=session.statements,
        ending=dict(session.ending) if session.ending is not None else None,
        look_at=session.look_at,
        current=None if doing is None else _cut(statement(doing)),
    )


def entry(stored: StoredEntry, people: People, said: Mapping[str, str] | None = None) -> models.EntryView:
    return models.EntryView(
        id=stored.id,
        state="SEALED",
        index=stored.index,
        type=stored.type,
        t=stored.t,
        leaf=stored.leaf,
        entry=stored.entry.decode(),
        actor=_actor(stored, people),
        said=dict(said or {}),
    )


def _actor(stored: StoredEntry, people: People) -> models.Someone | None:
    try:
        actor = json.loads(stored.entry)["actor"]
        return someone(people, str(actor["id"])) if actor["kind"] == "person" else None
    except (ValueError, KeyError, TypeError):
        return None  # Somebody changed it by hand; it is shown as it is.


def _cut(of: models.StatementView) -> models.StatementView:
    """As a list shows it."""
    text = None if of.text is None else of.text[:CURRENT_CHARACTERS_MAX]
    return of.model_copy(update={"text": text, "values": []})


def statement(of: Stated) -> models.StatementView:
    """One statement from its entries and from what the recording says of it, if that is still there."""
    submitted, completed, said = of.submitted, of.completed, of.said
    body = submitted["body"]
    outcome = completed["body"] if completed else {}
    refused = submitted["type"] == "statement.refused"
    came: models.Outcome = "SUBMITTED" if completed is None else ("FAILED" if outcome.get("error") else "COMPLETED")
    values = (said or {}).get("values") or []
    return models.StatementView(
        id=submitted["id"],
        state="REFUSED" if refused else came,
        n=body["statement"],
        t=submitted["t"],
        via=body.get("via", ""),
        text=said.get("text") if said else None,
        values=[models.ValueView(**value) for value in values if isinstance(value, dict)],
        kind=body.get("kind", ""),
        effect=body.get("effect", ""),
        reads=list(body.get("reads", ())),
        writes=list(body.get("writes", ())),
        tags=list(outcome.get("tags", ())),
        rows=outcome.get("rows"),
        duration_us=outcome.get("duration_us"),
        error=outcome.get("error", ""),
    )


def explained(found: Explained, people: People) -> answers.Explained:
    verdict = found.verdict
    return answers.Explained.model_validate(
        {
            "id": verdict.policy.name if verdict.policy else "",
            "state": found.state,
            "rule": verdict.rule.name if verdict.rule else "",
            "reason": "" if isinstance(verdict, Matched) else verdict.reason,
            "sentence": found.sentence,
            "trace": [asdict(one) for one in found.looked],
            "asked": [[someone(people, id) for id in stage] for stage in found.asked],
        }
    )
