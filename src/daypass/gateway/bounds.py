"""Every limit of the gateway, in one place, with why it is what it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds, bytes and counts. The defaults serve; tests bring smaller ones."""

    sign_in_seconds: float = 30.0
    """From accept to a checked proof. A person may type a token in that time, a scanner holds no place for long."""

    unauthenticated_max: int = 256
    """Connections per listener that have not proven who they are: what one attacker can make us hold."""

    question_seconds: float = 15.0
    """How long the store may take to answer a connection before the client is told that it does not."""

    connect_seconds: float = 10.0
    """How long a target may take to accept a connection: longer than a lost SYN and its first repeats."""

    opening_seconds: float = 45.0
    """From a checked proof to an open session: connect, the target's own sign-in, and our own commit."""

    write_buffer_bytes: int = 256 * 1024
    """What is buffered towards one side before reading from the other stops. Enough to fill a fast link."""

    held_bytes: int = 1024 * 1024
    """What one session may have waiting for its records to be durable before reading from it stops."""

    linger_seconds: float = 2.0
    """How long a side that was closed may take to read what was sent before it is cut off."""

    parting_seconds: float = 10.0
    """How long a client may go on sending a message that was refused for its length."""

    stop_seconds: float = 2.0
    """How long ending the work at a target may take before the sockets are closed without its word."""

    read_back_seconds: float = 9.0
    """How long after the start of an end it must be shown that nothing is left at work. An end has ten seconds in all
    (docs: END_UNCONFIRMED), and its credential comes after this."""

    look_seconds: float = 0.005
    """Between two looks at whether the work is gone; doubles each time, up to half a second."""

    ender_idle_seconds: float = 30.0
    """How long an ender stays after the last session of its credential: reconnecting clients find it warm."""

    ender_retry_seconds: float = 5.0
    """The longest pause between two attempts to get an ender back while its credential has open sessions."""

    pulse_seconds: float = 0.1
    """How often idle times and the journal's backlog are looked at: a tenth of the smallest unit people notice."""

    clock_seconds: float = 1.0
    """How often deadlines are compared with the clock, which goes on while the machine is suspended; timers do not."""

    told_seconds: float = 60.0
    """How long telling the store that a session ended is tried again; start-up does it after that."""

    refusals_max: int = 64
    """Refusals that may wait to be told to the store at once; further ones are only counted."""
