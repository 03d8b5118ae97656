"""Routes of signing in with a browser, and of signing out: one's browsers, and who they are signed in as.

Signing in takes what every call of a browser takes, the header and a page of our own: nobody is signed in by a page of
somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from daypass.api.cookies import check_own_page, drop_cookie, set_cookie
from daypass.api.front import ACaller, AFront, Caller, Front, client_of
from daypass.api.models import NAME_MAX, TEXT_MAX, Page, Someone
from daypass.api.strict import Strict
from daypass.domain.errors import Invalid
from daypass.domain.visit import Visit, Way
from daypass.services.visiting import Opened

router = APIRouter(tags=["signing in"])


class ByToken(Strict):
    """A token, as `daypass people token` prints it."""

    token: str = Field(min_length=1, max_length=TEXT_MAX)


class Everywhere(Strict):
    """Whether every browser of mine is signed out, or this one."""

    everywhere: bool = False


class VisitView(BaseModel):
    """A browser in which I am signed in, or was until now."""

    id: str
    state: Literal["SIGNED_IN", "SIGNED_OUT"]
    person: Someone
    way: Way = Field(description="What I signed in with.")
    opened_at: int
    expires_at: int
    seen_at: int = Field(description="Exact to a minute.")
    seen_from: str
    here: bool = Field(description="Whether it is the browser that asks.")


class WaysView(BaseModel):
    """By what people sign in here. `oidc`: the browser goes to `/api/v1/sign-in/oidc?next=/PAGE`."""

    id: str
    state: Literal["OPEN"]
    ways: list[Way]


class SignedOut(BaseModel):
    """What was signed out. `id` is the visit that asked, or the token."""

    id: str
    state: Literal["SIGNED_OUT"]
    visits: list[str]
    elsewhere: str = Field(description="Where the browser goes to sign out of the identity provider; empty: nowhere.")


def own_page(request: Request, front: AFront) -> None:
    """As a dependency: refuses what no page of ours sent."""
    check_own_page(request, front.public_url)


OwnPage = Depends(own_page)


@router.post("/sign-in/token", dependencies=[OwnPage])
async def sign_in_with_token(given: ByToken, request: Request, response: Response, front: AFront) -> VisitView:
    """Sign a browser in with a token. It is signed out when the token ends."""
    client, now = client_of(request), front.office.now()
    with front.attempts.guess(client, "", now):
        opened = await front.visits.by_token(given.token.strip(), client)
    return welcome(response, front, opened)


def welcome(response: Response, front: Front, opened: Opened) -> VisitView:
    """Hand the cookie over."""
    set_cookie(response, opened.cookie, (opened.visit.expires_at - front.office.now()) // 1000)
    return shown(opened.visit, Someone(id=opened.person.id, email=opened.person.email, name=opened.person.name), True)


@router.post("/sign-out")
async def sign_out(response: Response, caller: ACaller, front: AFront, what: Everywhere | None = None) -> SignedOut:
    """Sign this browser out, or every one of mine."""
    over: Sequence[Visit]
    if what is not None and what.everywhere:
        over = await front.visits.end_all(caller.person)
    elif caller.visit is not None:
        over = [await front.visits.end(caller.person, caller.visit.id)]
    else:
        raise Invalid("no browser called; a token is revoked", hint='{"everywhere": true}, or: daypass token revoke')
    drop_cookie(response)
    ids = [one.id for one in over]
    here = next((one for one in over if caller.visit is not None and one.id == caller.visit.id), None)
    elsewhere = await front.provided.elsewhere(here.hint) if here is not None and here.way == "oidc" else ""
    return SignedOut(id=caller.token.id, state="SIGNED_OUT", visits=ids, elsewhere=elsewhere)


@router.get("/sign-in")
async def ways_to_sign_in(front: AFront) -> WaysView:
    """By what people sign in here."""
    ways: list[Way] = ["token"]
    if front.provided.provider is not None:
        ways.append("oidc")
    if front.passwords.local:
        ways.append("password")
        ways += ["passkey"] if front.passkeys.party is not None else []
    return WaysView(id="sign-in", state="OPEN", ways=ways)


@router.get("/visits")
async def list_visits(caller: ACaller, front: AFront) -> Page[VisitView]:
    """The browsers in which I am signed in."""
    found = await front.visits.list(caller.person)
    return Page(items=[shown(one, _me(caller), _here(caller, one)) for one in found])


@router.post("/visits/{id}/end")
async def end_visit(
    id: Annotated[str, Path(max_length=NAME_MAX, description="The id, or its beginning or end.")],
    caller: ACaller,
    front: AFront,
) -> VisitView:
    """Sign one browser of mine out."""
    over = await front.visits.end(caller.person, id)
    return shown(over, _me(caller), _here(caller, over))


def _me(caller: Caller) -> Someone:
    return Someone(id=caller.person.id, email=caller.person.email, name=caller.person.name)


def _here(caller: Caller, visit: Visit) -> bool:
    return caller.visit is not None and caller.visit.id == visit.id


def shown(visit: Visit, person: Someone, here: bool) -> VisitView:
    """As the API shows a visit."""
    return VisitView(
        id=visit.id,
        state="SIGNED_IN" if visit.ended_at is None else "SIGNED_OUT",
        person=person,
        way=visit.way,
        opened_at=visit.opened_at,
        expires_at=visit.expires_at,
        seen_at=visit.seen_at,
        seen_from=visit.seen_from,
        here=here,
    )
