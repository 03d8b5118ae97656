"""What a directory (SCIM) says of people and groups, and what of that is kept beside the account.

An account has one keeper: the settings, the identity provider's sign-ins, or the directory. The directory's word counts
for the accounts that it keeps; it takes no other by an equal address or name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCIM = "scim"
"""The `source` of accounts that a directory keeps."""

GROUP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""A group's name as policy can name it. A directory's group of another name is kept, and opens nothing."""

TEXT_CHARS_MAX = 200
"""Of a name, a login, an id of the directory's; longer ones are a mistake."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A person or a group of the directory as it is kept. `document`: its attributes as JSON; `name`: its login, or the
    group's name; `key`: that in the one spelling by which it is unique. `version` rises with every change."""

    id: str
    key: str
    name: str
    external_id: str
    document: str
    created_at: int
    changed_at: int
    version: int
    gone_at: int | None = None
    """When the directory deleted it. A person's entry is kept without its document, so that nobody else comes by the
    account through the same address."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are meant: those with this key and this id of the directory's; None: whatever it is."""

    key: str | None = None
    external_id: str | None = None


EVERY = Filter()


@dataclass(frozen=True, slots=True)
class Told:
    """A person as the directory wants them. `active`: None where it says nothing of it; then they stay as they are."""

    login: str
    email: str
    name: str
    active: bool | None
    external_id: str
    document: str


@dataclass(frozen=True, slots=True)
class ToldGroup:
    """A group as the directory wants it. `members`: ids of people."""

    name: str
    external_id: str
    document: str
    members: frozenset[str]


def key_of(text: str) -> str:
    """The spelling by which logins and names of groups are unique: nobody tells `Leads` from `leads`."""
    return text.strip().casefold()
