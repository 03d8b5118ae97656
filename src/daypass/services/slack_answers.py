"""What people press in Slack: verified to come from Slack, now and once; from somebody we know; and then the same vote
as any other, for exactly the digest that their message showed. Slack decides nothing: `Requests` does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import structlog

from daypass.domain.durations import SECOND_MS
from daypass.domain.errors import DaypassError, Invalid, Refused, Unauthenticated, Unavailable
from daypass.domain.people import Person
from daypass.notify.interface import NotSent
from daypass.notify.slack import Slack
from daypass.notify.slack_blocks import APPROVE, DENY, NOTE, choices_of
from daypass.notify.slack_signature import AGE_SECONDS_MAX, check_signature
from daypass.services.office import Office
from daypass.services.requests import Requests

KNOWN_SECONDS_MAX = 2.5
"""Slack waits three seconds for an answer."""
VIA = "slack"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reply:
    """What Slack is answered, and what is to be done once it was."""

    body: Mapping[str, object] = field(default_factory=dict)
    after: Callable[[], Awaitable[None]] | None = None


class SlackAnswers:
    """`secret` is the app's signing secret."""

    def __init__(self, office: Office, requests: Requests, slack: Slack, secret: str) -> None:
        self._office = office
        self._requests = requests
        self._slack = slack
        self._secret = secret

    async def take(self, timestamp: str, signature: str, body: bytes) -> Reply:
        """One request of Slack's. Raise `Unauthenticated` unless Slack has just signed it and it is here for the first
        time."""
        now = self._office.now()
        check_signature(self._secret, timestamp, body, signature, now / SECOND_MS)
        async with self._office.store.begin() as tx:
            until = now + 2 * AGE_SECONDS_MAX * SECOND_MS
            if not await tx.once(f"slack {signature}", now=now, until=until):
                raise Unauthenticated("this was here before")
        told = _payload(body)
        user = str(told.get("user", {}).get("id", ""))
        if told.get("type") == "view_submission" and told.get("view", {}).get("callback_id") == DENY:
            return await self._denied(user, told["view"])
        if told.get("type") == "block_actions":
            return await self._pressed(user, told)
        return Reply()

    async def _pressed(self, user: str, told: Mapping[str, Any]) -> Reply:
        action = (told.get("actions") or [{}])[0]
        channel = str(told.get("container", {}).get("channel_id") or told.get("channel", {}).get("id", ""))
        try:
            if action.get("action_id") == DENY:
                choices_of(str(action.get("value", "")))
                await self._slack.ask_why(str(told.get("trigger_id", "")), str(action.get("value", "")))
            elif action.get("action_id") == APPROVE:
                wanted = choices_of(str(action.get("value", "")))
                person = await self._person(user)
                await self._requests.approve(person, wanted.request, digest=wanted.digest, via=VIA)
        except (DaypassError, NotSent, ValueError) as problem:
            return Reply(after=self._whispering(channel, user, _said(problem)))
        return Reply()

    async def _denied(self, user: str, view: Mapping[str, Any]) -> Reply:
        """The dialog was sent: what is wrong with it, it shows itself."""
        try:
            wanted = choices_of(str(view.get("private_metadata", "")))
            note = str(view.get("state", {}).get("values", {}).get(NOTE, {}).get(NOTE, {}).get("value") or "")
            person = await self._person(user)
            await self._requests.deny(person, wanted.request, digest=wanted.digest, note=note, via=VIA)
        except (DaypassError, NotSent, ValueError) as problem:
            return Reply({"response_action": "errors", "errors": {NOTE: _said(problem)}})
        return Reply()

    async def _person(self, user: str) -> Person:
        """Who that is here. Raise `Refused` for nobody."""
        try:
            async with asyncio.timeout(KNOWN_SECONDS_MAX):
                email = await self._slack.email_of(user)
        except TimeoutError:
            raise Unavailable("Slack did not say in time who you are; nothing was decided", hint="try again") from None
        async with self._office.reading() as tx:
            person = await tx.person_by_email(email) if email else None
        if person is None or person.disabled:
            raise Refused("Daypass does not know you by the address that Slack has of you; nothing was decided")
        return person

    def _whispering(self, channel: str, user: str, said: str) -> Callable[[], Awaitable[None]]:
        async def whisper() -> None:
            try:
                await self._slack.whisper(channel, user, said)
            except NotSent as problem:
                log.error("somebody's button did nothing, and they could not be told", problem=problem.why)

        return whisper


def _payload(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(parse_qs(body.decode(), strict_parsing=True)["payload"][0])
    except (ValueError, KeyError) as problem:
        raise Invalid("this is no interaction of Slack's") from problem
    if not isinstance(told, dict):
        raise Invalid("this is no interaction of Slack's")
    return told


def _said(problem: Exception) -> str:
    if isinstance(problem, DaypassError):
        return f"{problem.message} ({problem.hint})" if problem.hint else problem.message
    return problem.why if isinstance(problem, NotSent) else "this button is not one of ours"
