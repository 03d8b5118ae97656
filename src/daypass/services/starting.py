"""What a start puts on record: that the gateway started, and which policies are in force if they changed."""

from __future__ import annotations

from daypass.domain.events import Event
from daypass.domain.people import SYSTEM
from daypass.domain.policy_set import PolicySet
from daypass.services.office import Office

DIGEST = "policies_digest"
"""The setting that keeps which policies were in force last."""


class Starting:
    """Records the beginning of a run."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def put_in_force(self, policies: PolicySet) -> bool:
        """Make these the policies in force, and record it if they are others than last time. Returns whether."""
        self._office.policies.current = policies
        async with self._office.change() as change:
            if await change.tx.setting(DIGEST) == policies.digest:
                return False
            await change.tx.save_setting(DIGEST, policies.digest)
            names = [{"name": policy.name, "digest": policy.digest} for policy in policies.policies]
            body = {"digest": policies.digest, "policies": names}
            await change.record(Event("policy.changed", self._office.now(), SYSTEM, body=body))
        return True

    async def started(self, node: str, version: str, journal_last: int) -> None:
        """This node's gateway starts, with so many records in its journal's past."""
        body = {"node": node, "version": version, "journal": journal_last}
        async with self._office.change() as change:
            await change.record(Event("ledger.started", self._office.now(), SYSTEM, body=body))

    async def heartbeat(self, node: str) -> None:
        """Nothing else happened for a while; the silence is sealed too."""
        async with self._office.change() as change:
            await change.record(Event("ledger.heartbeat", self._office.now(), SYSTEM, body={"node": node}))
