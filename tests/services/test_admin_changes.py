"""Changes of targets, policies, people and settings are events that say from what to what, and hold no secret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daypass.app.told_settings import told_settings
from daypass.config import PersonSettings, read_settings
from daypass.domain.events import Event
from daypass.domain.policy_set import load_policies
from daypass.domain.target import SecretRef
from daypass.services.starting import Starting
from tests.domain.things import NOW, PEOPLE, POLICY, TARGETS
from tests.services.conftest import World


def differs(event: Event) -> tuple[dict[str, str], dict[str, str]]:
    return json.loads(event.secret["from"]), json.loads(event.secret["to"])


async def test_a_target_that_moved(world: World) -> None:
    starting = Starting(world.office)
    await starting.targets()
    role = replace(world.targets["orders"].roles["read"], password=SecretRef("env", "ORDERS_RO"))
    moved = replace(world.targets["orders"], host="10.9.9.9", roles={"read": role})
    world.targets["orders"] = moved
    assert await starting.targets()
    was, now = differs(world.last("targets.changed"))
    assert list(was) == list(now) == ["orders"]
    assert "10.9.9.9" in now["orders"] and "10.9.9.9" not in was["orders"]
    assert '"name": "ORDERS_RO"' in now["orders"]  # where the secret is, and not what
    assert not await starting.targets()


@pytest.mark.parametrize(
    "changed",
    [
        {"owners": ("group:others",)},
        {"idle_ms": 60_000},
        {"reassign_to": "keeper"},
        {"record": "results"},
        {"options": {"x": 1}},
    ],
)
async def test_whatever_changes_of_a_target(world: World, changed: dict[str, Any]) -> None:
    starting = Starting(world.office)
    await starting.targets()
    world.targets["orders"] = replace(world.targets["orders"], **changed)
    assert await starting.targets() and not await starting.targets()
    was, now = differs(world.last("targets.changed"))
    assert list(was) == list(now) == ["orders"] and was != now
    assert world.last("targets.changed").body["changed"] == ["orders"]


async def test_a_policy_that_changed(world: World) -> None:
    starting = Starting(world.office)
    await starting.put_in_force(load_policies([("p.yaml", POLICY)], TARGETS, PEOPLE, NOW))
    changed = POLICY.replace("longest: 4h", "longest: 3h")
    assert changed != POLICY
    await starting.put_in_force(load_policies([("p.yaml", changed)], TARGETS, PEOPLE, NOW))
    was, now = differs(world.last("policy.changed"))
    assert list(was.values()) == [POLICY] and list(now.values()) == [changed]


async def test_a_person_whose_groups_changed(world: World) -> None:
    ana = await world.who("ana")
    rest = [PersonSettings(p.email, p.name, p.groups) for p in PEOPLE if p.email != ana.email]
    await world.people.sync([*rest, PersonSettings(ana.email, ana.name, frozenset({"other"}))])
    body = world.last("person.changed").body
    assert (body["person"], body["groups_were"], body["groups"]) == (ana.id, sorted(ana.groups), ["other"])


async def test_a_person_who_is_another_ones_agent_or_another_subject(world: World) -> None:
    kept = [PersonSettings(p.email, p.name, p.groups, subject=p.subject) for p in PEOPLE]
    bot = PersonSettings("bot@acme.test", "Bot", frozenset(), agent_of="ana@acme.test")
    await world.people.sync([*kept, bot])
    await world.people.sync([*kept, replace(bot, agent_of="lea@acme.test")])
    event = world.last("person.changed")
    ana, lea = (await world.who("ana")).id, (await world.who("lea")).id
    assert (event.body["agent_of_was"], event.body["agent_of"]) == (ana, lea)
    rest = [one for one in kept if one.email != "ana@acme.test"]
    await world.people.sync([*rest, replace(kept[0], email="ana@acme.test", subject="s-2"), bot])
    event = next(one for one in reversed(world.told) if one.type == "person.changed" and one.body["person"] == ana)
    assert (event.secret["subject_was"], event.secret["subject"]) == ("", "s-2") and "s-2" not in str(event.body)


async def test_other_settings_and_no_secret_of_theirs(world: World, tmp_path: Path) -> None:
    text = "site: acme.test/x\nlimits: { sessions: 10 }\n"
    (tmp_path / "daypass.yaml").write_text(text)
    starting = Starting(world.office)
    first = told_settings(read_settings(tmp_path / "daypass.yaml"))
    assert await starting.settings(first) and not await starting.settings(first)
    planted = "postgresql://daypass:planted-password@10.0.0.1/daypass"
    (tmp_path / "daypass.yaml").write_text(text.replace("10", "20") + f"store: {planted}\n")
    assert await starting.settings(told_settings(read_settings(tmp_path / "daypass.yaml")))
    event = world.last("settings.changed")
    was, now = differs(event)
    assert event.body["keys"] == ["limits", "store"]
    assert '"sessions": 10' in was["limits"] and '"sessions": 20' in now["limits"]
    assert now["store"] == "postgresql://10.0.0.1/daypass" and "planted-password" not in str(event)
