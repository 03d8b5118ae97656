"""What the web is given of a node: its services, and what else routes ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.registry import Collector

from daypass.api.front import Front
from daypass.api.models import Health
from daypass.app.certificates import Tls
from daypass.app.checking import Checked
from daypass.app.house import House
from daypass.app.overseeing import make_overseeing
from daypass.app.policy_files import PolicyFilesOnDisk
from daypass.app.publishing import Publishing
from daypass.app.telling import Channels
from daypass.gateway.consoles import Consoles
from daypass.gateway.gateway import Gateway
from daypass.insights.asking import Insights
from daypass.protocols import PROTOCOLS
from daypass.services.counting_hits import CountingHits
from daypass.services.foreseeing import Foreseeing
from daypass.services.proposing import Proposing
from daypass.services.surveying import Surveying
from daypass.services.trying import Trying


def make_front(
    checked: Checked,
    house: House,
    tls: Tls,
    gateway: Gateway,
    publishing: Publishing,
    parts: Sequence[Collector],
    files: PolicyFilesOnDisk,
    channels: Channels | None,
    health: Callable[[], Health],
) -> Front:
    """`parts` are measured beside the gateway; `channels` is None where nobody is told anything."""
    return Front(
        office=house.office,
        people=house.people,
        tokens=house.tokens,
        requests=house.requests,
        grants=house.grants,
        sessions=house.sessions,
        reading=house.reading,
        recordings=house.recordings,
        searching=house.searching,
        counting_hits=CountingHits(house.office),
        deliberation=house.deliberation,
        foreseeing=Foreseeing(house.office, house.deliberation),
        insights=Insights(house.office),
        evaluating=house.evaluating,
        signing=house.signing,
        duties=house.duties,
        glass=house.glass,
        ticketing=house.ticketing,
        bundles=house.bundles,
        favourites=house.favourites,
        proposing=Proposing(house.office, files),
        trying=Trying(house.office, files),
        overseeing=make_overseeing(house, publishing, parts, channels),
        surveying=Surveying(house.office, house.credentials, house.live),
        listen=checked.listen,
        authority=tls.authority.read_text() if tls.authority else None,
        health=health,
        registry=_measured(gateway.metrics, *parts),
        log=publishing,
        public_url=checked.settings.public_url,
        inbox=house.inbox,
        locks=house.locks,
        revoking=house.revoking,
        visits=house.visits,
        attempts=house.attempts,
        provided=house.provided,
        passkeys=house.passkeys,
        passwords=house.passwords,
        vouchings=house.vouchings,
        devices=house.devices,
        directory=house.directory,
        following=house.following,
        consoles=Consoles(gateway, house.office, house.console_desk, PROTOCOLS),
        snippets=house.snippets,
        doubts=house.doubts,
        slack=channels.answers(house.office, house.requests) if channels is not None else None,
    )


def _measured(*parts: Collector) -> CollectorRegistry:
    """These parts, and the process."""
    registry = CollectorRegistry()
    for part in parts:
        registry.register(part)
    ProcessCollector(registry=registry)
    return registry
