"""The operator's look at targets that lend logins: is each set up for it, and which lines its pg_hba.conf needs."""

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
    """One report for each target with `member_of`: `id`, `state`, `problems`, `warnings`, `pg_hba`."""
    return asyncio.run(
        _look([target for target in checked.targets.values() if makes(target)], checked.settings.secrets)
    )


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
        return {"id": target.name, "state": "REFUSED", "problems": [str(problem)], "warnings": [], "pg_hba": []}
    return {
        "id": target.name,
        "state": "REFUSED" if found.problems else "VALID",
        "problems": list(found.problems),
        "warnings": list(found.warnings),
        "pg_hba": list(found.pg_hba),
    }
