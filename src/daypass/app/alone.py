"""Orders of the operator, carried out on a data directory that no Daypass runs on. The caller holds its lock."""

from __future__ import annotations

from typing import Any

from daypass.app.checking import Checked
from daypass.app.house import House, make_house
from daypass.app.publishing import Publishing
from daypass.app.shipping import Shipping
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.sequencer import Sequencer
from daypass.services.erasing import Order
from daypass.store.interface import Store
from daypass.store.opening import open_store


async def carry_out(checked: Checked, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """What `what` asks for with `body`. Raises DaypassError."""
    settings = checked.settings
    store = open_store(settings.store, settings.data)
    try:
        await store.migrate()
        house = make_house(store, checked)
        house.office.policies.current = checked.policies
        if what != "index":  # that is told to nobody; whatever else is done here, in a log that has to be able to go on
            await Publishing(store, settings.site, settings.data).open()
        match what:
            case "tokens":
                await house.directory.check_listed(settings.people)
                await house.people.sync(settings.people)
                return await house.issue(body["email"], body["lasts_ms"], body["label"], body["scopes"])
            case "passwords":
                await house.people.sync(settings.people)
                return await house.set_password(body["email"], body["lasts_ms"], body["remove"])
            case "codes":
                return await house.seal_codes(body["target"], body["count"])
            case "secrets":
                return await house.keep_secret(body["word"], body["name"], body["value"])
            case "index":
                await Sequencer(store).drain()
                return await house.reindex(body["identity"])
            case "erasures":
                return await _erase(checked, store, house, body)
        raise ValueError(f"nobody carries out {what}")
    finally:
        await store.close()


async def _erase(checked: Checked, store: Store, house: House, body: dict[str, Any]) -> dict[str, Any]:
    """As the gateway does: what its journal still holds goes into the store first, so that it can go from there."""
    settings = checked.settings
    folder = settings.data / "journal"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shipped = await store.shipped(settings.node)
    journal = Journal.open(folder, Durability(settings.durability), after=shipped)
    try:
        await Shipping(journal, store, settings.node, house.office.lock).catch_up()
        house.erasing.on_erased = journal.expel
        wanted = Order(*(body.get(name) for name in ("session", "request", "person", "older_than_ms")))
        done = await house.erase(wanted, body["reason"], body.get("dry_run", False))
        await Sequencer(store).drain()
        return done
    finally:
        journal.close()
