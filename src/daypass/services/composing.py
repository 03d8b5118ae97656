"""From a notice to the message that a person reads: who, what, why, how long, what they did last time, what to type.

A message is made when it is sent, of what the store says then: what was erased meanwhile is not told any more, and who
was asked and need not answer any longer is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daypass.domain.deciding import granted_ms, may_decide, standing, still_needed
from daypass.domain.grant import Grant
from daypass.domain.obligation import Obligation
from daypass.domain.people import Person
from daypass.domain.request import OPEN, Request, RequestState
from daypass.domain.standing import Notice
from daypass.domain.telling import CHOICES, QUIET
from daypass.domain.wording import extend_command
from daypass.notify.interface import Choices, Message, Recipient
from daypass.services.admitting import extend_ms_of
from daypass.services.formerly import last_time
from daypass.services.office import Office
from daypass.services.wordings import News, of_access, of_body, of_duty, of_request
from daypass.store.interface import Transaction

URGENT = frozenset({"glass.broken", "end_unconfirmed", "credential.drift", "overdue.ratify", "flagged.ratify"})

People = Mapping[str, Person]


@dataclass(frozen=True, slots=True)
class Things:
    """What a notice is about, as it is now."""

    people: People
    request: Request | None
    grant: Grant | None
    duty: Obligation | None
    office: Office

    @property
    def more_time(self) -> str:
        """The command for more time; empty where policy gives none."""
        if self.grant is None:
            return ""
        most = extend_ms_of(self.office, self.grant.target, len(self.grant.extensions))
        return extend_command(self.grant.id, most) if most else ""

    def name(self, id: str) -> str:
        """Who that is, for a sentence; what was erased stays an id."""
        person = self.people.get(id)
        return (person.name or person.email) if person else (id or "somebody")


async def compose(office: Office, tx: Transaction, notice: Notice, *, found: bool) -> Message | None:
    """The message; None if nobody needs it any more. `found`: whether an earlier message of its thread is there."""
    people = (await office.everybody(tx)).by_id
    person = people.get(notice.person)
    if notice.person and (person is None or person.disabled):
        return None
    about: Mapping[str, Any] = notice.about
    things = Things(
        people,
        await tx.request(str(about.get("request") or "")),
        await tx.grant(str(about.get("grant") or "")),
        await tx.obligation(str(about.get("obligation") or "")),
        office,
    )
    if not _wanted(notice, things, found=found):
        return None
    return await _written(tx, notice, things, person)


def _wanted(notice: Notice, things: Things, *, found: bool) -> bool:
    request, duty = things.request, things.duty
    if notice.kind in QUIET and notice.person and not found:
        return False
    if notice.kind in CHOICES:
        return request is not None and request.state in OPEN
    if notice.kind == "ending_soon":
        return things.grant is not None and things.grant.ending_at is None
    if notice.kind.partition(".")[0] in ("owed", "overdue"):
        return duty is not None and duty.open
    return True


async def _written(tx: Transaction, notice: Notice, things: Things, person: Person | None) -> Message:
    news = _news(notice, things)
    facts = list(news.facts)
    if things.request is not None and (notice.kind in CHOICES or notice.kind == "glass.broken"):
        item = things.request.items[0]
        said = await last_time(tx, things.request.requester, item.target, item.role, before=things.request.id)
        facts.append(("Last time", said))
    return Message(
        id=notice.id,
        kind=notice.kind,
        at=notice.made_at,
        subject=_subject(things, news),
        title=news.title,
        to=Recipient(person.email, person.name) if person else Recipient(),
        thread=notice.thread,
        facts=tuple((label, text) for label, text in facts if text),
        commands=news.commands,
        link=_link(notice, things),
        choices=_choices(notice, things, person),
        quiet=notice.kind in QUIET,
        urgent=notice.kind in URGENT,
        data=_data(notice, things),
    )


def _news(notice: Notice, things: Things) -> News:
    if things.duty is not None and things.request is not None:
        return of_duty(notice.kind, things.duty, things.request, things.name)
    if notice.kind in ("started", "ending_soon", "ended", "killed", "end_unconfirmed") and things.grant is not None:
        session = str(notice.about.get("session") or "")
        return of_access(notice.kind, things.grant, things.request, things.name, session, things.more_time)
    if things.request is not None:
        missing = _missing(things) if things.request.state in OPEN else ""
        return of_request(notice.kind, things.request, things.name, missing)
    return of_body(notice.kind, notice.about, things.name)


def _link(notice: Notice, things: Things) -> str:
    """The page of the web app that shows it, as a path; empty: none does."""
    if notice.kind in CHOICES and things.request is not None:
        return f"/inbox/{things.request.id}"
    if things.duty is not None:
        return f"/reviews/{things.duty.id}"
    if things.request is not None:
        return f"/requests/{things.request.id}"
    if things.grant is not None:
        return f"/requests/{things.grant.request}"
    if "proposal" in notice.about:
        return f"/policy/proposals/{notice.about['proposal']}"
    return ""


def _missing(things: Things) -> str:
    assert things.request is not None
    missing = still_needed(things.request, things.people)
    stages = zip(missing, things.request.stages, strict=True)
    return " and ".join(f"{count} of {' or '.join(stage.of)}" for count, stage in stages if count)


def _subject(things: Things, news: News) -> str:
    """The same for everything about one request, so that mail programs keep it together."""
    request = things.request
    if request is None:
        return news.title
    item = request.items[0]
    verb = "wants more time for" if request.extends else "asks for"
    if request.state in (RequestState.BROKEN_GLASS, RequestState.RATIFIED, RequestState.NOT_RATIFIED):
        verb = "broke the glass of"
    return f"{things.name(request.requester)} {verb} {item.target}:{item.role}"


def _choices(notice: Notice, things: Things, person: Person | None) -> Choices | None:
    """Buttons for who can still decide; in a room for whoever of its readers may. Signed votes are cast elsewhere."""
    request = things.request
    if request is None or notice.kind not in CHOICES or request.route.signed:
        return None
    voted = {vote.person for vote in standing(request)}
    if person is not None and (not may_decide(request, person) or person.id in voted):
        return None
    return Choices(request.id, request.digest)


def _data(notice: Notice, things: Things) -> dict[str, object]:
    """What programs read: ids, words and numbers."""
    data: dict[str, object] = {"notice": notice.id, **_person("to", things, notice.person)}
    if (request := things.request) is not None:
        data |= {
            "request": request.id,
            "state": request.state.value,
            **_person("requester", things, request.requester),
            "items": [item.plain() for item in request.items],
            "duration_ms": request.duration_ms,
            "granted_ms": granted_ms(request),
            "ticket": request.ticket,
            "digest": request.digest,
            "decide_by": request.decide_by,
            "drill": request.route.drill,
            "votes": [
                {**_person("person", things, vote.person), "approve": vote.approve} for vote in standing(request)
            ],
        }
    if (grant := things.grant) is not None:
        data |= {
            "grant": grant.id,
            "grant_state": grant.state.value,
            "expires_at": grant.expires_at,
            "end_reason": grant.end_reason,
        }
    if (duty := things.duty) is not None:
        data |= {"obligation": duty.id, "obligation_state": duty.state.value, "due_at": duty.due_at}
    if things.request is None:
        data |= {name: value for name, value in notice.about.items() if name not in data}
    return data


def _person(name: str, things: Things, id: str) -> dict[str, object]:
    person = things.people.get(id)
    return {name: {"id": id, "email": person.email, "name": person.name}} if person else {}
