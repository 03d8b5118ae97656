"""The ticket systems and on-call schedules of the settings, made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from daypass.app.checking import Checked
from daypass.config import OnCallSettings, Settings, TicketSettings, read_secret
from daypass.domain.conditions import schedules_named
from daypass.domain.target import SecretRef
from daypass.outside.github import GitHub
from daypass.outside.http import Client
from daypass.outside.interface import OnCall, TicketSystem
from daypass.outside.jira import Jira
from daypass.outside.schedules import CalendarFeed, PagerDuty, ScheduleFile
from daypass.outside.tickets import KnownTickets
from daypass.services.office import Office


def make_tickets(settings: Settings) -> KnownTickets | None:
    """None where no system is configured."""
    return KnownTickets([_system(one) for one in settings.tickets]) if settings.tickets else None


def _system(one: TicketSettings) -> TicketSystem:
    token, webhook = read_secret(one.token), read_secret(one.webhook) if one.webhook else ""
    if one.system == "jira":
        return Jira(one.name, one.url, token, user=one.user, projects=one.projects, webhook=webhook, ca=one.ca)
    return GitHub(one.name, one.url, one.repository, token, people=one.people, webhook=webhook, ca=one.ca)


def make_on_call(settings: Settings) -> Mapping[str, OnCall]:
    return {one.name: _schedule(one) for one in settings.on_call}


def _schedule(one: OnCallSettings) -> OnCall:
    place = read_secret(one.place) if isinstance(one.place, SecretRef) else one.place
    match one.source:
        case "pagerduty":
            return PagerDuty(one.name, one.url, place, read_secret(one.token) if one.token else "", one.ca)
        case "calendar":
            source = Client(f"the calendar of {one.name}", place, {}, one.ca) if "://" in place else Path(place)
            return CalendarFeed(one.name, source)
    return ScheduleFile(one.name, Path(place))


async def hang_up(office: Office) -> None:
    """Let go of the connections to other systems."""
    for one in (office.tickets, *office.on_call.values()):
        if one is not None:
            await one.close()


def unanswerable(checked: Checked) -> tuple[str, ...]:
    """What policies in force ask of systems that no setting names: each in one line. It refuses, or never happens."""
    settings, found = checked.settings, []
    schedules = {one.name for one in settings.on_call}
    for policy in checked.policies.policies:
        for condition in policy.conditions:
            if "ticket" in condition.names and not settings.tickets:
                found.append(f"{policy.file}: a condition asks for the ticket, and no ticket system is configured")
            for name in sorted((schedules_named(condition.source) or frozenset()) - schedules):
                found.append(f"{policy.file}: a condition asks who is on call for {name}, and no schedule is called so")
        for rule in policy.rules:
            if rule.ends_with_ticket and not settings.tickets:
                found.append(
                    f"{policy.file}:{rule.line}: {rule.name} ends with its ticket, and no ticket system is known"
                )
    return tuple(dict.fromkeys(found))
