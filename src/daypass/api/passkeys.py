"""Routes of passkeys: one's own, stepping up and signing in by them, and being vouched for where none is left.

What a browser is asked (`public_key`) is WebAuthn's own JSON, for `parseCreationOptionsFromJSON` and
`parseRequestOptionsFromJSON` of `PublicKeyCredential`; what it answers is sent in base64url.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from daypass.api import mapping
from daypass.api.front import ACaller, AFront, Front, client_of
from daypass.api.models import NAME_MAX, AssertionBody, Page, Someone
from daypass.api.strict import Strict
from daypass.api.visiting import OwnPage, VisitView, shown, welcome
from daypass.domain.passkey import NAME_CHARS_MAX, Passkey, Proof
from daypass.domain.passkey_signature import algorithm_of, decode
from daypass.identity.passkeys import ANSWER_BYTES_MAX, TRANSPORTS_MAX
from daypass.services.passkeys import Asked
from daypass.services.vouching import VOUCHERS, Vouching

router = APIRouter(tags=["passkeys"])

Id = Annotated[str, Path(max_length=NAME_MAX, description="The id, or its beginning or end.")]
Code = Annotated[str, Path(max_length=NAME_MAX, description="The code that they told you.")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX, description="What I call it, like `laptop`.")]
Blob = Annotated[str, Field(min_length=1, max_length=ANSWER_BYTES_MAX, description="base64url.")]


class AskedView(BaseModel):
    """What the browser is to ask an authenticator. Its `id` is the challenge, which is good once."""

    id: str
    state: Literal["OPEN"] = "OPEN"
    expires_at: int
    public_key: dict[str, Any] = Field(description="WebAuthn's options, as JSON.")


class NewPasskey(Strict):
    """What the authenticator made."""

    name: Name
    client_data: Blob
    attestation: Blob
    transports: list[Annotated[str, Field(max_length=NAME_MAX)]] = Field(default=[], max_length=TRANSPORTS_MAX)


class Renamed(Strict):
    """Another name."""

    name: Name


class PasskeyView(BaseModel):
    """A passkey of mine: its public half."""

    id: str
    state: Literal["ENROLLED", "REMOVED"]
    name: str
    credential: str = Field(description="The credential's id, in base64url.")
    algorithm: str
    rp_id: str
    origin: str
    transports: list[str]
    entry: str = Field(description="The id of the entry that enrolled it.")
    enrolled_at: int
    last_used_at: int | None
    removed_at: int | None


class PasskeysView(Page[PasskeyView]):
    """My passkeys, and what I can do about them from here."""

    rp_id: str = Field(description="What they are for; empty: there can be none, as `public_url` is no name.")
    proof: Proof | None = Field(description="By what I could enrol or remove one now; null: by nothing.")
    password: bool = Field(description="Whether I have a password.")


class VouchingView(BaseModel):
    """Somebody who wants to be vouched for. Its `id` is the code that they tell the others."""

    id: str
    state: Literal["WAITING", "VOUCHED"]
    person: Someone
    by: list[Someone]
    need: int
    expires_at: int


class MyVouching(BaseModel):
    """My own, if there is one."""

    id: str
    state: Literal["NONE", "WAITING", "VOUCHED"]
    vouching: VouchingView | None


def asked_view(asked: Asked) -> AskedView:
    """As the API shows a challenge."""
    return AskedView(id=asked.challenge, expires_at=asked.expires_at, public_key=asked.options)


def _shown(one: Passkey) -> PasskeyView:
    return PasskeyView(
        id=one.id,
        state="ENROLLED" if one.removed_at is None else "REMOVED",
        name=one.name,
        credential=one.credential,
        algorithm=algorithm_of(one.public),
        rp_id=one.rp_id,
        origin=one.origin,
        transports=list(one.transports),
        entry=one.entry,
        enrolled_at=one.enrolled_at,
        last_used_at=one.last_used_at,
        removed_at=one.removed_at,
    )


@router.get("/passkeys")
async def list_passkeys(caller: ACaller, front: AFront) -> PasskeysView:
    """My passkeys, the removed too, and by what I could enrol one now."""
    party = front.passkeys.party
    return PasskeysView(
        items=[_shown(one) for one in await front.passkeys.list(caller.person)],
        rp_id=party.id if party is not None else "",
        proof=await front.passkeys.proof(caller.person, caller.visit, caller.token),
        password=await front.passwords.has_one(caller.person),
    )


@router.post("/passkeys/begin")
async def begin_passkey(caller: ACaller, front: AFront) -> AskedView:
    """What my browser makes a passkey from. It takes a fresh proof that it is me."""
    return asked_view(await front.passkeys.begin(caller.person, caller.visit, caller.token))


@router.post("/passkeys", status_code=201)
async def enrol_passkey(made: NewPasskey, caller: ACaller, front: AFront) -> PasskeyView:
    """Enrol what my browser made."""
    parts = (decode(made.client_data, ANSWER_BYTES_MAX), decode(made.attestation, ANSWER_BYTES_MAX))
    told = (made.name, *parts, made.transports, caller.token)
    return _shown(await front.passkeys.enrol(caller.person, caller.visit, *told))


@router.post("/passkeys/{id}/rename")
async def rename_passkey(id: Id, to: Renamed, caller: ACaller, front: AFront) -> PasskeyView:
    """Call a passkey of mine something else."""
    return _shown(await front.passkeys.rename(caller.person, id, to.name))


@router.post("/passkeys/{id}/remove")
async def remove_passkey(id: Id, caller: ACaller, front: AFront) -> PasskeyView:
    """Have a passkey of mine count no more. It takes a fresh proof that it is me."""
    return _shown(await front.passkeys.remove(caller.person, caller.visit, id, caller.token))


@router.post("/step-up/begin")
async def begin_step_up(caller: ACaller, front: AFront) -> AskedView:
    """What my browser shows a passkey of mine for."""
    return asked_view(await front.passkeys.begin_step_up(caller.person, caller.visit))


@router.post("/step-up")
async def step_up(given: AssertionBody, caller: ACaller, front: AFront) -> VisitView:
    """Show a passkey of mine: for ten minutes I can enrol and remove others."""
    visit = await front.passkeys.step_up(caller.person, caller.visit, given.read())
    return shown(visit, Someone(id=caller.person.id, email=caller.person.email, name=caller.person.name), True)


@router.post("/sign-in/passkey/begin", dependencies=[OwnPage])
async def begin_passkey_sign_in(request: Request, front: AFront) -> AskedView:
    """What a browser asks for, to sign in with a passkey alone."""
    front.attempts.check(client_of(request), "", front.office.now())
    return asked_view(await front.passkeys.begin_sign_in())


@router.post("/sign-in/passkey", dependencies=[OwnPage])
async def sign_in_with_passkey(given: AssertionBody, request: Request, response: Response, front: AFront) -> VisitView:
    """Sign a browser in with a passkey: alone, or beside the password that was given a moment ago."""
    client, now = client_of(request), front.office.now()
    with front.attempts.guess(client, "", now):
        opened = await front.passkeys.sign_in(given.read(), client)
    return welcome(response, front, opened)


@router.post("/vouchings", status_code=201)
async def ask_for_vouching(caller: ACaller, front: AFront) -> VouchingView:
    """A code to tell two others, of security or the operators, so that they vouch for me."""
    return await _vouching(front, await front.vouchings.ask(caller.person, caller.visit, caller.token))


@router.get("/vouchings/mine")
async def my_vouching(caller: ACaller, front: AFront) -> MyVouching:
    """Who has vouched for me so far."""
    found = await front.vouchings.mine(caller.person)
    if found is None:
        return MyVouching(id="vouching", state="NONE", vouching=None)
    view = await _vouching(front, found)
    return MyVouching(id=view.id, state=view.state, vouching=view)


@router.get("/vouchings/{code}")
async def show_vouching(code: Code, caller: ACaller, front: AFront) -> VouchingView:
    """Who wants to be vouched for by this code."""
    return await _vouching(front, await front.vouchings.look(caller.person, code))


@router.post("/vouchings/{code}/vouch")
async def vouch(code: Code, caller: ACaller, front: AFront) -> VouchingView:
    """Say that it is really them: I have spoken to them."""
    return await _vouching(front, await front.vouchings.vouch(caller.person, code))


async def _vouching(front: Front, found: Vouching) -> VouchingView:
    people = await front.reading.people()
    return VouchingView(
        id=f"{found.code[:4]}-{found.code[4:]}",
        state="VOUCHED" if found.state == "VOUCHED" else "WAITING",
        person=mapping.someone(people, found.person),
        by=[mapping.someone(people, one) for one in found.by],
        need=VOUCHERS,
        expires_at=found.expires_at,
    )
