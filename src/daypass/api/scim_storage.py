"""What scim2-server reads and writes: our directory, asked from a thread, as its work on large groups takes long for a
loop that carries sessions.

Each call is one transaction of `services.directory`. What is written names the version that was read, so that a change
in between is noticed and the call made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from scim2_models import (
    ConflictException,
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    SCIMException,
    SearchRequest,
    UniquenessException,
)
from scim2_models.path import CompareOperator, Comparison
from scim2_server.storage import ScimStorage, SearchPage

from daypass.api.scim_models import Group, User, group_of, told_group_of, told_of, user_of, version_of
from daypass.domain.directory import EVERY, Filter, key_of
from daypass.domain.errors import Conflict, DaypassError, Invalid, NotFound
from daypass.domain.people import Person
from daypass.services.directory import Directory
from daypass.services.directory_reading import KeptGroup, Moved, Taken
from daypass.store.directory import Kind

SCANNED_AT_ONCE = 500
"""Entries read in one transaction while a filter looks at all of them."""
SECONDS_MAX = 30.0
"""One question to the store."""

T = TypeVar("T")


class Storage(ScimStorage):
    """Of one request, by this account. Its methods are called from a thread that is not `loop`'s."""

    def __init__(
        self,
        directory: Directory,
        by: Person,
        loop: asyncio.AbstractEventLoop,
        among: frozenset[str] | None = None,
        version: int | None = None,
    ) -> None:
        self._directory = directory
        self._by = by
        self._loop = loop
        self._among = among
        self._version = version

    def among(self, people: frozenset[str]) -> Storage:
        """The same, whose one group has no other members than these (ids): others are neither read nor written."""
        return Storage(self._directory, self._by, self._loop, people)

    def differing(self, id: str, wanted: frozenset[str]) -> tuple[Storage, frozenset[str]]:
        """`among` whoever is in this group or in `wanted`, and not in both; and which of them are wanted."""
        kept = self.group(id)
        inside = frozenset(kept.members or ())
        return Storage(self._directory, self._by, self._loop, wanted ^ inside, kept.entry.version), wanted - inside

    def group(self, id: str) -> KeptGroup:
        """A group with all its members, in our own form."""
        return self._wait(self._directory.group(id))

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        if _is_person(resource_type):
            return user_of(self._wait(self._directory.person(resource_id)))
        members = not _left_out(response_parameters)
        kept = self._wait(self._directory.group(resource_id, members=members, among=self._among))
        if self._version not in (None, kept.entry.version):
            raise PreconditionFailedException(detail="it was changed since it was read")
        return group_of(kept)

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        if len(resource_types) == 1 and search_request.sort_by is None:
            by_index = self._by_index(resource_types[0], search_request)
            if by_index is not None:
                return by_index
        found: list[Resource[Any]] = []
        for resource_type in resource_types:
            found += [one for one in self._all(resource_type, search_request) if _matches(search_request, one)]
        if search_request.sort_by is not None:
            down = search_request.sort_order == SearchRequest.SortOrder.descending
            found.sort(key=lambda one: _sort_key(search_request, one), reverse=down)
        start = search_request.start_index_0 or 0
        stop = None if search_request.count is None else start + search_request.count
        return SearchPage(len(found), found[start:stop])

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        if isinstance(resource, User):
            return user_of(self._wait(self._directory.add_person(self._by, told_of(resource))))
        assert isinstance(resource, Group)
        return group_of(self._wait(self._directory.add_group(self._by, told_group_of(resource))))

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        id, version = str(resource.id), version_of(expected_version)
        if isinstance(resource, User):
            return user_of(self._wait(self._directory.change_person(self._by, id, told_of(resource), version)))
        assert isinstance(resource, Group)
        told = told_group_of(resource)
        return group_of(self._wait(self._directory.change_group(self._by, id, told, version, among=self._among)))

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        remove = self._directory.remove_person if _is_person(resource_type) else self._directory.remove_group
        self._wait(remove(self._by, resource_id, version_of(expected_version)))

    def _by_index(self, resource_type: ResourceType, request: SearchRequest[Any]) -> SearchPage | None:
        """The page where no filter, or one that the store has an index for, is asked; None: there is none."""
        wanted = _indexed(resource_type, request)
        if wanted is None:
            return None
        kind: Kind = "person" if _is_person(resource_type) else "group"
        count = request.count if request.count is not None else SCANNED_AT_ONCE
        total = self._wait(self._directory.count(kind, wanted))
        start = request.start_index_0 or 0
        if not count or start >= total:
            return SearchPage(total, [])
        if kind == "person":
            people = self._wait(self._directory.people(wanted, offset=start, limit=count))
            return SearchPage(total, [user_of(one) for one in people])
        members = not _left_out(request)
        groups = self._wait(self._directory.groups(wanted, offset=start, limit=count, members=members))
        return SearchPage(total, [group_of(one) for one in groups])

    def _all(self, resource_type: ResourceType, request: SearchRequest[Any]) -> Iterator[Resource[Any]]:
        after = ""
        while True:
            part: list[Resource[Any]]
            if _is_person(resource_type):
                part = [user_of(one) for one in self._wait(self._directory.people(after=after, limit=SCANNED_AT_ONCE))]
            else:
                groups = self._wait(self._directory.groups(after=after, limit=SCANNED_AT_ONCE))
                part = [group_of(one) for one in groups]
            yield from part
            if len(part) < SCANNED_AT_ONCE:
                return
            after = str(part[-1].id)

    def _wait(self, asked: Awaitable[T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(_awaiting(asked), self._loop).result(SECONDS_MAX)
        except DaypassError as problem:
            raised = _in_scim(problem)
            if raised is None:
                raise
            raise raised from problem


async def _awaiting(asked: Awaitable[T]) -> T:
    return await asked


def _in_scim(problem: DaypassError) -> SCIMException | None:
    kinds: tuple[tuple[type[DaypassError], Callable[..., SCIMException]], ...] = (
        (Moved, PreconditionFailedException),
        (Taken, UniquenessException),
        (Conflict, ConflictException),
        (NotFound, NotFoundException),
        (Invalid, InvalidValueException),
    )
    return next((made(detail=str(problem)) for kind, made in kinds if isinstance(problem, kind)), None)


def _is_person(resource_type: ResourceType) -> bool:
    return resource_type.name == "User"


def _left_out(parameters: ResponseParameters[Any] | None) -> bool:
    """Whether the answer is to be without a group's members."""
    if parameters is None:
        return False
    named = [str(one).lower() for one in parameters.attributes or []]
    if named:
        return not any("members" in one for one in named)
    return any(
        str(one).lower() in ("members", f"{Group.__schema__}:members".lower())
        for one in parameters.excluded_attributes or []
    )


def _indexed(resource_type: ResourceType, request: SearchRequest[Any]) -> Filter | None:
    """What the store is asked instead of a filter that compares one of its columns; None: all are looked at."""
    if request.filter is None:
        return EVERY
    node = request.filter.ast
    if not isinstance(node, Comparison) or node.op != CompareOperator.eq or not isinstance(node.value, str):
        return None
    path = str(node.attr_path).rpartition(":")[2].lower()
    if path not in ("username" if _is_person(resource_type) else "displayname", "externalid"):
        return None
    return Filter(external_id=node.value) if path == "externalid" else Filter(key=key_of(node.value))


def _matches(request: SearchRequest[Any], resource: Resource[Any]) -> bool:
    return request.filter is None or request.filter.match(resource)


def _sort_key(request: SearchRequest[Any], resource: Resource[Any]) -> tuple[bool, Any, str]:
    value = request.sort_value(resource)
    return value is None, value if value is not None else "", str(resource.id)
