"""The operator's look at targets that have a maintenance login: is each set up for it, and which lines of pg_hba.conf
the logins that are made there need."""

from __future__ import annotations

import asyncio
from typing import Any

from daypass.app.checking import Checked
from daypass.config.vaults import SecretSettings
from daypass.credentials.checking import check_target
from daypass.credentials.kinds import all_credentials, makes
from daypass.credentials.secrets.sources import Secrets
from daypass.domain.errors import Invalid, Unavailable
from daypass.domain.target import Target


def look(checked: Checked) -> list[dict[str, Any]]:
    """One report for each target with a maintenance login: `id`, `state`, `lends`, `problems`, `warnings`, `pg_hba`."""
    maintained = [target for target in checked.targets.values() if makes(target) or target.maintenance is not None]
    return asyncio.run(_look(maintained, checked.settings.secrets))


async def _look(targets: list[Target], stores: SecretSettings) -> list[dict[str, Any]]:
    secrets = Secrets(stores)
    try:
        return [await _one(target, secrets) for target in targets]
    finally:
        await secrets.close()


async def _one(target: Target, secrets: Secrets) -> dict[str, Any]:
    try:
        all_credentials().check(target)
        found = await check_target(target, secrets)
    except (Invalid, Unavailable) as problem:
        refused = {"id": target.name, "state": "REFUSED", "lends": makes(target)}
        return {**refused, "problems": [str(problem)], "warnings": [], "pg_hba": []}
    return {
        "id": target.name,
        "state": "REFUSED" if found.problems else "VALID",
        "lends": makes(target),
        "problems": list(found.problems),
        "warnings": list(found.warnings),
        "pg_hba": list(found.pg_hba),
    }
