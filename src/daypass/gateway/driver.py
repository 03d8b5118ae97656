"""One session, live: what comes in goes to the sans-I/O session, and what that wants done is done, in order.

The data path is plain callbacks: no task, queue or stream for a message. `Record` is the one effect with a rule of its
own: everything that stands after it waits until the journal says that it is durable; records that follow meanwhile go
into the same turn. What is asked of others (`asking`) runs apart and comes back as an event. Once `stop` was called
nothing is forwarded any more, whatever was held or still comes in. It decides nothing: who may do what is the desk's,
what the bytes mean is the protocol's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final
from uuid import UUID

import structlog

from daypass.domain.errors import Unavailable
from daypass.domain.grant import EndReason
from daypass.domain.statement import Fact, Submitted
from daypass.gateway.asking import Asking
from daypass.gateway.faults import fault_of
from daypass.gateway.interface import Admission
from daypass.gateway.tls import TlsLayer
from daypass.gateway.wire import FULL, HELD, PRESSED, STOPPED, UNWANTED, Wire
from daypass.gateway.works import Works
from daypass.ledger.facts import encode
from daypass.protocols.interface import (
    CLIENT,
    TARGET,
    Close,
    Closed,
    Effect,
    Ending,
    Event,
    Failed,
    Pulsed,
    Received,
    Record,
    Send,
    Session,
    Side,
    TlsStarted,
    Warned,
)

log = structlog.get_logger(__name__)

_monotonic: Final = monotonic


class Driver:
    """Owns both wires of one session (`wire.Owner`). `closed` is done when both are gone and the end was told."""

    def __init__(self, works: Works, protocol: str, session: Session) -> None:
        bounds = works.bounds
        self.works = works
        self.protocol = protocol
        self.session = session
        self.client = Wire(self, CLIENT, bounds.write_buffer_bytes)
        self.target = Wire(self, TARGET, bounds.write_buffer_bytes)
        self.admission: Admission | None = None
        self.stopped = False
        self.ending = False
        self.heard = monotonic()
        self.statements = 0
        self.last_number = 0
        self.reason: EndReason | None = None
        self.note = ""
        self.gap = False
        self.half_closed = False
        """The client has said that it will send no more."""
        self.closed = works.loop.create_future()
        self.settled: asyncio.Future[float] = works.loop.create_future()
        """After `stop`: done when the target does nothing more for this session, and has nothing on its way to it that
        it could do. The (monotonic) time of that; 0: its connection was lost before it said so."""
        self.at_work = 0
        """The statement that the target was at work on when forwarding stopped."""
        self.asking = Asking(self)
        self._handle = session.handle
        self._wants = session.wants
        self._unwanted = False
        self._journal = works.journal
        self._at_once = works.journal.at_once
        self._tally = works.tally
        self._now_us = works.now_us
        self._session16 = b""
        self._held: list[Effect] | None = None
        self._later: list[Effect] | None = None
        self._held_bytes = 0
        self._torn = False
        self._told_closed: set[Side] = set()

    # -- what the wires tell ----------------------------------------------------------------------------------------

    def received(self, side: Side, data: bytes) -> None:
        if self.stopped:
            if side is TARGET:
                self._note(data)
            return
        now = _monotonic()
        if side is CLIENT:
            self.heard = now
            self._tally.from_clients_bytes += len(data)
        else:
            self._tally.from_targets_bytes += len(data)
        self.tell(Received(side, data, now))
        if not self._wants(side):
            self._unwanted = True
            self._wire(side).pause(UNWANTED)

    def finished(self, side: Side) -> None:
        if side not in self._told_closed:
            self._told_closed.add(side)
            self.half_closed = side is CLIENT
            self.tell(Closed(side))

    def lost(self, side: Side) -> None:
        self.finished(side)
        if side is TARGET and self.stopped:
            self._settle(0.0)
        if not self.stopped and not (self.client.closing and self.target.closing):
            # Half of a session is none: with its peer wholly gone, nobody can give or take what the other side says.
            self.end(EndReason.CLIENT_LEFT if side is CLIENT else EndReason.TARGET_LEFT, "")
            if side is CLIENT:
                self.asking.stop_work()
            self.close()
        self.asking.finish_if_gone()

    def secured(self, side: Side, layer: TlsLayer) -> None:
        self.tell(TlsStarted(side, layer.binding, layer.alpn))

    def unsecured(self, side: Side, why: str) -> None:
        self.tell(Failed(side, why))

    def clogged(self, side: Side, full: bool) -> None:
        other = self._wire(self._other(side))
        if full and not self.stopped:
            other.pause(FULL)
        else:
            other.resume(FULL)

    # -- events in, effects out -------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Give the session an event and do what it wants. Whatever goes wrong in here ends the session."""
        if self.stopped:
            return
        effects: list[Effect] = []
        try:
            effects = self._handle(event)
            if self._held is None:
                self._apply(effects)
            else:
                self._queue(effects)
            if self._unwanted:
                self._ask_again()
        except Unavailable as problem:
            self._unrecorded(problem, effects)
        except Exception as problem:  # noqa: BLE001  a fault of ours must not become a way around the record
            self._fault(problem, effects)

    def _apply(self, effects: list[Effect]) -> None:
        """Do these in order, up to the first that has to wait for a record."""
        at, count = 0, len(effects)  # counted by hand: compiled, that makes nothing
        while at < count:
            effect = effects[at]
            at += 1
            if isinstance(effect, Send):
                (self.client if effect.side is CLIENT else self.target).send(effect.data)
            elif isinstance(effect, Record):
                self._record(effect.fact)
                if not self._at_once:
                    if at < count:
                        self._hold(effects, at)
                    return
            else:
                self._do(effect)

    def _record(self, fact: Fact) -> None:
        if isinstance(fact, Submitted):
            self.statements = fact.n
            self._tally.statements += 1
        if not self._session16:
            raise Unavailable("a fact of no session")
        self.last_number = self._journal.append(encode(self._session16, self._now_us(), fact))

    def _hold(self, effects: list[Effect], at: int) -> None:
        """Nothing from here on may happen before what was recorded is durable; what there is to record goes along."""
        held: list[Effect] = []
        while at < len(effects):
            effect = effects[at]
            at += 1
            if isinstance(effect, Record):
                self._record(effect.fact)
            else:
                held.append(effect)
        if held:
            self._held = held
            self._journal.hold(self._release)

    def _queue(self, effects: Sequence[Effect]) -> None:
        """More to do while something is held: it stays behind that. Where holding ends with the turn, records join in;
        where it ends with a store's answer, what follows a new record needs an answer of its own."""
        into = self._later if self._later is not None else self._held
        assert into is not None
        for effect in effects:
            if isinstance(effect, Record):
                self._record(effect.fact)
                if self._journal.waits_for_store and self._later is None:
                    into = self._later = []
                continue
            into.append(effect)
            if isinstance(effect, Send):
                self._held_bytes += len(effect.data)
        if self._held_bytes > self.works.bounds.held_bytes:
            self.client.pause(HELD)
            self.target.pause(HELD)

    def _release(self) -> None:
        """What was recorded is durable: do what was held for it. Called by the journal; never raises."""
        held, self._held, self._later = self._held, self._later, None
        if held is None or self.stopped:
            return
        if self._held is not None:
            self._journal.hold(self._release)
        if self._held_bytes:
            self._held_bytes = 0
            self.client.resume(HELD)
            self.target.resume(HELD)
        try:
            for effect in held:
                if isinstance(effect, Send):
                    (self.client if effect.side is CLIENT else self.target).send(effect.data)
                else:
                    self._do(effect)
        except Exception as problem:  # noqa: BLE001  as in `tell`
            self._fault(problem, held)

    def _do(self, effect: Effect) -> None:
        if isinstance(effect, Close):
            self.end_as(effect.reason, effect.note)
            told_why = effect.side is CLIENT and self.reason is not EndReason.CLIENT_LEFT
            self.close_side(effect.side, effect.missing if told_why else None)
        else:
            self.asking.ask(effect)

    def _ask_again(self) -> None:
        for wire in (self.client, self.target):
            if wire.paused(UNWANTED) and self._wants(wire.side):
                wire.resume(UNWANTED)
        self._unwanted = self.client.paused(UNWANTED) or self.target.paused(UNWANTED)

    # -- answers that change what this session is -------------------------------------------------------------------

    def admitted(self, admission: Admission) -> None:
        """The desk let it in: from here on it is carried, has a deadline, and its facts have a name."""
        self.admission = admission
        self._session16 = UUID(admission.session).bytes

    def pulse(self) -> None:
        """Let a client that will send no more show whether it is there: one that is not has what is sent to it
        refused, and then it is lost. Where much waits to be sent, that says it as well."""
        if self.half_closed and not self.target.paused(FULL):
            self.tell(Pulsed())

    def warn(self, message: str) -> None:
        """Tell the client something between two messages."""
        self.tell(Warned(message))

    # -- the end ----------------------------------------------------------------------------------------------------

    def end(self, reason: EndReason, note: str) -> None:
        """Note why it ends; the first to say so is believed."""
        if self.reason is None:
            self.reason, self.note = reason, note

    def end_as(self, reason: str, note: str) -> None:
        """As `end`, in a protocol's word."""
        known = reason in EndReason._value2member_map_
        self.end(EndReason(reason) if known else EndReason.PROTOCOL_ERROR, note)

    def stop(self) -> None:
        """Stop forwarding, now and for good. What the client has coming of what already happened is still sent, so
        that it can be told why at a message boundary; nothing more goes to the target."""
        if self.stopped:
            return
        self.stopped = True
        self.at_work = self.session.at_work()
        self.client.pause(STOPPED)
        held, self._held, self._later = [*(self._held or ()), *(self._later or ())], None, None
        for_client = [e.data for e in held if isinstance(e, Send) and e.side is CLIENT]
        if self._journal.broken:
            self.gap = True
            self._torn = self._torn or bool(for_client)
        else:
            for data in for_client:
                self.client.send(data)
        self.session.hush()
        self.target.read_on()
        if not self.session.owed():
            self._settle(_monotonic())

    def _note(self, data: bytes) -> None:
        """What the target still says after `stop`: it goes into the record, and says when there is nothing more. The
        rest of a message goes to the client, so that it can be told why."""
        now = _monotonic()
        try:
            for effect in self._handle(Received(TARGET, data, now)):
                if isinstance(effect, Record) and not self._journal.broken:
                    self._record(effect.fact)
                elif isinstance(effect, Send) and effect.side is CLIENT and not self._torn:
                    self.client.send(effect.data)
        except Exception as problem:  # noqa: BLE001  the end goes on; what is not known is not said to be settled
            self.gap = True
            log.error("the last words of a target could not be noted", fault=fault_of(problem))
            return
        if not self.session.owed():
            self._settle(now)

    def _settle(self, at: float) -> None:
        if not self.settled.done():
            self.settled.set_result(at)

    def tell_ending(self, ending: Ending) -> None:
        """Tell the client why, after `stop`. Its buffer may be full: nobody waits for it."""
        self.end(EndReason(ending.reason), ending.message)
        if self._torn:
            return  # what the client got may end inside a message: nothing that follows could be understood
        try:
            for effect in self.session.handle(ending):
                if isinstance(effect, Send) and effect.side is CLIENT:
                    self.client.send(effect.data)
                elif isinstance(effect, Record) and not self._journal.broken:
                    self._record(effect.fact)
        except Exception as problem:  # noqa: BLE001  the end goes on; only the client is not told
            self.gap = True
            log.error("ending could not be told", fault=fault_of(problem))

    def close(self) -> None:
        """Close both sides."""
        self.close_side(CLIENT)
        self.close_side(TARGET)

    def close_side(self, side: Side, missing: int | None = None) -> None:
        """Close one side after what was sent to it, and cut it off if it does not take that. `missing`: it was told
        why, and gets to read that even while it sends, so many bytes of a message at least."""
        wire, bounds = self._wire(side), self.works.bounds
        if not wire.closing:
            if missing is None:
                wire.close()
            else:
                wire.part(missing)
            self.works.loop.call_later(bounds.parting_seconds if missing else bounds.linger_seconds, wire.abort)
            self.asking.finish_if_gone()

    def press(self, pressed: bool) -> None:
        """The journal has too much that is not shipped, or no longer."""
        if pressed:
            self.client.pause(PRESSED)
        else:
            self.client.resume(PRESSED)

    def _unrecorded(self, problem: Unavailable, undone: Sequence[Effect]) -> None:
        """Something cannot be recorded, so it does not happen and the session ends."""
        self.gap = True
        self._torn = self._torn or _for_client(undone)
        self.asking.cut(EndReason.RECORD_FAILED, problem.message)

    def _fault(self, problem: Exception, undone: Sequence[Effect]) -> None:
        self._tally.faults += 1
        log.error("session failed", session=self.admission and self.admission.session, fault=fault_of(problem))
        self.gap = True
        self._torn = self._torn or _for_client(undone)
        self.asking.cut(EndReason.PROTOCOL_ERROR, "internal error")

    def _wire(self, side: Side) -> Wire:
        return self.client if side is CLIENT else self.target

    def _other(self, side: Side) -> Side:
        return TARGET if side is CLIENT else CLIENT


def _for_client(effects: Sequence[Effect]) -> bool:
    return any(isinstance(effect, Send) and effect.side is CLIENT for effect in effects)
