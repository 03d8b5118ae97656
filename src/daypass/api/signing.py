"""Routes of the keys that votes are signed with, and of the checkpoint that a signed vote names."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from daypass.api.front import ACaller, AFront
from daypass.api.models import NAME_MAX, TEXT_MAX, Page
from daypass.api.strict import Strict
from daypass.domain.standing import EnrolledKey

router = APIRouter(tags=["keys"])


class NewKey(Strict):
    """A public key of one's own."""

    public: str = Field(min_length=1, max_length=TEXT_MAX, description="The line of the public key's file.")


class KeyView(BaseModel):
    """A key that votes are signed with: its public half."""

    id: str
    state: Literal["ENROLLED", "REVOKED"]
    public: str
    fingerprint: str
    enrolled_at: int
    revoked_at: int | None


class CheckpointView(BaseModel):
    """The newest published checkpoint of the ledger. Its `id` is the ledger's origin."""

    id: str
    state: Literal["PUBLISHED", "NONE"]
    note: str = Field(description="The signed note; empty: none was published yet.")


def _shown(key: EnrolledKey) -> KeyView:
    return KeyView(
        id=key.id,
        state="ENROLLED" if key.revoked_at is None else "REVOKED",
        public=key.public,
        fingerprint=key.fingerprint,
        enrolled_at=key.enrolled_at,
        revoked_at=key.revoked_at,
    )


@router.get("/keys")
async def list_keys(caller: ACaller, front: AFront) -> Page[KeyView]:
    """My keys, the revoked too."""
    return Page(items=[_shown(one) for one in await front.signing.list(caller.person)])


@router.post("/keys", status_code=201)
async def enrol_key(wanted: NewKey, caller: ACaller, front: AFront) -> KeyView:
    """Enrol a public key of mine, to sign votes with."""
    return _shown(await front.signing.enrol(caller.person, wanted.public))


@router.post("/keys/{id}/revoke")
async def revoke_key(
    id: Annotated[str, Path(max_length=NAME_MAX, description="The id, or its beginning or end.")],
    caller: ACaller,
    front: AFront,
) -> KeyView:
    """Have a key of mine count no more."""
    return _shown(await front.signing.revoke(caller.person, id))


@router.get("/checkpoint")
async def newest_checkpoint(caller: ACaller, front: AFront) -> CheckpointView:
    """The newest published checkpoint: what a signed vote says that its signer saw."""
    raw = await asyncio.to_thread(front.log.read, "checkpoint")
    note = (raw or b"").decode()
    return CheckpointView(id=note.partition("\n")[0], state="PUBLISHED" if note else "NONE", note=note)
