"""Messages and the dialog as Slack's Block Kit. What people wrote stands in rich text, which Slack shows as it is: no
mentions, no links, no formatting come of it.
"""

from __future__ import annotations

import json
from typing import Any

from daypass.notify.interface import Choices, Message
from daypass.notify.plain import OPEN, clean, line

Block = dict[str, Any]

HEADER_CHARS_MAX = 150
TEXT_CHARS_MAX = 3000
"""Slack's own limits."""
NOTE_CHARS_MAX = 2000

APPROVE, DENY = "daypass_approve", "daypass_deny"
"""What buttons and the dialog are called in what Slack sends us."""
CHOICES, NOTE = "daypass_choices", "daypass_note"
NOTICE = "daypass_notice"


def fallback(message: Message) -> str:
    """What stands where blocks can't, with Slack's three control characters escaped."""
    said = line(message.title, HEADER_CHARS_MAX)
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(message: Message) -> list[Block]:
    """The whole message."""
    found: list[Block] = [{"type": "header", "text": _plain(line(message.title, HEADER_CHARS_MAX))}]
    told: list[Block] = [_fact(label, text) for label, text in message.facts]
    told += [{"type": "rich_text_preformatted", "elements": [_text(line(one))]} for one in message.commands]
    if message.link:
        link = {"type": "link", "url": message.link, "text": OPEN}
        told.append({"type": "rich_text_section", "elements": [link]})
    if told:
        found.append({"type": "rich_text", "elements": told})
    if message.choices is not None:
        found.append(_buttons(message.choices))
    return found


def dialog(value: str) -> Block:
    """The dialog that asks why something is denied; `value` is the button's."""
    note = {"type": "plain_text_input", "action_id": NOTE, "multiline": True, "max_length": NOTE_CHARS_MAX}
    return {
        "type": "modal",
        "callback_id": DENY,
        "private_metadata": value,
        "title": _plain("Deny"),
        "submit": _plain("Deny"),
        "close": _plain("Back"),
        "blocks": [{"type": "input", "block_id": NOTE, "label": _plain("Why?"), "element": note}],
    }


def value_of(choices: Choices) -> str:
    """What a button carries: the request, and the digest of exactly what its message showed."""
    return json.dumps({"request": choices.request, "digest": choices.digest}, separators=(",", ":"))


def choices_of(value: str) -> Choices:
    """And back. Raises ValueError."""
    told = json.loads(value)
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in ("request", "digest")):
        raise ValueError("this button is not one of ours")
    return Choices(told["request"], told["digest"])


def _fact(label: str, text: str) -> Block:
    shown = clean(text, TEXT_CHARS_MAX) or "-"
    return {"type": "rich_text_section", "elements": [_text(f"{label}: ", bold=True), _text(f"{shown}\n")]}


def _text(text: str, *, bold: bool = False) -> Block:
    return {"type": "text", "text": text, **({"style": {"bold": True}} if bold else {})}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _buttons(choices: Choices) -> Block:
    value = value_of(choices)
    sure = {
        "title": _plain("Approve?"),
        "text": _plain("You approve exactly what this message shows, in your name."),
        "confirm": _plain("Approve"),
        "deny": _plain("Back"),
    }
    approve = {
        "type": "button",
        "action_id": APPROVE,
        "text": _plain("Approve"),
        "style": "primary",
        "value": value,
        "confirm": sure,
    }
    deny = {"type": "button", "action_id": DENY, "text": _plain("Deny …"), "style": "danger", "value": value}
    return {"type": "actions", "block_id": CHOICES, "elements": [approve, deny]}
