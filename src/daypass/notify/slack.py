"""Slack, by its Web API: messages to people or to one room, changed in place when there is news; and who somebody is.

https://docs.slack.dev/reference/methods: what writes takes JSON, what looks up takes a form. Every answer has `ok`;
one with status 429 says in `Retry-After` how long to wait.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from daypass.notify.interface import Message, NotSent, Receipt
from daypass.notify.reaching import Reach
from daypass.notify.slack_blocks import NOTICE, blocks, dialog, fallback

FINAL = frozenset(
    {
        "users_not_found",
        "user_not_found",
        "user_disabled",
        "channel_not_found",
        "is_archived",
        "cannot_dm_bot",
        "msg_too_long",
        "msg_blocks_too_long",
        "invalid_blocks",
        "invalid_blocks_format",
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "no_text",
    }
)
"""Errors that no further attempt changes."""
KNOWN_MAX = 10_000
"""People whose ids are remembered."""
KNOWN_SECONDS = 3600.0
"""For how long: whoever leaves or changes their address is asked about again."""


class Slack:
    """One app in one workspace. `room`: the conversation it posts to (empty: to people, each by themselves); `people`:
    the ids of those whose addresses Slack does not know, by address; `buttons`: whether somebody takes what is
    pressed."""

    def __init__(
        self,
        reach: Reach,
        token: str,
        *,
        room: str = "",
        people: Mapping[str, str] | None = None,
        buttons: bool = True,
    ) -> None:
        self._reach = reach
        self._buttons = buttons
        self._token = token
        self._room = room
        self._people = dict(people or {})
        self._known: dict[str, tuple[float, str]] = {}
        self._team = ""

    # -- telling ------------------------------------------------------------------------------------------------

    async def send(self, message: Message, former: Receipt) -> Receipt:
        """See `Channel.send`. A quiet message changes the former one; one with new choices takes them off it."""
        if not self._buttons:
            message = replace(message, choices=None)
        if former and message.quiet:
            await self._update(message, former)
            return former
        if former and message.choices is not None:
            await self._update(replace(message, choices=None), former)
        to = self._room or await self._id_of(message.to.email)
        told = await self._write("chat.postMessage", {"channel": to, **_said(message)})
        return {"channel": str(told.get("channel", to)), "ts": str(told.get("ts", ""))}

    async def _update(self, message: Message, former: Receipt) -> None:
        where = {"channel": former.get("channel", ""), "ts": former.get("ts", "")}
        await self._write("chat.update", {**where, **_said(message)})

    async def whisper(self, channel: str, user: str, text: str) -> None:
        """Say something to one person in a conversation, seen by nobody else. Raises NotSent."""
        said = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        await self._write("chat.postEphemeral", {"channel": channel, "user": user, "text": said})

    async def ask_why(self, trigger: str, value: str) -> None:
        """Open the dialog that asks why. A trigger is good for three seconds. Raises NotSent."""
        await self._write("views.open", {"trigger_id": trigger, "view": dialog(value)})

    # -- who is who ---------------------------------------------------------------------------------------------

    async def _id_of(self, email: str) -> str:
        if email in self._people:
            return self._people[email]
        if (known := self._recall(email)) is not None:
            return known
        told = await self._read("users.lookupByEmail", {"email": email})
        return self._remember(email, str(told.get("user", {}).get("id", "")))

    async def email_of(self, user: str) -> str | None:
        """The address of somebody who pressed a button: as the settings say, else as Slack does. None for who is no
        full member of this workspace, or has an address that nobody confirmed. Raises NotSent."""
        listed = next((email for email, id in self._people.items() if id == user), None)
        if listed is not None:
            return listed
        if (known := self._recall(user)) is not None:
            return known or None
        told = (await self._read("users.info", {"user": user})).get("user", {})
        return self._remember(user, await self._vouched(told)) or None

    async def _vouched(self, user: Mapping[str, Any]) -> str:
        outside = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot")
        if any(user.get(name) for name in outside) or user.get("is_email_confirmed") is False:
            return ""
        if user.get("team_id") not in (None, await self._own_team()):
            return ""
        return str(user.get("profile", {}).get("email") or "").strip().lower()

    async def _own_team(self) -> str:
        if not self._team:
            self._team = str((await self._read("auth.test", {})).get("team_id", ""))
        return self._team

    def _recall(self, key: str) -> str | None:
        until, value = self._known.get(key, (0.0, ""))
        return value if until > time.monotonic() else None

    def _remember(self, key: str, value: str) -> str:
        while len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[key] = (time.monotonic() + KNOWN_SECONDS, value)
        return value

    # -- the Web API --------------------------------------------------------------------------------------------

    async def check(self) -> str:
        told = await self._read("auth.test", {})
        where = f", in {self._room}" if self._room else ""
        return f"Slack as {told.get('user', '?')} of {told.get('team', '?')}{where}"

    async def _write(self, method: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        return await self._call(method, json.dumps(body).encode(), "application/json; charset=utf-8")

    async def _read(self, method: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        return await self._call(method, urlencode(body).encode(), "application/x-www-form-urlencoded")

    async def _call(self, method: str, body: bytes, media: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": media}
        answer = await self._reach.post(body, headers, path=f"/{method}")
        told = answer.json()
        if answer.ok and isinstance(told, dict) and told.get("ok") is True:
            return told
        error = str(told.get("error", "")) if isinstance(told, dict) else ""
        why = f"Slack's {method} answered {error or f'HTTP status {answer.status}'}"
        raise NotSent(why, final=error in FINAL, after_seconds=answer.retry_after())

    async def close(self) -> None:
        await self._reach.close()


def _said(message: Message) -> dict[str, object]:
    return {
        "text": fallback(message),
        "blocks": blocks(message),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": NOTICE, "event_payload": {"id": message.id, "kind": message.kind}},
    }
