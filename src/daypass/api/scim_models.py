"""People and groups in SCIM's forms (RFC 7643): what we keep of them, and the way to and from ours.

Of a person we keep what access is decided by and what names them: no telephone numbers, titles or passwords. What a
client sends beside that is taken and dropped; a schema that we publish says what is kept.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field
from scim2_models import (
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    External,
    Filter,
    Meta,
    Mutability,
    Name,
    Patch,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.urn import URN

from daypass.domain.directory import Told, ToldGroup
from daypass.services.directory_reading import Kept, KeptGroup

PAGE_MAX = 200
"""Entries in one answer; clients ask for the next page."""


class Email(ComplexAttribute):
    """An address. The primary one, else that at work, else the first is the account's."""

    value: str | None = None
    type: str | None = None
    primary: bool | None = None


class Membership(ComplexAttribute):
    """A group that a person is in."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    ref: Annotated[Reference[Group] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, Mutability.read_only] = None


class User(Resource[Any]):
    """A person."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: Name | None = None
    display_name: str | None = None
    emails: list[Email] | None = None
    active: bool | None = None
    groups: Annotated[list[Membership] | None, Mutability.read_only] = None

    Emails: ClassVar[type[ComplexAttribute]] = Email


class Member(ComplexAttribute):
    """Somebody in a group. People only: a group in a group would say who may what in two places."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    members: list[Member] | None = None

    Members: ClassVar[type[ComplexAttribute]] = Member


def make_provider(docs: str) -> ScimProvider:
    """What we serve, and how far we follow clients who depart from the RFC. `docs`: where it is told."""
    config = ServiceProviderConfig(
        documentation_uri=Reference[External](docs),
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=PAGE_MAX),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Daypass token",
                description="A token of the scope scim: daypass people token ACCOUNT --scope scim",
                primary=True,
            )
        ],
    )
    policy = ScimPolicy(
        unknown=ScimPolicy.Unknown.ignore,
        remove_value_as_filter=ScimPolicy.RemoveValue.apply,
        unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
    )
    return ScimProvider(models=[User, Group], config=config, policy=policy)


def told_of(user: User) -> Told:
    """A person as the directory wants them."""
    login = (user.user_name or "").strip()
    return Told(
        login=login,
        email=(_address(user.emails or []) or login).strip().lower(),
        name=_name(user) or login,
        active=user.active,
        external_id=user.external_id or "",
        document=_document(user, "groups"),
    )


def told_group_of(group: Group) -> ToldGroup:
    """A group as the directory wants it."""
    members = frozenset(one.value for one in group.members or [] if one.value)
    name = (group.display_name or "").strip()
    return ToldGroup(name, group.external_id or "", _document(group, "members"), members)


def user_of(kept: Kept) -> User:
    """A person in SCIM's form. Whether they are active is the account's word, not the document's."""
    user: User = User.model_validate({"schemas": [User.__schema__], **json.loads(kept.entry.document)})
    user.id, user.active = kept.person.id, not kept.person.disabled
    found = [Membership(value=one.id, ref=Reference(f"Groups/{one.id}"), display=one.name) for one in kept.groups]
    user.groups = found or None
    user.meta = _meta("User", kept)
    return user


def group_of(kept: KeptGroup) -> Group:
    """A group in SCIM's form."""
    group: Group = Group.model_validate({"schemas": [Group.__schema__], **json.loads(kept.entry.document)})
    group.id = kept.entry.id
    found = [Member(value=id, ref=Reference(f"Users/{id}"), type="User") for id in kept.members or ()]
    group.members = found or None
    group.meta = _meta("Group", kept)
    return group


def version_of(etag: str | None) -> int | None:
    """The version that an ETag of ours names; None: no ETag."""
    return int(etag.removeprefix('W/"').removesuffix('"')) if etag else None


def _meta(kind: str, kept: Kept | KeptGroup) -> Meta:
    entry = kept.entry
    return Meta(
        resource_type=kind,
        created=datetime.fromtimestamp(entry.created_at / 1000, UTC),
        last_modified=datetime.fromtimestamp(entry.changed_at / 1000, UTC),
        version=f'W/"{entry.version}"',
    )


def _document(resource: Resource[Any], apart: str) -> str:
    """What is kept as it was said; what hangs on others is kept apart."""
    said = resource.model_dump()
    for name in (apart, "id", "meta", "active", "schemas"):
        said.pop(name, None)
    return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _address(emails: list[Email]) -> str:
    """The account's address."""
    told = [one for one in emails if one.value]
    primary = [one for one in told if one.primary] + [one for one in told if (one.type or "").lower() == "work"]
    found = (*primary, *told)
    return (found[0].value or "") if found else ""


def _name(user: User) -> str:
    name = user.name
    parts = [part for part in (name.given_name, name.family_name) if part] if name is not None else []
    return (user.display_name or (name.formatted if name is not None else None) or " ".join(parts)).strip()
