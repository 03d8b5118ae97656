"""The channels of the settings, and the tasks that send over them: one for each, so that none waits for another."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from daypass.config import Settings, read_secret
from daypass.config.telling import EmailSettings, HookSettings, SlackSettings
from daypass.domain.errors import ConfigError, DaypassError
from daypass.domain.events import Event
from daypass.domain.identifiers import ENTROPY_BYTES, uuid7
from daypass.domain.standing import Outlet
from daypass.domain.target import SecretRef
from daypass.notify.email import Email, Server
from daypass.notify.interface import Channel, Message, NotSent, Recipient
from daypass.notify.reaching import Reach
from daypass.notify.slack import Slack
from daypass.notify.teams import Teams
from daypass.notify.webhooks import Webhook
from daypass.services.office import Office
from daypass.services.overseeing import Told
from daypass.services.requests import Requests
from daypass.services.sending import IDLE_SECONDS, Sending
from daypass.services.slack_answers import SlackAnswers

EMAIL, SLACK, SLACK_ROOM = "email", "slack", "slack-channel"
"""What the channels are called of which there is one."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Channels:
    """The outlets of the settings, and what carries them."""

    outlets: tuple[Outlet, ...]
    carriers: Mapping[str, Channel]
    slack: Slack | None = None
    signing_secret: str = ""

    def answers(self, office: Office, requests: Requests) -> SlackAnswers | None:
        """What takes the buttons that people press in Slack; None: nobody can."""
        if self.slack is None or not self.signing_secret:
            return None
        return SlackAnswers(office, requests, self.slack, self.signing_secret)


def outlets_of(settings: Settings) -> tuple[Outlet, ...]:
    """What people are told over."""
    notify, found = settings.notify, []
    if notify.email:
        found.append(Outlet(EMAIL, False, notify.email.only))
    if notify.slack:
        found.append(Outlet(SLACK, False, notify.slack.only))
        if notify.slack.channel:
            found.append(Outlet(SLACK_ROOM, True, notify.slack.only))
    for one in (*notify.teams, *notify.webhooks):
        found.append(Outlet(one.name, True, one.only, _url(one) if one.callbacks else ""))
    return tuple(found)


def make_channels(settings: Settings) -> Channels:
    """Make them; nothing is connected yet. Raises ConfigError for a secret that is gone."""
    notify = settings.notify
    carriers: dict[str, Channel] = {}
    slack = None
    if notify.email:
        carriers[EMAIL] = _email(notify.email)
    if notify.slack:
        carriers[SLACK] = slack = _slack(notify.slack, "")
        if notify.slack.channel:
            carriers[SLACK_ROOM] = _slack(notify.slack, notify.slack.channel)
    carriers |= {one.name: Teams(_reach(one)) for one in notify.teams}
    carriers |= {one.name: Webhook(_reach(one), [read_secret(ref) for ref in one.secrets]) for one in notify.webhooks}
    signing = notify.slack.signing_secret if notify.slack else None
    return Channels(outlets_of(settings), carriers, slack, read_secret(signing) if signing else "")


def _email(one: EmailSettings) -> Email:
    password = read_secret(one.password) if one.password else ""
    return Email(Server(one.host, one.port, one.tls, one.sender, one.user, password, one.ca))


def _slack(one: SlackSettings, room: str) -> Slack:
    buttons = one.signing_secret is not None
    return Slack(Reach(one.api), read_secret(one.token), room=room, people=one.people, buttons=buttons)


def _url(one: HookSettings) -> str:
    return read_secret(one.url) if isinstance(one.url, SecretRef) else one.url


def _reach(one: HookSettings) -> Reach:
    return Reach(_url(one), private=one.private, ca=one.ca)


# -- by hand ----------------------------------------------------------------------------------------------------


def check_channels(settings: Settings) -> list[dict[str, str]]:
    """What each channel is, and whether it is there; nobody is told anything."""
    return asyncio.run(_checked(make_channels(settings)))


async def _checked(channels: Channels) -> list[dict[str, str]]:
    found = []
    for name, channel in channels.carriers.items():
        try:
            found.append({"id": name, "state": "THERE", "what": await channel.check()})
        except NotSent as problem:
            found.append({"id": name, "state": "FAILED", "what": problem.why})
        finally:
            await channel.close()
    return found


def send_test(settings: Settings, name: str, email: str) -> dict[str, object]:
    """Send a test over a channel, to one person or to its room. Raises DaypassError."""
    channels = make_channels(settings)
    channel = channels.carriers.get(name)
    if channel is None:
        known = ", ".join(channels.carriers) or "none: nothing is set under notify"
        raise ConfigError(f"there is no channel {name}", hint=f"channels are {known}")
    shared = next(one.shared for one in channels.outlets if one.name == name)
    if not shared and not email:
        raise ConfigError(f"{name} goes to people, one by one", hint=f"daypass notify test {name} --to EMAIL")
    return asyncio.run(_tested(channel, name, "" if shared else email))


async def _tested(channel: Channel, name: str, email: str) -> dict[str, object]:
    now = time.time_ns() // 1_000_000
    message = Message(
        id=uuid7(now, os.urandom(ENTROPY_BYTES)),
        kind="test",
        at=now,
        subject="A test",
        title="A test from Daypass: this channel works",
        to=Recipient(email, email),
        facts=(("Channel", name),),
        data={"channel": name},
    )
    try:
        receipt = await channel.send(message, {})
    except NotSent as problem:
        raise DaypassError(f"{name}: {problem.why}", hint="docs/telling.md") from None
    finally:
        await channel.close()
    return {"id": message.id, "state": "SENT", "channel": name, "receipt": dict(receipt)}


# -- while serving ----------------------------------------------------------------------------------------------


class Telling(Collector):
    """`start`, then `stop`. It is a Prometheus collector as well."""

    def __init__(self, office: Office, channels: Channels, public_url: str) -> None:
        self._channels = channels
        self._sending = Sending(office, channels.carriers, public_url)
        self._news = {name: asyncio.Event() for name in channels.carriers}
        self._tasks: list[asyncio.Task[None]] = []
        office.listeners.append(self._heard)

    @property
    def problems(self) -> Mapping[str, str]:
        """The channels whose last message did not go, and why."""
        return {name: told.problem for name, told in self._sending.told.items() if told.problem}

    @property
    def told(self) -> Mapping[str, Told]:
        """How each channel is doing on this node."""
        return {name: Told(one.sent, one.failed, one.given_up, one.problem) for name, one in self._sending.told.items()}

    async def start(self) -> None:
        await self._sending.start()
        for name in self._channels.carriers:
            self._tasks.append(asyncio.create_task(self._run(name), name=f"tell over {name}"))

    async def stop(self) -> None:
        """What was not sent is in the outbox, for the next start or another node."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for channel in self._channels.carriers.values():
            await channel.close()

    def _heard(self, event: Event) -> None:
        for news in self._news.values():
            news.set()

    async def _run(self, name: str) -> None:
        failing = False
        while True:
            self._news[name].clear()
            try:
                pause = await self._sending.step(name)
                failing = False
            except Exception as problem:  # noqa: BLE001  told, and tried again: a channel stops nothing else
                what = problem.message if isinstance(problem, DaypassError) else type(problem).__name__
                if not failing:
                    log.error("the outbox cannot be sent", channel=name, problem=what)
                pause, failing = IDLE_SECONDS, True
            if pause > IDLE_SECONDS:
                # The receiver asked for it: news do not cut it short.
                await asyncio.sleep(pause)
            elif pause:
                await self._wait(name, pause)

    async def _wait(self, name: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news[name].wait()
        except TimeoutError:
            return

    def collect(self) -> Iterable[Metric]:
        """How many messages went, did not go, and were given up."""
        sent = CounterMetricFamily("daypass_told", "Messages that a channel took.", labels=["channel"])
        failed = CounterMetricFamily("daypass_telling_failed", "Attempts that failed.", labels=["channel"])
        given = CounterMetricFamily("daypass_telling_given_up", "Messages that were given up.", labels=["channel"])
        failing = GaugeMetricFamily("daypass_telling_failing", "1 while the last attempt failed.", labels=["channel"])
        for name, told in self._sending.told.items():
            sent.add_metric([name], told.sent)
            failed.add_metric([name], told.failed)
            given.add_metric([name], told.given_up)
            failing.add_metric([name], int(bool(told.problem)))
        return (sent, failed, given, failing)
