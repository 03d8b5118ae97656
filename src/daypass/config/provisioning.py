"""`identity.scim`: whether a directory says who there is, by which account, and what of ours it may take over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol as Interface

from daypass.domain.documents import Node
from daypass.domain.people import ADDRESS

SCIM_KEYS = ("account", "adopt", "external_id_is_subject", "shared_groups")

_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class ScimSettings:
    """How a directory provisions people. `account`: the address of the service account whose token it holds."""

    account: str
    adopt: bool = False
    """Whether it takes over, by their address, accounts that signing in made, and those that the settings list no
    more. Their tokens and keys are revoked then."""
    external_id_is_subject: bool = False
    """Whether its `externalId` is what the identity provider calls somebody (`sub`)."""
    shared_groups: frozenset[str] = frozenset()
    """Groups that both the settings and the directory fill."""


class Listed(Interface):
    @property
    def agent_of(self) -> str: ...


def read_scim(node: Node, people: Mapping[str, Listed]) -> ScimSettings:
    """Read and check it. `people`: those whom the settings list, by address. Raises ConfigError."""
    keys = node.mapping(SCIM_KEYS, needs=("account",))
    account = keys["account"].text(ADDRESS, "the address of a service account, like okta@acme.test").lower()
    found = people.get(account)
    if found is None or not found.agent_of:
        raise keys["account"].wrong("must be somebody of identity.people with an owner (agent_of)")
    shared = keys["shared_groups"].sequence() if "shared_groups" in keys else ()
    return ScimSettings(
        account,
        adopt=keys["adopt"].flag() if "adopt" in keys else False,
        external_id_is_subject=keys["external_id_is_subject"].flag() if "external_id_is_subject" in keys else False,
        shared_groups=frozenset(
            one.text(_GROUP, "a group's name of letters, digits, dots and dashes") for one in shared
        ),
    )
