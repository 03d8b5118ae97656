"""One node, from its settings to its end: everything is made, opened in order, and let go of in the reverse order.

The order of a start: lock, store, people and policies, journal, leftovers shipped and numbered, the published log,
the gateway, recovery of what a crash left; only then does anything listen.
"""

from __future__ import annotations

import asyncio
import datetime
import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog
import uvloop
from prometheus_client.registry import Collector

from daypass import __version__
from daypass.api.front import Front
from daypass.api.models import Health
from daypass.api.operator import make_operator
from daypass.api.web import make_web
from daypass.app import logs
from daypass.app.belonging import Belonging
from daypass.app.certificates import Tls, check_tls, open_tls
from daypass.app.checking import Checked, bound
from daypass.app.clock import CLOCK
from daypass.app.descriptors import allow_files
from daypass.app.door import Door
from daypass.app.exporting import Exports
from daypass.app.facing import make_front
from daypass.app.house import House, make_house
from daypass.app.listening import Listening, names_of, unix_socket
from daypass.app.lock import locked, socket_path
from daypass.app.loops import Loops
from daypass.app.outside import hang_up, unanswerable
from daypass.app.policy_files import PolicyFilesOnDisk
from daypass.app.publishing import Publishing
from daypass.app.reloading import Reloading
from daypass.app.shipping import Shipping
from daypass.app.standing import CLOSED, frozen
from daypass.app.telling import Channels, Telling, make_channels
from daypass.app.told_settings import told_settings
from daypass.app.witnessing import check_witnesses
from daypass.config import WEB
from daypass.domain.errors import DaypassError, Unavailable
from daypass.gateway.asking import CUT_OFF
from daypass.gateway.gateway import Gateway
from daypass.gateway.tls import ServerTls
from daypass.ledger import durable, files
from daypass.ledger.disagreement import Disagreement
from daypass.ledger.journal import Durability, Journal
from daypass.ledger.syncing import Apart
from daypass.protocols import PROTOCOLS
from daypass.protocols.interface import Limits
from daypass.services.restoring import Restoring
from daypass.store.interface import Store
from daypass.store.opening import open_store

log = structlog.get_logger()

SWITCH_SECONDS = 0.001
"""For how long a thread may keep the interpreter while another waits for it: the loop waits for threads that draft or
parse, and the store's thread for the loop, at every step of a transaction. Python's own 5 ms are for fewer switches."""

NEW_OBJECTS = 20_000
"""How many more objects there have to be before the young are searched for cycles (Python's own: 700)."""


@dataclass(frozen=True, slots=True)
class Disks:
    """What this node's files are on. Crash tests bring ones that forget what was not synced."""

    journal: files.Files = field(default_factory=files.Disk)
    published: durable.Files = field(default_factory=durable.Disk)


def run(checked: Checked, disks: Disks | None = None) -> int:
    """Run until SIGTERM or SIGINT; 1 if the record could not be kept. Raises DaypassError if it cannot start."""
    logs.configure()
    allow_files(checked.settings.limits.sessions)
    sys.setswitchinterval(SWITCH_SECONDS)
    data = checked.settings.data
    with locked(data), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(Node(checked, disks or Disks()).live())


def seldom_collect() -> None:
    """What the start has made stays: no search for cycles goes through it again. Each is a pause for every session."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)


class Node:
    """One running node."""

    def __init__(self, checked: Checked, disks: Disks) -> None:
        self._checked = checked
        self._disks = disks
        self._settings = checked.settings
        self._leave = asyncio.Event()
        self._reread: Callable[[], None] = lambda: None
        self._renewals: list[Callable[[], None]] = []
        self._health = Health(id=checked.settings.node, state="HEALTHY")
        self._shipping: Shipping | None = None
        self._telling: Telling | None = None

    async def live(self) -> int:
        """Start, go on until told to leave, leave. Returns the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave.set)
        async with AsyncExitStack() as stack:
            await self._open(stack)
            seldom_collect()
            await self._leave.wait()
            log.info("leaving", node=self._settings.node, problem=self._health.problem)
            if self._health.state == "HEALTHY":
                self._health.state = "DRAINING"
        log.info("left", node=self._settings.node)
        return 1 if self._health.state in ("FAILED", "READ_ONLY") else 0

    def _fail(self, problem: str) -> None:
        """The record cannot be kept: nothing more may happen here."""
        self._health.state, self._health.problem = "FAILED", problem
        self._leave.set()

    def _renew(self) -> None:
        """Serve with what the certificate's files say now. Raises `ConfigError` or `OSError`: then nothing changed."""
        check_tls(self._settings)
        for renew in self._renewals:
            renew()

    def _present(self, gateway: Gateway, publishing: Publishing) -> Health:
        """How it is now: a node that is cut off from its store says so."""
        failing = self._telling.problems if self._telling is not None else {}
        channels = [f"channel {name} does not take messages: {why}" for name, why in failing.items()]
        waiting = self._shipping.warnings if self._shipping is not None else []
        self._health.warnings = [*waiting, *publishing.warnings, *unanswerable(self._checked), *channels]
        if self._health.state == "HEALTHY" and gateway.works.lease.over:
            return Health(id=self._health.id, state="CUT_OFF", problem=CUT_OFF)
        return self._health

    # -- opening ------------------------------------------------------------------------------------------------

    async def _open(self, stack: AsyncExitStack) -> None:
        """Everything in order. What is pushed onto the stack is undone in the reverse order."""
        settings = self._settings
        now = datetime.datetime.now(datetime.UTC)
        tls = open_tls(settings, now)
        web = stack.enter_context(bound(f"listen.{WEB}", settings.web, settings))
        store = open_store(settings.store, settings.data, node=settings.node)
        stack.push_async_callback(store.close)
        await store.migrate()
        publishing = await self._published(stack, store)
        try:
            await publishing.open()
        except Disagreement as problem:
            await self._stand_still(stack, store, publishing, problem, web, tls)
            return
        for line in publishing.untold:
            log.warning(line)
        house = make_house(store, self._checked)
        await self._put_on_record(house)
        journal = await self._journal(stack, store)
        self._shipping = shipping = Shipping(journal, store, settings.node, house.office.lock)
        house.erasing.on_erased = journal.expel
        await shipping.catch_up()
        gateway = self._gateway(house, journal, tls)
        stack.callback(gateway.close)
        house.live.carrier, house.live.node = gateway.carrier, settings.node
        belonging = Belonging(
            store, house.nodes, house.endings.across, gateway.works.lease, settings.node, settings.data
        )
        await belonging.join()
        await house.starting.started(settings.node, __version__, journal.last)
        shipping.start(self._fail, gateway.calm)
        loops = Loops(house, publishing, settings.node, self._fail, settings.retention_ms)
        stack.push_async_callback(self._wind_up, house, loops, shipping, publishing)
        recovered = await house.recovery.recover(settings.node)
        await Restoring(house.office).see_to(house.endings)
        await house.tightening.look()
        await belonging.start()
        stack.push_async_callback(belonging.stop)
        loops.start()
        exports, telling, channels = await self._stand_beside(stack, house, store)
        await self._listen(
            stack,
            house,
            gateway,
            self._front(house, tls, gateway, publishing, shipping, exports, telling, channels=channels),
            web,
            tls,
        )
        log.info(
            "ready",
            node=settings.node,
            vkey=publishing.vkey,
            web=str(settings.web),
            recovered=len(recovered.closed),
            **{name: str(address) for name, address in self._checked.listen.items()},
        )

    async def _put_on_record(self, house: House) -> None:
        """Who and what there is, and which policies hold, where it is not what it was at the last start."""
        await house.directory.check_listed(self._settings.people)
        await house.people.trust(self._settings.oidc.issuer if self._settings.oidc else "")
        await house.people.sync(self._settings.people)
        await house.tokens.start()
        await house.starting.targets()
        await house.starting.groups()
        await house.starting.settings(told_settings(self._settings))
        await house.starting.put_in_force(self._checked.policies)

    async def _stand_beside(
        self, stack: AsyncExitStack, house: House, store: Store
    ) -> tuple[Exports, Telling, Channels]:
        """Start what the data path does not wait for: exports, messages, reading changed files again."""
        settings = self._settings
        exports = Exports(store, settings)
        exports.start()
        stack.push_async_callback(exports.stop)
        channels = make_channels(settings)
        self._telling = telling = Telling(house.office, channels, settings.public_url)
        await telling.start()
        stack.push_async_callback(telling.stop)
        reloading = Reloading(settings, house.tightening, self._renew)
        self._reread = reloading.ask
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading.ask)
        reloading.start()
        stack.push_async_callback(reloading.stop)
        return exports, telling, channels

    async def _published(self, stack: AsyncExitStack, store: Store) -> Publishing:
        settings = self._settings
        publishing = Publishing(
            store,
            settings.site,
            settings.data,
            public=settings.ledger.public,
            witnesses=check_witnesses(settings),
            quorum=settings.ledger.quorum,
            disk=self._disks.published,
            node=settings.node,
            url=settings.public_url,
        )
        stack.push_async_callback(publishing.close)
        return publishing

    async def _stand_still(
        self,
        stack: AsyncExitStack,
        store: Store,
        publishing: Publishing,
        problem: Disagreement,
        web: socket.socket,
        tls: Tls,
    ) -> None:
        """The log cannot go on: serve what can be read, open no session, until the operator has done something."""
        node = self._settings.node
        log.critical("nothing is signed and no session opens", problem=problem.message, hint=problem.hint)
        self._health.state, self._health.problem = "READ_ONLY", f"{problem.message}; {problem.hint}"
        house = make_house(frozen(store, problem), self._checked)
        house.office.policies.current = self._checked.policies
        await house.tokens.start()
        journal = await self._journal(stack, store)
        gateway = self._gateway(house, journal, tls)
        stack.callback(gateway.close)
        gateway.works.closed_for = CLOSED.format(problem=problem.message)
        house.live.carrier, house.live.node = gateway.carrier, node
        try:
            await house.recovery.recover(node)
        except DaypassError as why:
            log.error("what the last run left is ended at its targets, and not recorded", problem=why.message)
        await self._listen(stack, house, gateway, self._front(house, tls, gateway, publishing), web, tls)
        log.info("ready to be read", node=node, web=str(self._settings.web))

    async def _journal(self, stack: AsyncExitStack, store: Store) -> Journal:
        """The journal, open until the stack is. What syncs it beside the loop outlives it."""
        settings = self._settings
        shipped = await store.shipped(settings.node)
        reserve = settings.limits.disk_reserve_bytes
        folder = settings.data / "journal"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            journal = Journal.open(
                folder,
                Durability(settings.durability),
                after=shipped,
                files=self._disks.journal,
                reserve_bytes=reserve,
            )
            if journal.syncs and isinstance(self._disks.journal, files.Disk):
                apart = Apart()
                stack.callback(apart.close)
                journal.sync_by(apart)
        except OSError as problem:
            raise Unavailable(f"the journal in {folder} cannot be opened: {problem.strerror or problem}") from problem
        stack.callback(journal.close)
        return journal

    def _gateway(self, house: House, journal: Journal, tls: Tls) -> Gateway:
        gateway = Gateway(
            desk=Door(house.sessions, self._settings.limits.sessions, lambda: len(gateway.works.carrying)),
            journal=journal,
            protocols=PROTOCOLS,
            node=self._settings.node,
            tls=ServerTls(tls.cert, tls.key),
            on_fatal=lambda: self._fail("the journal cannot be written"),
            limits=Limits(message_bytes=self._settings.limits.message_bytes),
            now_us=CLOCK.now_us,
            warn_before_ms=self._settings.limits.warn_before_ms,
        )
        return gateway

    def _front(
        self,
        house: House,
        tls: Tls,
        gateway: Gateway,
        publishing: Publishing,
        *parts: Collector,
        channels: Channels | None = None,
    ) -> Front:
        files = PolicyFilesOnDisk(self._settings, house.office, lambda: self._reread())
        return make_front(
            self._checked,
            house,
            tls,
            gateway,
            publishing,
            parts,
            files,
            channels,
            lambda: self._present(gateway, publishing),
        )

    async def _listen(
        self, stack: AsyncExitStack, house: House, gateway: Gateway, front: Front, web: socket.socket, tls: Tls
    ) -> None:
        settings = self._settings
        orders = Listening(
            make_operator(
                house.issue, house.erase, house.reindex, house.seal_codes, house.keep_secret, house.set_password
            ),
            unix_socket(socket_path(settings.data)),
        )
        await orders.start()
        stack.push_async_callback(orders.stop)
        app = make_web(
            front,
            public_url=settings.public_url,
            listening=names_of(settings.web.host, settings.web.port),
            body_bytes_max=settings.limits.request_bytes,
            proxies=settings.proxies,
        )
        for name, address in self._checked.listen.items():
            await gateway.listen(name, address.host, address.port)
        serving = Listening(app, web, tls if settings.tls else None)
        await serving.start()
        self._renewals += [serving.renew, *([gateway.works.tls.renew] if gateway.works.tls else [])]
        stack.push_async_callback(serving.stop)
        stack.push_async_callback(front.following.close)
        stack.push_async_callback(front.consoles.close)
        stack.push_async_callback(gateway.drain, settings.limits.drain_ms / 1000)

    # -- leaving ------------------------------------------------------------------------------------------------

    async def _wind_up(self, house: House, loops: Loops, shipping: Shipping, publishing: Publishing) -> None:
        """After the sessions are over: finish what is ending, ship, number and publish the last of it."""
        await house.endings.settle()
        await loops.stop()
        await house.patrol.settle()
        await house.doubts.settle()
        await house.moving.settle()
        await house.revoking.settle()
        await house.credentials.close()
        await hang_up(house.office)
        try:
            await shipping.stop()
            await publishing.publish()
        except DaypassError as problem:
            log.error("the last of the record waits for the next start", problem=problem.message)
