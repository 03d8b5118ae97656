"""Static credentials: one login a role, its password in the environment or a file. Makes and changes no login."""

from __future__ import annotations

from daypass.config import read_secret
from daypass.domain.errors import ConfigError, NotFound, Unavailable
from daypass.domain.target import Credential, Target


class StaticCredentials:
    """Reads the secret anew for every session, so that a rotated file is used without a restart."""

    async def resolve(self, target: Target, role: str) -> Credential:
        """The login that the settings name. The files are small and local, so that reading them does not wait."""
        found = target.roles.get(role)
        if found is None:
            raise NotFound(f"{target.name} has no role {role}", hint=f"it has {', '.join(sorted(target.roles))}")
        if found.password is None:
            return Credential(found.user)
        try:
            return Credential(found.user, read_secret(found.password))
        except ConfigError as problem:
            raise Unavailable(f"the credential of {target.name}:{role} cannot be had: {problem.message}") from problem
