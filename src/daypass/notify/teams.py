"""Microsoft Teams: Adaptive Cards to an incoming webhook of a workflow. It takes messages and answers nothing more, so
that what follows is a further card, and deciding is done where Daypass knows who decides.

Text stands in text runs, which show no markdown: nobody's reason can be a link.
"""

from __future__ import annotations

import json
from typing import Any

from daypass.notify.interface import Message, NotSent, Receipt
from daypass.notify.plain import OPEN, clean, line
from daypass.notify.reaching import Reach

TEXT_CHARS_MAX = 4000
"""Of one fact: Teams takes messages of 28 KB."""
FAILED = b"Webhook message delivery failed"
"""What Teams may say with a status of 200."""
GONE = (404, 410)


class Teams:
    """One webhook."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def send(self, message: Message, former: Receipt) -> Receipt:
        """See `Channel.send`."""
        body = json.dumps(envelope(message), ensure_ascii=False).encode()
        answer = await self._reach.post(body, {"Content-Type": "application/json"})
        if answer.ok and FAILED not in answer.body:
            return {"id": message.id}
        why = f"{self._reach.host} answered with HTTP status {answer.status}"
        raise NotSent(why, final=answer.status in GONE, after_seconds=answer.retry_after())

    async def check(self) -> str:
        return f"Microsoft Teams at {self._reach.host}; whether it takes cards only a test shows"

    async def close(self) -> None:
        await self._reach.close()


def envelope(message: Message) -> dict[str, Any]:
    """What a workflow's webhook takes."""
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card(message),
    }
    return {"type": "message", "attachments": [attachment]}


def card(message: Message) -> dict[str, Any]:
    """The Adaptive Card, version 1.4."""
    color = {"color": "attention"} if message.urgent else {}
    title = {"type": "TextRun", "text": line(message.title), "size": "large", "weight": "bolder", **color}
    body: list[dict[str, Any]] = [_run(title)]
    for label, text in message.facts:
        shown = clean(text, TEXT_CHARS_MAX) or "-"
        body.append(
            _run({"type": "TextRun", "text": f"{label}: ", "weight": "bolder"}, {"type": "TextRun", "text": shown})
        )
    for command in message.commands:
        body.append(_run({"type": "TextRun", "text": line(command), "fontType": "monospace"}))
    open_it = [{"type": "Action.OpenUrl", "title": OPEN, "url": message.link}] if message.link else []
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": line(message.title),
        "msteams": {"width": "Full"},
        "body": [{"type": "Container", "id": message.id, "items": body}],
        "actions": open_it,
    }


def _run(*inlines: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(inlines)}
