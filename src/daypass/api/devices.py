"""Routes of command lines that sign in through a browser: they ask and poll, somebody who is signed in allows it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from daypass.api.front import ACaller, AFront, client_of
from daypass.api.models import NAME_MAX
from daypass.api.strict import Strict
from daypass.services.devices import CLIENT_CHARS_MAX, POLL_MS, Device

router = APIRouter(tags=["signing in"])

Code = Annotated[str, Path(max_length=NAME_MAX, description="The code that the command line shows.")]


class NewDevice(Strict):
    """A command line that wants to sign in."""

    client: str = Field(default="", max_length=CLIENT_CHARS_MAX, description="What it is: its machine's name.")


class Poll(Strict):
    """A command line that asks whether it was let in."""

    device: str = Field(min_length=1, max_length=NAME_MAX, description="The secret that it got.")


class DeviceView(BaseModel):
    """A command line that waits to be let in."""

    id: str = Field(description="The code.")
    state: Literal["WAITING", "ALLOWED", "REFUSED"]
    client: str
    seen_from: str
    made_at: int
    expires_at: int


class Waiting(DeviceView):
    """The same, for the command line itself."""

    device: str = Field(description="What it polls with; shown to it alone.")
    url: str = Field(description="The page where somebody allows it; the code is in it.")
    poll_ms: int


class PollView(BaseModel):
    """Whether it was let in. `token` is shown once."""

    id: str
    state: Literal["WAITING", "LIVE"]
    token: str | None = None
    expires_at: int | None = None


@router.post("/devices", status_code=201)
async def begin_device(wanted: NewDevice, request: Request, front: AFront) -> Waiting:
    """Begin to sign a command line in."""
    client = client_of(request)
    front.attempts.check(client, "", front.office.now())
    front.attempts.begun(client, "device", front.office.now())
    made = await front.devices.begin(wanted.client, client)
    view, code = _shown(made), _spoken(made.code)
    url = f"{front.public_url}/device?code={code}"
    return Waiting(**view.model_dump(), device=made.secret, url=url, poll_ms=POLL_MS)


@router.post("/devices/poll")
async def poll_device(asked: Poll, front: AFront) -> PollView:
    """Whether it was let in: every two seconds at most. The token comes once."""
    issued = await front.devices.poll(asked.device)
    if issued is None:
        return PollView(id="device", state="WAITING")
    return PollView(id=issued.token.id, state="LIVE", token=issued.secret, expires_at=issued.token.expires_at)


@router.get("/devices/{code}")
async def show_device(code: Code, caller: ACaller, front: AFront) -> DeviceView:
    """Who waits with this code."""
    return _shown(await front.devices.look(caller.person, code))


@router.post("/devices/{code}/allow")
async def allow_device(code: Code, caller: ACaller, front: AFront) -> DeviceView:
    """Let it in as me, until this browser's visit is over."""
    return _shown(await front.devices.answer(caller.person, caller.visit, code, allow=True))


@router.post("/devices/{code}/refuse")
async def refuse_device(code: Code, caller: ACaller, front: AFront) -> DeviceView:
    """Do not let it in."""
    return _shown(await front.devices.answer(caller.person, caller.visit, code, allow=False))


def _shown(device: Device) -> DeviceView:
    return DeviceView(
        id=_spoken(device.code),
        state=device.state,
        client=device.client,
        seen_from=device.seen_from,
        made_at=device.made_at,
        expires_at=device.expires_at,
    )


def _spoken(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"
