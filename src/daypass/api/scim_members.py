"""Of a group, only those members are looked at on whom a PATCH or PUT turns.

scim2-models copies and validates every member of a group several times to change one. So it is given the group with
those members alone whom a PATCH names, or who differ from a whole list of members; applies everything to that; and
what comes out is written for these people. What it answers and refuses is its own either way. What turns on members in
other ways (all of a type) is given the whole group.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from scim2_models import PatchOp, PatchOperation, Resource, ResourceType
from scim2_models.path import CompareOperator, Comparison, FilterNode
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation
from scim2_server.service import ScimService

from daypass.api.scim_forms import id_in, ids_of_all, listed, members_in
from daypass.api.scim_models import Group, group_of
from daypass.api.scim_storage import Storage


class Handler(ScimHandler):
    """Of one request, as its storage."""

    def __init__(self, service: ScimService, storage: Storage) -> None:
        super().__init__(service, storage)
        self._storage = storage
        self._asked_back: dict[str, str] = {}

    def patch(self, request: ScimRequest) -> ScimResponse:
        self._asked_back = dict(request.query)
        return super().patch(request)

    def patch_resource(
        self, resource_type: ResourceType, resource_id: str, patch_op: PatchOp[Any], conditions: Conditions
    ) -> Resource[Any]:
        narrow = self._narrow(resource_id, patch_op) if resource_type.name == "Group" else None
        if narrow is None:
            return super().patch_resource(resource_type, resource_id, patch_op, conditions)
        storage, operations = narrow
        patch_op = patch_op.model_copy(update={"operations": operations})
        patched = ScimHandler(self.service, storage).patch_resource(resource_type, resource_id, patch_op, conditions)
        if not self._asked_back:
            return patched  # answered with its version alone
        wanted = self.service.read_response_parameters(resource_type, self._asked_back)
        return self.storage.get(resource_type, resource_id, response_parameters=wanted)

    def query(self, request: ScimRequest) -> ScimResponse:
        with self.service.provider:
            target = self.service.route(request, Operation.query)
            resource_type = self.service.resource_type_at(str(target.endpoint))
            if resource_type.name != "Group" or request.query:
                return super().query(request)
            self.service.authorize(request, target, resource_type)
            wanted = self.service.read_response_parameters(resource_type, request.query)
            conditions = self.service.read_conditions(request)
            answer = partial(self.service.query_response, request.base_url, response_parameters=wanted)
            return self._whole(request, str(target.resource_id), partial(answer, conditions=conditions))

    def replace(self, request: ScimRequest) -> ScimResponse:
        with self.service.provider:
            target = self.service.route(request, Operation.replace)
            resource_type = self.service.resource_type_at(str(target.endpoint))
            told = members_in(request.body) if resource_type.name == "Group" else None
            if told is None:
                return super().replace(request)
            wanted = self.service.read_response_parameters(resource_type, request.query)
            id, (rest, members) = str(target.resource_id), told
            storage, new = self._storage.differing(id, members)
            body = json.dumps({**rest, "members": listed(new)}).encode()
            ScimHandler(self.service, storage).replace(replace(request, body=body))
            answer = partial(self.service.replacement_response, request.base_url, response_parameters=wanted)
            return self._whole(request, id, answer)

    def _whole(self, request: ScimRequest, id: str, answer: Callable[..., ScimResponse]) -> ScimResponse:
        """A group as it is kept, by the library's `answer`. Where all of it is told, its members are put in afterwards,
        as the library would put them: it copies each one, and looks at all its attributes."""
        kept = self._storage.group(id)
        if request.query:
            return answer(resource=group_of(kept))
        told = answer(resource=group_of(replace(kept, members=None)))
        if told.body is not None and kept.members:
            users = f"{request.base_url}/Users"
            told.body["members"] = [{"value": one, "$ref": f"{users}/{one}", "type": "User"} for one in kept.members]
        return told

    def _narrow(self, id: str, patch_op: PatchOp[Any]) -> tuple[Storage, list[PatchOperation[Any]]] | None:
        """What is looked at, and what is left to apply to that; None: the whole group is."""
        operations = list(patch_op.operations or ())
        named = members_named(operations)
        if named is not None:
            return self._storage.among(named), operations
        members = _all_replaced(operations[0]) if len(operations) == 1 else None
        if members is None:
            return None
        storage, new = self._storage.differing(id, members)
        return storage, [operations[0].model_copy(update={"value": listed(new)})]


def members_named(operations: Iterable[PatchOperation[Any]]) -> frozenset[str] | None:
    """The ids of all whose membership these operations on a group turn on; None: it turns on others as well."""
    named: set[str] = set()
    for operation in operations:
        found = _named(operation)
        if found is None:
            return None
        named |= found
    return frozenset(named)


def _named(operation: PatchOperation[Any]) -> frozenset[str] | None:
    path = operation.path
    if path is None or path.model is not None:
        return _named_by_keys(operation)
    binding = path.resolve()
    if binding is None or (binding.model, binding.field_name) != (Group, "members"):
        return frozenset()
    if binding.sub_field_name is not None or operation.op == PatchOperation.Op.replace_:
        return None
    if path.value_filter is None:
        return _ids(operation.value)
    return _compared(path.value_filter) if operation.op == PatchOperation.Op.remove else None


def _all_replaced(operation: PatchOperation[Any]) -> frozenset[str] | None:
    """Who alone is to be in the group; None: the operation lists nobody, or says more of them."""
    path = operation.path
    binding = path.resolve() if path is not None and path.model is None and path.value_filter is None else None
    whole = binding is not None and (binding.field_name, binding.sub_field_name) == ("members", None)
    return ids_of_all(operation.value) if whole and operation.op == PatchOperation.Op.replace_ else None


def _named_by_keys(operation: PatchOperation[Any]) -> frozenset[str] | None:
    """Where attributes are the keys of one value. A key with a colon may be a schema, with attributes in its value."""
    if not isinstance(operation.value, dict):
        return None
    named: frozenset[str] = frozenset()
    for key, value in operation.value.items():
        name = str(key).lower()
        if name != "members" and (":" in name or "members" in name):
            return None
        if name == "members":
            found = _ids(value) if operation.op == PatchOperation.Op.add else None
            if found is None:
                return None
            named |= found
    return named


def _ids(value: Any) -> frozenset[str] | None:
    """Who stands in a list of members (or in the one that stands for a list); None: not each by an id."""
    ids = [id_in(entry) for entry in (value if isinstance(value, list) else [value])]
    return None if None in ids else frozenset(id for id in ids if id is not None)


def _compared(node: FilterNode) -> frozenset[str] | None:
    """Who is meant by `value eq "ID"`; None: another filter."""
    if not isinstance(node, Comparison) or node.op != CompareOperator.eq or not isinstance(node.value, str):
        return None
    return frozenset({node.value}) if str(node.attr_path).lower() == "value" else None
