"""Routes of passwords: signing in by one, setting the first one by a link, changing one's own."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr

from daypass.api.front import ACaller, AFront, client_of
from daypass.api.models import NAME_MAX
from daypass.api.passkeys import AskedView, asked_view
from daypass.api.strict import Strict
from daypass.api.visiting import OwnPage, VisitView, welcome
from daypass.domain.errors import Refused
from daypass.identity.passwords import CHARS_MAX
from daypass.services.passkeys import Asked

router = APIRouter(tags=["signing in"])

Secret = Annotated[SecretStr, Field(min_length=1, max_length=CHARS_MAX)]


class ByPassword(Strict):
    """An address and a password."""

    email: str = Field(min_length=1, max_length=NAME_MAX)
    password: Secret


class NewPassword(Strict):
    """The first password, or another one, by a link."""

    code: str = Field(min_length=1, max_length=NAME_MAX, description="What is behind the `#` of the link.")
    password: Secret


class OtherPassword(Strict):
    """The old password and the new one."""

    old: Secret
    new: Secret


class SignedIn(BaseModel):
    """What came of a password. PASSKEY_NEEDED: it is right, and `challenge` is for a passkey of the same person, whose
    answer goes to `/api/v1/sign-in/passkey`. Its `id` is the visit's, or the challenge."""

    id: str
    state: Literal["SIGNED_IN", "PASSKEY_NEEDED"]
    visit: VisitView | None
    challenge: AskedView | None


class PasswordView(BaseModel):
    """Whose password it is."""

    id: str
    state: Literal["SET"] = "SET"
    email: str


@router.post("/sign-in/password", dependencies=[OwnPage])
async def sign_in_with_password(given: ByPassword, request: Request, response: Response, front: AFront) -> SignedIn:
    """Sign a browser in with a password. Who has a passkey shows that as well."""
    client, now, name = client_of(request), front.office.now(), given.email.strip().lower()
    with front.attempts.guess(client, name, now):
        found = await front.passwords.sign_in(name, given.password.get_secret_value(), client)
    front.attempts.succeeded(client, name)
    if isinstance(found, Asked):
        challenge = asked_view(found)
        return SignedIn(id=challenge.id, state="PASSKEY_NEEDED", visit=None, challenge=challenge)
    visit = welcome(response, front, found)
    return SignedIn(id=visit.id, state="SIGNED_IN", visit=visit, challenge=None)


@router.post("/sign-in/invitation", dependencies=[OwnPage])
async def accept_invitation(given: NewPassword, request: Request, front: AFront) -> PasswordView:
    """Set my password by the link that I was sent; then I sign in with it."""
    client, now = client_of(request), front.office.now()
    with front.attempts.guess(client, "", now):
        person = await front.passwords.accept(given.code.strip(), given.password.get_secret_value())
    return PasswordView(id=person.id, email=person.email)


@router.post("/password")
async def change_password(given: OtherPassword, request: Request, caller: ACaller, front: AFront) -> PasswordView:
    """Change my password. Every browser of mine is signed out, this one too."""
    client, now, name = client_of(request), front.office.now(), caller.person.email
    old, new = given.old.get_secret_value(), given.new.get_secret_value()
    with front.attempts.guess(client, name, now, wrong=Refused):
        person = await front.passwords.change(caller.person, old, new)
    return PasswordView(id=person.id, email=person.email)
