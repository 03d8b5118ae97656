"""`Directed`: a gateway whose people come from a directory over SCIM; those of the settings only decide.

with Directed(tmp_path, postgres, setup(BEN, CLEO)) as directed:
    id = directed.hire(ANA)
    group = directed.gather("payments-engineers", id)
    directed.disable(id)
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import create_async_engine

from daypass.cli.demo.gateway import CLEO, Member, Setup
from daypass.domain.directory import SCIM
from daypass.domain.identifiers import uuid7
from daypass.domain.people import Person
from daypass.store import codec
from daypass.store.directory_tables import directory, members
from daypass.store.opening import FILE
from daypass.store.schema import people
from tests.servers.daypass import CLIENT_SECONDS_MAX, Daypass

DIRECTORY = Member("Directory", "directory@acme.test", ())
"""The account by which the directory speaks."""

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def setup(*people: Member) -> Setup:
    """The demo's, with these people only; what its policy expects of others is left out."""
    return Setup(people=people, policy=Setup().policy.partition("expect:")[0])


class Directed(Daypass):
    """One gateway."""

    def _write(self) -> None:
        super()._write()
        account = f"    - {{ email: {DIRECTORY.email}, name: Directory, agent_of: {CLEO.email} }}\n"
        text = self.config.read_text().replace("identity:\n", f"identity:\n  scim: {{ account: {DIRECTORY.email} }}\n")
        self.config.write_text(text.replace("  people:\n", f"  people:\n{account}"))

    def token(self, member: Member) -> str:
        if member == DIRECTORY and member.email not in self.tokens:
            self.tokens[member.email] = self.say(None, "people", "token", member.email, "--scope", "scim").strip()
        return super().token(member)

    def scim(self, method: str, path: str, body: object = None) -> Any:
        """What the directory is answered."""
        headers = {"Authorization": f"Bearer {self.token(DIRECTORY)}", "Content-Type": "application/scim+json"}
        sent = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(f"{self.web}/scim/v2{path}", sent, headers, method=method)
        with urllib.request.urlopen(asked, timeout=CLIENT_SECONDS_MAX) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    def hire(self, member: Member) -> str:
        """Make somebody; their id."""
        person = {"schemas": [f"{SCHEMA}User"], "userName": member.email, "displayName": member.name}
        return str(self.scim("POST", "/Users", person)["id"])

    def gather(self, name: str, *members: str) -> str:
        """Make a group of these people (ids); its id."""
        group = {"schemas": [f"{SCHEMA}Group"], "displayName": name, "members": [{"value": one} for one in members]}
        return str(self.scim("POST", "/Groups", group)["id"])

    def take_in(self, group: str, *members: str) -> None:
        """Put these people (ids) into a group that is there."""
        self.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": one} for one in members]})

    def crowd(self, name: str, group: str, count: int) -> None:
        """Put so many more people into the directory and this group (its id), straight into the store."""
        self.stop()
        asyncio.run(_fill(self.data / FILE, name, group, count))
        self.start()

    def disable(self, person: str) -> None:
        self.patch(f"/Users/{person}", {"op": "Replace", "path": "active", "value": "False"})

    def take_out(self, group: str, member: str) -> None:
        self.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{member}"]'})

    def patch(self, path: str, operation: object) -> None:
        self.scim("PATCH", path, {"schemas": [PATCH], "Operations": [operation]})


async def _fill(file: Path, name: str, group: str, count: int) -> None:
    now = round(time.time() * 1000)
    ids = [uuid7(now, n.to_bytes(10, "big")) for n in range(count)]
    named = [(id, f"person{n:06}@acme.test") for n, id in enumerate(ids)]
    kept = {"kind": "person", "external_id": "", "document": "{}", "created_at": now, "changed_at": now, "version": 1}
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")
    async with engine.begin() as connection:
        made = [Person(id, email, email, frozenset({name}), False, "", "", SCIM) for id, email in named]
        await connection.execute(insert(people), [codec.person_row(one) for one in made])
        entries = [{**kept, "id": id, "key": email, "name": email} for id, email in named]
        await connection.execute(insert(directory), entries)
        await connection.execute(insert(members), [{"group": group, "person": id} for id in ids])
    await engine.dispose()
