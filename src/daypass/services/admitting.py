"""Admitting a connection: which grant it comes in on, whether policy still allows it, and what to type if not.

The session is registered, and the grant's clock started on first use, in one transaction, before the target is dialled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from daypass.credentials.interface import Credentials
from daypass.domain import glass, policy
from daypass.domain import grant as grants
from daypass.domain.deciding import granted_until
from daypass.domain.errors import DaypassError, Refused
from daypass.domain.grant import Grant, GrantState
from daypass.domain.people import Person
from daypass.domain.scope import WHOLE, Scope
from daypass.domain.session import Session, SessionState
from daypass.domain.target import Credential, Target, TargetRole
from daypass.domain.wording import ask_command
from daypass.services.asked import NOTHING, Ahead, ask_ahead, known_of, looks_outside, question
from daypass.services.closing import close_unopened, session_event
from daypass.services.lending import Lending
from daypass.services.locked import check_access
from daypass.services.office import Change, Office, acting
from daypass.services.telling import grant_event
from daypass.services.tokens import Tokens
from daypass.store.interface import Page, Transaction

ASK_FOR_MS = 30 * 60_000
"""The length that the hint of a refusal names when nothing is known of what the person wants."""

LABEL_BYTES_MAX = 63
"""PostgreSQL cuts application_name here; the other targets have longer limits."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody may go on to a target. Holds the credential, so it is never logged and never stored."""

    session: str
    person: str
    grant: str
    target: Target
    role: TargetRole
    credential: Credential
    label: str
    expires_at: int
    duration_ms: int
    extend_ms: int | None = None
    idle_ms: int | None = None
    scope: Scope = WHOLE


class Admitting:
    """Lets connections in."""

    def __init__(self, office: Office, tokens: Tokens, credentials: Credentials) -> None:
        self._office = office
        self._tokens = tokens
        self._credentials = credentials
        self._lending = Lending(office, credentials)

    async def admit(self, token_id: str, target: str, role: str | None, client: str, node: str) -> Admission:
        """Register a session for this token's holder. Raise `Refused` with what to type, `Unauthenticated` for a
        token that is no more, `Unavailable` if the credential cannot be had: then nothing has happened, but that the
        session of a role with ephemeral logins is on record, as is its end."""
        ahead = await self._ahead(token_id, target)
        async with self._office.change() as change:
            person = await self._tokens.opening(change.tx, token_id, target, client)
            await self._check_locks(change.tx, person, target)
            grant = await self._grant(change.tx, person, target, role)
            found = self._office.targets[grant.target]
            await check_policy(self._office, change.tx, person, grant, ahead)
            # What could make other logins has them remembered before its first session, at the target.
            lends = found.roles[grant.role].lent or found.roles[grant.role].dangerous
            credential = None if lends else await self._credentials.resolve(found, grant.role)
            grant = await activated(self._office, change, grant, person)
            session = self._session(grant, token_id, client, node, found.protocol)
            await change.tx.save_session(session)
            event = session_event(
                self._office,
                "session.registered",
                session,
                acting(person),
                body={"role": grant.role, "node": node, "token": token_id, "expires_at": grant.expires_at},
                secret={"client": client},
            )
            await change.record(event)
        if credential is None:
            credential = await self._lent(grant, session)
        return Admission(
            session=session.id,
            person=person.id,
            grant=grant.id,
            target=found,
            role=found.roles[grant.role],
            credential=credential,
            label=f"daypass/{session.id[-12:]} {person.email}".encode()[:LABEL_BYTES_MAX].decode(errors="ignore"),
            expires_at=grant.expires_at or 0,
            duration_ms=grant.duration_ms,
            extend_ms=extend_ms_of(self._office, grant.target, len(grant.extensions)),
            idle_ms=_idle_ms(self._office, found),
            scope=grant.scope,
        )

    async def _check_locks(self, tx: Transaction, person: Person, name: str) -> None:
        """Raise `Refused`, with why and until when, if this is locked. A target that is not for this person is none."""
        target = self._office.targets.get(name)
        known = target is not None and policy.ways(self._office.policies.current.policies, person, target)
        held = known or await tx.grants(person=person.id, target=name, page=Page(1))
        await check_access(tx, person, name if held else "", self._office.now(), self._office.everybody)

    async def _ahead(self, token_id: str, target: str) -> Ahead:
        """What the target's policy wants to know of others, for each grant that this person could come in on."""
        found = self._office.targets.get(target)
        if found is None or not looks_outside(self._office, found):
            return {}
        async with self._office.reading() as tx:
            person = await self._tokens.holder(tx, token_id)
            held = await tx.grants(person=person.id, target=target, states=grants.LIVE)
            requests = [await tx.request(one.request) for one in held]
        return await ask_ahead(self._office, found, [one.ticket for one in requests if one is not None])

    async def _lent(self, grant: Grant, session: Session) -> Credential:
        """The grant's own login; without it the session is over. The target is asked outside of the transaction."""
        credential, problem = None, "it was cancelled"
        try:
            credential = await self._lending.lend(grant)
        except DaypassError as failed:
            problem = failed.message
            raise
        finally:
            if credential is None:
                await close_unopened(self._office, session.id, problem)
        return credential

    def _session(self, grant: Grant, token_id: str, client: str, node: str, protocol: str) -> Session:
        return Session(
            id=self._office.new_id(),
            state=SessionState.OPENING,
            grant=grant.id,
            request=grant.request,
            person=grant.person,
            token=token_id,
            target=grant.target,
            protocol=protocol,
            role=grant.role,
            node=node,
            client=client,
            opened_at=self._office.now(),
            mark={},
        )

    async def _grant(self, tx: Transaction, person: Person, target: str, role: str | None) -> Grant:
        """The grant to come in on, locked. An active one before one that would have to be activated, and of these one
        for the whole target before one that is limited."""
        found = self._office.targets.get(target)
        now = self._office.now()
        held = await tx.grants(person=person.id, target=target, states=grants.LIVE) if found else ()
        usable = [one for one in held if grants.opens(one, now) and role in (None, one.role)]
        usable = [one for one in usable if found and one.role in found.roles]
        roles = sorted({one.role for one in usable})
        if len(roles) > 1:
            names = [f"{target}:{name}" for name in roles]
            held_here = "two grants" if len(roles) == 2 else "several grants"
            text = f"you hold {held_here} and named no role: {' and '.join(names)}"
            raise Refused(text, hint=f"connect to {' or '.join(names)}")
        if not usable:
            last = await tx.grants(person=person.id, target=target, page=Page(1)) if found else ()
            raise no_access(self._office, person, target, role, held or last)
        best = max(usable, key=lambda one: (one.state is GrantState.ACTIVE, not one.scope, one.expires_at or 0, one.id))
        locked = await tx.grant_for_change(best.id)
        if locked is None or not grants.opens(locked, now):
            raise no_access(self._office, person, target, role, held)
        return locked


def no_access(office: Office, person: Person, name: str, role: str | None, held: Sequence[Grant]) -> Refused:
    """What somebody is told who may not come in now, and what to type instead. `held`: their grants there."""
    target = office.targets.get(name)
    wanted = f"{name}:{role}" if role else name
    waiting = next((one for one in held if one.state is GrantState.SCHEDULED and role in (None, one.role)), None)
    if waiting is not None and waiting.start_at is not None and waiting.start_at > office.now():
        return Refused(f"your access to {wanted} has not started yet", hint=f"daypass show {waiting.id}")
    ways = policy.ways(office.policies.current.policies, person, target) if target else ()
    open_ways = [way for way in ways if not way.break_glass and role in (None, way.role)]
    if target is None or not open_ways:
        # A target that is not there and one that is not for this person look the same.
        return Refused(f"you have no access to {wanted}", hint="daypass targets shows what you may ask for")
    # Who had access and named no role is told how to ask for the same again.
    again = next((way for one in held for way in open_ways if way.role == one.role), open_ways[0])
    command = ask_command(name, again.role, min(ASK_FOR_MS, again.longest_ms or ASK_FOR_MS))
    return Refused(f"you have no access to {wanted} now", hint=command)


def _idle_ms(office: Office, target: Target) -> int | None:
    """How long this target's clients may say nothing: the shorter of its own limit and its policy's."""
    found = policy.policy_of(office.policies.current.policies, target)
    limits = [target.idle_ms, found.limits.idle_ms if found is not None else None]
    return min((limit for limit in limits if limit is not None), default=None)


def extend_ms_of(office: Office, target: str, times: int) -> int | None:
    """By how much the policy in force lets a grant for this target be extended that was extended so many times; None:
    not at all."""
    known = office.targets.get(target)
    found = policy.policy_of(office.policies.current.policies, known) if known is not None else None
    limit = found.limits.extend if found is not None else None
    return limit.by_ms if limit is not None and times < limit.times else None


class NotKnown(Refused):
    """Refused only because somebody outside could not be asked: it may be right again in a moment."""


async def check_policy(office: Office, tx: Transaction, person: Person, grant: Grant, ahead: Ahead) -> None:
    """Ask policy again, as approval is not access. Raise `Refused` if it would not let this be asked for now. `ahead`
    is what others said before the transaction began."""
    target = office.targets.get(grant.target)
    request = await tx.request(grant.request)
    if target is None or request is None:
        raise Refused(f"grant {grant.id} is for a target that is no longer there", hint="daypass targets")
    broken = request.state in glass.BROKEN
    if broken and request.state not in glass.OPENS:
        raise Refused("nobody stands for this break-glass", hint=f"daypass show {request.id}")
    asked = await question(
        office,
        tx,
        person,
        target,
        # An approver may have narrowed the role: what was asked for is what policy lets through.
        request.items[0].role,
        grant.duration_ms,
        reason=request.reason,
        ticket=request.ticket,
        start_at=request.start_at,
        on_behalf_of=request.on_behalf_of,
        known=known_of(ahead, request.ticket) if looks_outside(office, target) else NOTHING,
        scope=request.items[0].scope,
    )
    matched = policy.match(office.policies.current.policies, asked, glass=broken)
    if isinstance(matched, policy.Matched) and grant.role != asked.role:
        # What nobody may have is not given as less of something else either.
        matched = policy.denied(matched.policy, replace(asked, role=grant.role)) or matched
    if isinstance(matched, policy.Refused):
        kind = NotKnown if matched.unknown else Refused
        raise kind(f"policy no longer allows this: {matched.reason}", hint=matched.hint)
    if policy.tightened(matched, request.automatic):
        raise Refused(
            f"rule {matched.rule.name!r} now asks people to decide",
            hint=ask_command(target.name, grant.role, ASK_FOR_MS),
        )


async def activated(office: Office, change: Change, grant: Grant, person: Person) -> Grant:
    """The grant with its clock running, started now if it was not. Raise `Unavailable` if time cannot be told,
    `Refused` if it is locked."""
    office.check_clock()
    await check_access(change.tx, person, grant.target, office.now(), office.everybody)
    if grant.state is GrantState.ACTIVE:
        return grant
    active = grants.activate(grant, office.now())
    request = await change.tx.request(grant.request)
    until = granted_until(request) if request is not None else None
    if until is not None and until < (active.expires_at or 0):
        # A project's last day is over with the project.
        active = replace(active, expires_at=until)
    await change.tx.save_grant(active)
    body = {"role": active.role, "duration_ms": active.duration_ms, "expires_at": active.expires_at}
    await change.record(grant_event(office, "grant.activated", active, acting(person), body=body))
    return active
