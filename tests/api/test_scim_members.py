"""A PATCH or PUT of a group looks at the members on whom it turns, and does what it does with all of it at hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scim2_models import Context, PatchOp, SCIMException
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.service import ScimService

from daypass.api.scim_forms import plainly
from daypass.api.scim_members import Handler, members_named
from daypass.api.scim_models import Group, make_provider
from daypass.api.scim_storage import Storage
from daypass.domain.directory import ToldGroup
from daypass.domain.events import Event
from tests.services.conftest import World, asked_of_store, migrated_database, migrated_file, opener, store, world
from tests.services.test_directory import Provisioning, provisioning

__all__ = ["migrated_database", "migrated_file", "opener", "store", "world"]

URL = "http://localhost:8420/scim/v2"
GROUP = str(Group.__schema__)
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SERVICE = ScimService(make_provider(URL))

WHO = ("nora", "nils", "nele", "nick", "nina")
IDS = (*(f"ID:{name}" for name in WHO), "nobody", "")
NAMED_AS = "NAME"
"""What stands in a patch for the group's own name."""


def patch_of(*operations: object) -> bytes:
    return json.dumps({"schemas": [PATCH], "Operations": operations}).encode()


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ({"op": "Add", "path": "members", "value": [{"value": "a"}, {"value": "b", "display": "B"}]}, "ab"),
        ({"op": "add", "path": "members", "value": {"value": "a"}}, "a"),
        ({"op": "add", "path": f"{GROUP}:Members", "value": [{"Value": "a"}, {"value": "a"}]}, "a"),
        ({"op": "add", "value": {"members": [{"value": "a"}], "displayName": "x"}}, "a"),
        ({"op": "remove", "path": 'members[value eq "a"]'}, "a"),
        ({"op": "Remove", "path": f'{GROUP}:MEMBERS[Value EQ "a"]'}, "a"),
        ({"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "a"}]}, "a"),
        ({"op": "Remove", "path": "members", "value": {"value": "a", "display": "A"}}, "a"),
        ({"op": "remove", "path": "members", "value": []}, ""),
        ({"op": "replace", "path": "displayName", "value": "x"}, ""),
        ({"op": "replace", "value": {"displayName": "x", "externalId": "y"}}, ""),
        ({"op": "add", "path": "owners", "value": "nothing that is kept"}, ""),
        ({"op": "remove", "path": "members"}, None),
        ({"op": "remove", "path": 'members[type eq "User"]'}, None),
        ({"op": "remove", "path": 'members[not (value eq "a")]'}, None),
        ({"op": "remove", "path": 'members[value ne "a"]'}, None),
        ({"op": "remove", "path": 'members[value eq "a" or type pr]'}, None),
        ({"op": "remove", "path": 'members[value eq "a"].type'}, None),
        ({"op": "remove", "path": "members.type"}, None),
        ({"op": "remove", "path": "members", "value": [{"type": "User"}]}, None),
        ({"op": "replace", "path": "members", "value": [{"value": "a"}]}, None),
        ({"op": "replace", "value": {"members": [{"value": "a"}]}}, None),
        ({"op": "add", "path": 'members[value eq "a"]', "value": {"type": "User"}}, None),
        ({"op": "add", "path": "members", "value": [{"value": "a"}, "b"]}, None),
        ({"op": "add", "path": "members", "value": [{"value": 1}]}, None),
        ({"op": "add", "value": {f"{GROUP}:members": [{"value": "a"}]}}, None),
        ({"op": "add", "value": {GROUP: {"members": [{"value": "a"}]}}}, None),
        ({"op": "add", "path": GROUP, "value": {GROUP: {"members": [{"value": "a"}]}}}, None),
    ],
)
def test_whom_an_operation_names(operation: object, named: str | None) -> None:
    with SERVICE.provider:
        told = PatchOp[Group].model_validate_json(plainly(patch_of(operation)), scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        found = members_named(told.operations or ())
    assert found == (None if named is None else frozenset(named))


ops = st.sampled_from(["add", "Add", "remove", "Remove", "replace", "Replace"])
ids = st.sampled_from(IDS)
paths = st.sampled_from(["members", "Members", f"{GROUP}:members"])
extras = st.sampled_from([{}, {"$ref": None}, {"type": "User"}, {"display": "Somebody"}, {"$ref": f"{URL}/Users/x"}])
entries = st.builds(lambda id, more: {"value": id, **more}, ids, extras)
odd = st.sampled_from(["nora", {"value": 1}, {"type": "User"}, {}, {"value": None}])
lists = st.one_of(st.lists(entries, max_size=4), entries, st.lists(st.one_of(entries, odd), max_size=3))
filters = st.one_of(
    st.builds('value eq "{}"'.format, ids),
    st.builds('Value EQ "{}" and type eq "User"'.format, ids),
    st.builds('not (value eq "{}")'.format, ids),
    st.sampled_from(['type eq "Group"', "value pr", "nothing pr", "value eq"]),
)
others = st.sampled_from(
    [
        {"op": "replace", "path": "displayName", "value": f"{NAMED_AS}.new"},
        {"op": "add", "path": "externalId", "value": "from-the-directory"},
        {"op": "remove", "path": "displayName"},
        {"op": "replace", "path": "id", "value": "another"},
        {"op": "add", "path": "owners", "value": [{"value": "x"}]},
        {"op": "remove", "path": "members"},
        {"op": "remove"},
        {"op": "add", "value": {GROUP: {"displayName": f"{NAMED_AS}.again"}}},
    ]
)
operations = st.one_of(
    st.builds(lambda op, path, value: {"op": op, "path": path, "value": value}, ops, paths, lists),
    st.builds(lambda path, one: {"op": "remove", "path": f"{path}[{one}]"}, paths, filters),
    st.builds(lambda op, path, one: {"op": op, "path": f"{path}[{one}]", "value": {}}, ops, paths, filters),
    st.builds(lambda op, value: {"op": op, "value": {"members": value}}, ops, lists),
    others,
)
wholes = st.builds(
    lambda name, more, members: {"displayName": name, **more, **members},
    st.sampled_from([NAMED_AS, f"{NAMED_AS}.new", ""]),
    st.sampled_from([{}, {"externalId": "from-the-directory"}, {"owners": []}, {f"{GROUP}:owners": []}]),
    st.one_of(
        st.builds(lambda key, value: {key: value}, st.sampled_from(["members", "Members"]), lists),
        st.builds(lambda value: {"members": value}, st.lists(entries, max_size=5)),
        st.sampled_from([{}, {"members": None}, {"members": [{"value": "ID:nora", "type": "Group"}]}]),
    ),
)
queries = st.sampled_from(
    [{}, {}, {"attributes": "displayName"}, {"attributes": "members"}, {"excludedAttributes": "members"}]
)
matches = st.sampled_from([None, None, 'W/"1"', "*", 'W/"7"'])


@dataclass
class Compared:
    """Two groups of the same people, of which one is patched with the whole group at hand."""

    there: Provisioning
    loop: asyncio.AbstractEventLoop
    people: Mapping[str, str]
    made: int = 0
    heard: list[Event] = field(default_factory=list)

    def patched(self, kind: type[ScimHandler], members: Sequence[str], call: tuple[Any, ...]) -> object:
        """Everything that comes of it, the group's own id and name written as these words."""
        self.made += 1
        name = f"group-{self.made}"
        inside = frozenset(self.people[one] for one in members)
        id = self._run(self.there.directory.add_group(self.there.by, ToldGroup(name, "", "{}", inside))).entry.id
        self.heard.clear()
        answer = self._answer(kind, id, name, *call)
        shown = self._answer(kind, id, name, "GET", "", call[2], None)
        kept = self._run(self.there.directory.group(id))
        people = [self._run(self.there.directory.person(one)) for one in self.people.values()]
        after = (
            answer,
            shown,
            list(kept.members or ()),
            (kept.entry.name, kept.entry.external_id, kept.entry.document, kept.entry.version),
            [(sorted(one.person.groups), [group.name for group in one.groups]) for one in people],
            [(one.type, dict(one.body), dict(one.secret)) for one in self.heard],
        )
        self._run(self.there.directory.remove_group(self.there.by, id))
        return json.loads(json.dumps(after).replace(id, "GROUP").replace(name, NAMED_AS))

    def _answer(
        self,
        kind: type[ScimHandler],
        id: str,
        name: str,
        method: str,
        said: str,
        query: dict[str, str],
        match: str | None,
    ) -> object:
        handler: Any = kind
        storage = Storage(self.there.directory, self.there.by, self.loop)
        headers = {"Content-Type": "application/scim+json"} | ({"If-Match": match} if match else {})
        body = said.replace(NAMED_AS, name).encode()
        body = plainly(body) if method == "PATCH" else body
        asked = ScimRequest(method=method, base_url=URL, path=f"/Groups/{id}", query=query, headers=headers, body=body)
        try:
            answer = handler(SERVICE, storage).handle(asked)
        except SCIMException as problem:
            answer = SERVICE.error_response(problem)
        told = dict(answer.body or {})
        for one in ("created", "lastModified"):
            told.get("meta", {}).pop(one, None)
        return int(answer.status), told, dict(answer.headers)

    def _run(self, asked: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(asked, self.loop).result(30)

    def written(self, body: bytes) -> str:
        """With the people's real ids."""
        said = body.decode()
        for name, id in self.people.items():
            said = said.replace(f"ID:{name}", id)
        return said

    def check(self, members: Sequence[str], call: tuple[Any, ...]) -> None:
        assert self.patched(Handler, members, call) == self.patched(ScimHandler, members, call)


def compare_patches(compared: Compared) -> None:
    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @example(["nora"], [{"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "ID:nora"}]}], {}, None)
    @example(["nora", "nils"], [{"op": "remove", "path": 'members[value eq "ID:nele"]'}], {}, 'W/"1"')
    @example(["nora"], [{"op": "add", "path": "members", "value": [{"value": "nobody"}]}], {}, None)
    @example(["nora", "nils"], [{"op": "replace", "path": "members", "value": [{"value": "ID:nora"}]}], {}, None)
    @example(["nora"], [{"op": "replace", "path": "members", "value": []}], {"attributes": "members"}, None)
    @given(st.lists(st.sampled_from(WHO), unique=True), st.lists(operations, min_size=1, max_size=4), queries, matches)
    def alike(members: list[str], patch: list[object], query: dict[str, str], match: str | None) -> None:
        compared.check(members, ("PATCH", compared.written(patch_of(*patch)), query, match))

    alike()


def compare_replacements(compared: Compared) -> None:
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @example(["nora", "nils"], {"displayName": NAMED_AS, "members": [{"value": "ID:nils"}]}, {}, None)
    @given(st.lists(st.sampled_from(WHO), unique=True), wholes, queries, matches)
    def alike(members: list[str], whole: dict[str, object], query: dict[str, str], match: str | None) -> None:
        said = json.dumps({"schemas": [GROUP], **whole}).encode()
        compared.check(members, ("PUT", compared.written(said), query, match))

    alike()


@pytest.mark.parametrize("compare", [compare_patches, compare_replacements])
async def test_the_same_comes_of_it_either_way(world: World, compare: Callable[[Compared], None]) -> None:
    there = await provisioning(world)
    people = {name: (await there.person(name)).id for name in WHO}
    compared = Compared(there, asyncio.get_running_loop(), people)
    world.office.listeners.append(compared.heard.append)
    await asyncio.to_thread(compare, compared)


async def test_nobody_else_in_the_group_is_read_or_written(world: World) -> None:
    there = await provisioning(world)
    people = {name: (await there.person(name)).id for name in WHO}
    id = (await there.directory.add_group(there.by, ToldGroup("many", "", "{}", frozenset(people.values())))).entry.id
    with asked_of_store() as asked:
        kept = await there.directory.change_group(
            there.by, id, ToldGroup("many", "", "{}", frozenset()), among=frozenset({people["nora"]})
        )
    assert kept.members == ()
    assert all("person IN" in one or "person = " in one for one in asked if "FROM members" in one), asked
    everybody = await there.directory.group(id)
    assert set(everybody.members or ()) == set(people.values()) - {people["nora"]}
    assert (everybody.entry.version, (await there.directory.person(people["nora"])).person.groups) == (2, frozenset())
