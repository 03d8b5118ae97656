"""Strangers who send something like the beginning of a conversation, with bytes of it changed, cut or doubled."""

from __future__ import annotations

import random
import socket

BEGINNINGS = (
    b"GET /api/v1/requests?limit=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer dp_x\r\n\r\n",
    b"POST /api/v1/requests HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /ledger/tile/0/000 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"\0\0\0\x29\0\3\0\0user\0ana@acme.test\0database\0orders\0\0",
    b"\0\0\0\x08\x04\xd2\x16\x2f\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
    b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2",
)
"""Of HTTP and of PostgreSQL, whichever is spoken there."""


def babble(port: int, rounds: int) -> None:
    """So many of them, one after the other, each with other bytes."""
    for seed in range(rounds):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as one:
            one.settimeout(0.05)
            try:
                one.sendall(garbled(seed))
                one.shutdown(socket.SHUT_WR)
                while one.recv(4096):
                    continue
            except OSError:
                continue


def garbled(seed: int) -> bytes:
    """Something like the beginning of a conversation, with bytes of it changed, cut or doubled."""
    chance = random.Random(seed)
    raw = bytearray(chance.choice(BEGINNINGS))
    for _ in range(chance.randrange(1, 9)):
        at = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0:
                raw[at] = chance.randrange(256)
            case 1:
                raw[at:at] = chance.randbytes(chance.randrange(1, 40))
            case 2:
                raw[at:at] = raw[:at]
            case _:
                del raw[at + 1 :]
    return bytes(raw)
