"""What the API is a skin over, and who is calling. app.py makes a `Front`; every route finds it on its app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from typing import Protocol as Interface

from fastapi import Depends, Query, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry

from daypass.api.cookies import COOKIE, check_own_page
from daypass.api.models import NAME_MAX, Health
from daypass.config import Address
from daypass.domain.errors import Unauthenticated
from daypass.domain.people import Person
from daypass.domain.visit import Visit
from daypass.gateway.consoles import Consoles
from daypass.identity.attempts import Attempts
from daypass.insights.asking import Insights
from daypass.ledger.receipts import Receipt
from daypass.services.bundles import Bundles
from daypass.services.counting_hits import CountingHits
from daypass.services.deliberation import Deliberation
from daypass.services.devices import Devices
from daypass.services.directory import Directory
from daypass.services.doubts import Doubts
from daypass.services.duties import Duties
from daypass.services.evaluating import Evaluating
from daypass.services.favourites import Favourites
from daypass.services.following import Following
from daypass.services.foreseeing import Foreseeing
from daypass.services.glass import Glass
from daypass.services.grants import Grants
from daypass.services.inbox import Inbox
from daypass.services.locking import Locks
from daypass.services.office import Office
from daypass.services.overseeing import Overseeing
from daypass.services.passkeys import Passkeys
from daypass.services.passwords import Passwords
from daypass.services.people import People
from daypass.services.proposing import Proposing
from daypass.services.provider_sign_in import ProviderSignIn
from daypass.services.reading import PAGE_MAX, Reading
from daypass.services.recordings import Recordings
from daypass.services.requests import Requests
from daypass.services.revoking import Revoking
from daypass.services.searching import Searching
from daypass.services.sessions import Sessions
from daypass.services.signing import Signing
from daypass.services.slack_answers import SlackAnswers
from daypass.services.snippets import Snippets
from daypass.services.surveying import Surveying
from daypass.services.ticketing import Ticketing
from daypass.services.tokens import Tokens
from daypass.services.trying import Trying
from daypass.services.visiting import Visits
from daypass.services.vouching import Vouchings
from daypass.store.interface import Page, Token


class Published(Interface):
    """The published log. `public`: whether anybody may read it."""

    public: bool
    elsewhere: str
    """Which other node publishes it, and where; empty: this one does."""

    def read(self, path: str) -> bytes | None:
        """A published file by its path, None where there is none. Blocks: call it in a thread."""

    async def reach(self, index: int, seconds: float) -> bool:
        """Publish until the entry with this index is covered, for so long at most. Returns whether it is."""

    async def receipt(self, index: int) -> Receipt:
        """The receipt of a published entry. Raises `Unavailable` for one that is not published yet."""


@dataclass(frozen=True, slots=True)
class Front:
    """The services, and what only app.py knows: where protocols are reached (`listen`), our CA's PEM (`authority`)."""

    office: Office
    people: People
    tokens: Tokens
    requests: Requests
    grants: Grants
    sessions: Sessions
    reading: Reading
    recordings: Recordings
    searching: Searching
    counting_hits: CountingHits
    deliberation: Deliberation
    foreseeing: Foreseeing
    signing: Signing
    duties: Duties
    glass: Glass
    ticketing: Ticketing
    bundles: Bundles
    favourites: Favourites
    proposing: Proposing
    trying: Trying
    surveying: Surveying
    overseeing: Overseeing
    evaluating: Evaluating
    listen: Mapping[str, Address]
    authority: str | None
    health: Callable[[], Health]
    registry: CollectorRegistry
    log: Published
    public_url: str
    inbox: Inbox
    locks: Locks
    revoking: Revoking
    visits: Visits
    attempts: Attempts
    provided: ProviderSignIn
    devices: Devices
    directory: Directory
    following: Following
    insights: Insights
    passkeys: Passkeys
    passwords: Passwords
    vouchings: Vouchings
    consoles: Consoles
    snippets: Snippets
    doubts: Doubts
    slack: SlackAnswers | None = None
    """What takes the buttons that people press in Slack; None: there are none."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, by which token. A browser has a `visit` instead, and `token` is that in a token's form: it is
    good for everything that its person may do, and makes none that lasts longer."""

    person: Person
    token: Token
    visit: Visit | None = None


bearer = HTTPBearer(auto_error=False, description="A Daypass token, as `daypass people token` prints it.")


def the_front(request: Request) -> Front:
    front: Front = request.app.state.front
    return front


cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    description="What signing in set. It needs the header `X-Daypass-CSRF: 1`, and a page of our own as its sender.",
)


def client_of(request: Request) -> str:
    """Where a call comes from: the peer's address and port."""
    return f"{request.client.host}:{request.client.port}" if request.client else "?"


async def the_caller(
    request: Request,
    front: Annotated[Front, Depends(the_front)],
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    shown: Annotated[str | None, Depends(cookie)],
) -> Caller:
    """Who holds the bearer token, otherwise who is signed in with this browser. Raises Unauthenticated, in the same
    words whatever is wrong with it; Refused for a browser's call that no page of ours made."""
    if given is None and shown is not None:
        check_own_page(request, front.public_url)
        person, visit = await front.visits.authenticate(shown, client_of(request))
        return Caller(person, in_token_form(visit), visit)
    if given is None:
        raise Unauthenticated("a token is needed", hint="Authorization: Bearer TOKEN (daypass login URL --token T)")
    person, token = await front.tokens.authenticate(given.credentials, client_of(request))
    return Caller(person, token)


def in_token_form(visit: Visit) -> Token:
    """A visit as the token that its calls are made with. It signs in nowhere: it has no verifiers."""
    return Token(
        visit.id, visit.person, b"", b"", b"", visit.opened_at, visit.expires_at, label=visit.way, visit=visit.id
    )


def the_page(
    before: Annotated[str | None, Query(max_length=NAME_MAX, description="Only older ones than this id.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX, description="At most so many.")] = 100,
) -> Page:
    return Page(limit, before)


AFront = Annotated[Front, Depends(the_front)]
ACaller = Annotated[Caller, Depends(the_caller)]
APage = Annotated[Page, Depends(the_page)]
