"""Taking what people wrote out of things that stay: requests and grants as they are without those words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from daypass.domain.grant import Grant
from daypass.domain.people import Person
from daypass.domain.request import Request


def unsaid(request: Request) -> Request:
    """A request without what people wrote. Its digest stays; without its salt nothing can be told from it."""
    return replace(
        request,
        reason="",
        ticket="",
        digest_salt="",
        decided_because="",
        votes=tuple(replace(one, note="") for one in request.votes),
        messages=tuple(replace(one, text="") for one in request.messages),
    )


def unsaid_grant(grant: Grant) -> Grant:
    """A grant without what people and servers said when it was made longer and when it ended."""
    ending: Mapping[str, Any] | None = _closed(grant.ending, lambda by, note: "")
    if ending is not None:
        told = [{**one, "problem": ""} for one in ending.get("sessions", ())]
        kept = {key: value for key, value in ending.items() if key not in ("problems", "credential")}
        ending = {**kept, "sessions": told}
    extensions = tuple(replace(one, reason="") for one in grant.extensions)
    return replace(grant, end_note="", ending=ending, extensions=extensions)


def _closed(ending: Mapping[str, Any] | None, left: Callable[[str, str], str]) -> Mapping[str, Any] | None:
    """How a grant ended, with what is left of the note of whoever closed its end by hand."""
    closed = (ending or {}).get("closed_by_hand")
    if ending is None or closed is None:
        return ending
    return {**ending, "closed_by_hand": {**closed, "note": left(str(closed["by"]), str(closed["note"]))}}


class Theirs:
    """What one person wrote, and what others wrote that names them: by their address, or by their name as a word."""

    def __init__(self, person: Person) -> None:
        self.id = person.id
        named = {person.name, json.dumps(person.name, ensure_ascii=False)[1:-1]} - {""}
        words = "|".join(re.escape(name) for name in sorted(named)) or "(?!)"
        # Not `joana@…`, nor `Anabel`, for Ana.
        address = rf"(?<![\w.+-]){re.escape(person.email)}(?!\w|[.-]\w)"
        self._naming = re.compile(rf"{address}|(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)

    def named_in(self, text: str) -> bool:
        """Whether a text names them."""
        return self._naming.search(text) is not None

    def left_of(self, by: str | None, text: str) -> str:
        """What is left of a text that this one wrote."""
        return "" if by == self.id or self.named_in(text) else text

    def request(self, request: Request) -> Request:
        """A request as it is afterwards. Without a word of what was asked its digest must not tell it either."""
        author = request.asked_by or request.requester
        reason, ticket = self.left_of(author, request.reason), self.left_of(author, request.ticket)
        whole = (reason, ticket) == (request.reason, request.ticket)
        return replace(
            request,
            reason=reason,
            ticket=ticket,
            digest_salt=request.digest_salt if whole else "",
            decided_because=self.left_of(None, request.decided_because),
            votes=tuple(replace(one, note=self.left_of(one.person, one.note)) for one in request.votes),
            messages=tuple(replace(one, text=self.left_of(one.person, one.text)) for one in request.messages),
        )

    def grant(self, grant: Grant) -> Grant:
        """A grant as it is afterwards."""
        return replace(
            grant,
            end_note=self.left_of(grant.end_by, grant.end_note),
            ending=_closed(grant.ending, self.left_of),
            extensions=tuple(replace(one, reason=self.left_of(one.person, one.reason)) for one in grant.extensions),
        )
