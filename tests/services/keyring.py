"""`Keyring`: passkeys and passwords over a `World`, with short ways to what tests begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from daypass.domain.passkey import Passkey
from daypass.domain.passkey_signature import Assertion, read_assertion
from daypass.domain.people import Person
from daypass.domain.visit import Visit
from daypass.identity.passkeys import relying_party
from daypass.identity.passwords import Hashing
from daypass.services.passkeys import Passkeys
from daypass.services.passwords import Passwords
from daypass.services.vouching import Vouchings
from tests.identity.authenticator import Authenticator, unb64

if TYPE_CHECKING:
    from tests.services.conftest import World

URL = "http://localhost:8420"
PASSWORD = "seven lamps hum quietly"
OTHER = "four otters knit a ladder"
WHERE = "127.0.0.1:9"


def cheap(entropy_of: World) -> Hashing:
    """The real hashing with parameters that cost nothing."""
    return Hashing(entropy_of.office.entropy, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


class Keyring:
    def __init__(self, world: World, *, local: bool = True) -> None:
        self.world = world
        self.hashing = cheap(world)
        party = relying_party(URL, "acme.test/prod")
        self.passkeys = Passkeys(world.office, world.tokens, world.visits, party, local=local)
        self.passwords = Passwords(world.office, world.visits, self.passkeys, self.hashing, URL, local=local)
        self.vouchings = Vouchings(world.office)

    async def visit(self, name: str, way: str = "password") -> tuple[Person, Visit]:
        """A browser in which this person has just signed in."""
        person = await self.world.who(name)
        async with self.world.office.change() as change:
            opened = await self.world.visits.open(change, person, way, WHERE)  # type: ignore[arg-type]
        return person, opened.visit

    async def enrol(self, name: str, key: Authenticator | None = None, visit: Visit | None = None) -> Authenticator:
        """A passkey of this person's; by a password of a moment ago unless a visit is given."""
        key = key or Authenticator()
        person, fresh = await self.visit(name) if visit is None else (await self.world.who(name), visit)
        await self.make(person, fresh, key)
        return key

    async def make(self, person: Person, visit: Visit | None, key: Authenticator, name: str = "laptop") -> Passkey:
        asked = await self.passkeys.begin(person, visit)
        made = key.create(asked.options)
        client, attestation = unb64(made["client_data"]), unb64(made["attestation"])
        return await self.passkeys.enrol(person, visit, name, client, attestation, made["transports"])

    async def kept(self, key: Authenticator) -> Passkey:
        """What is kept of it."""
        async with self.world.store.begin() as tx:
            found = await tx.passkey_for_change(key.id)
        assert found is not None
        return found

    async def shown(self, person: Person, visit: Visit, key: Authenticator) -> Visit:
        """The visit, with the passkey shown."""
        asked = await self.passkeys.begin_step_up(person, visit)
        return await self.passkeys.step_up(person, visit, read_assertion(key.get(asked.challenge)))

    async def answer(self, key: Authenticator) -> Assertion:
        """What signs in by a passkey alone."""
        return read_assertion(key.get((await self.passkeys.begin_sign_in()).challenge))

    async def invited(self, name: str, password: str = PASSWORD) -> Person:
        """Somebody who has set their password."""
        made = await self.passwords.invite(f"{name}@acme.test")
        return await self.passwords.accept(made.link.partition("#")[2], password)
