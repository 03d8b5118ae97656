"""A PATCH that says by name whom it puts into a group or takes out of it: only these people are looked at.

scim2-models copies and validates every member of a group several times to change one. So it is given the group with
those members alone whom the PATCH names, applies all of it to that, and what comes out is written for these people.
What it answers and refuses is its own either way. A PATCH that turns on members whom it does not name (all of them,
those of a type) is given the whole group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scim2_models import PatchOp, PatchOperation, Resource, ResourceType
from scim2_models.path import CompareOperator, Comparison, FilterNode
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService

from daypass.api.scim_forms import id_in
from daypass.api.scim_models import Group
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
        named = members_named(patch_op.operations or ()) if resource_type.name == "Group" else None
        if named is None:
            return super().patch_resource(resource_type, resource_id, patch_op, conditions)
        small = ScimHandler(self.service, self._storage.among(named))
        patched = small.patch_resource(resource_type, resource_id, patch_op, conditions)
        if not self._asked_back:
            return patched  # answered with its version alone
        wanted = self.service.read_response_parameters(resource_type, self._asked_back)
        return self.storage.get(resource_type, resource_id, response_parameters=wanted)


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
