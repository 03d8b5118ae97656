"""What is kept of a task that another system asked for: the order of its items, and whom to call back when it is over.

A callback goes only to a webhook of the settings that allows them (`callbacks: true`), named by its very URL, through
the outbox and signed like every webhook. It says that a task is over and gives nothing: who is called asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daypass.domain.errors import Invalid
from daypass.domain.request import Request
from daypass.domain.standing import Notice
from daypass.domain.task import EVENTS, PENDING, whole
from daypass.services.office import Change, Office
from daypass.store.interface import Page, Transaction

TASK = "task"
"""The kind of notice that a callback is."""

STATE_CHARS_MAX = 1000
"""What the caller wants back unchanged, to find its own by."""

PARTS_MAX = 50


@dataclass(frozen=True, slots=True)
class Callback:
    """Where to say that a task is over, with what state of the caller's, and of which ends (none: of every)."""

    endpoint: str
    state: str = ""
    events: tuple[str, ...] = ()


class Tasks:
    """Keeps and reads."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def check(self, callback: Callback | None) -> None:
        """Raise `Invalid` for a callback that would not be made."""
        if callback is None:
            return
        if not any(one.callback and one.callback == callback.endpoint for one in self._office.channels):
            raise Invalid(
                "callback.endpoint is not among those that the settings allow", hint="notify.webhooks: callbacks: true"
            )
        if unknown := next((one for one in callback.events if one not in EVENTS), None):
            raise Invalid(f"callback.events: {unknown} is none of {', '.join(EVENTS)}")

    async def remember(self, id: str, items: Sequence[str], callback: Callback | None, endpoint: str) -> None:
        """Keep it. `items`: the requests in the order in which they were asked for; `endpoint`: where its status is."""
        kept: dict[str, object] = {"items": list(items), "endpoint": endpoint}
        if callback is not None:
            channel = next(one.name for one in self._office.channels if one.callback == callback.endpoint)
            kept["callback"] = {"channel": channel, "state": callback.state, "events": list(callback.events)}
        async with self._office.change() as change:
            await change.tx.save_setting(_key(id), json.dumps(kept))

    async def order(self, id: str) -> Sequence[str]:
        """The requests of a task, in the order in which they were asked for; empty: nothing is known of it."""
        async with self._office.reading() as tx:
            return list((await _kept(tx, id)).get("items", ()))


async def call_back(office: Office, change: Change, request: Request) -> None:
    """File the callback of the task that this request was the last one of to end, if one was asked for."""
    id = request.bundle or request.id
    kept = await _kept(change.tx, id)
    wanted = kept.get("callback")
    if wanted is None:
        return
    parts = await change.tx.requests(bundle=id, page=Page(PARTS_MAX)) if request.bundle else ()
    states = {one.id: one.state for one in parts} | {request.id: request.state}
    status = whole(list(states.values()))
    if status == PENDING or (wanted["events"] and status not in wanted["events"]):
        return
    task = {"id": id, "status": status, "status_endpoint": kept["endpoint"]}
    told = {"task": task} | ({"state": wanted["state"]} if wanted["state"] else {})
    now = office.now()
    notice = Notice(office.new_id(), wanted["channel"], "", TASK, {"body": told}, now, now)
    await change.tx.save_notice(notice)


async def _kept(tx: Transaction, id: str) -> Mapping[str, Any]:
    found = await tx.setting(_key(id))
    kept: Mapping[str, Any] = json.loads(found) if found else {}
    return kept


def _key(id: str) -> str:
    return f"task:{id}"
