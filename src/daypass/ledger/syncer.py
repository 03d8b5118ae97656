"""The other process of `syncing`: `fdatasync` of the file that it was last handed, whenever it is asked to.

Run by its path with nothing but the standard library, so that it is small and there at once. One datagram is one order:
with a file descriptor that one is followed from now on, without it is synced; the answer (`ANSWER`) is an `errno`, 0
for none, and how long that took. It ends when the other side is gone, and by no signal sooner: what its gateway still
does after a Ctrl-C is recorded too.
"""

import os
import signal
import socket
import struct
import sys
from time import perf_counter_ns

ANSWER = struct.Struct(">iQ")
"""An `errno`, and nanoseconds."""


def main(own: int) -> None:
    """Do what is asked on this socket until the other side is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    handle = -1
    room = socket.CMSG_SPACE(4)
    with socket.socket(fileno=own) as orders:
        while True:
            order, ancillary, _, _ = orders.recvmsg(1, room)
            if not order:
                return
            if ancillary:
                if handle >= 0:
                    os.close(handle)
                handle = int.from_bytes(ancillary[0][2], sys.byteorder)
                continue
            problem, began = 0, perf_counter_ns()
            try:
                os.fdatasync(handle)
            except OSError as error:
                problem = error.errno or -1
            orders.send(ANSWER.pack(problem, perf_counter_ns() - began))


if __name__ == "__main__":
    main(int(sys.argv[1]))
