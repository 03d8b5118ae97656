"""`Serving`: an HTTP server of this machine in a thread of its own, for stand-ins and files.

with Serving(Handler) as server:
    server.url      # http://127.0.0.1:PORT
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

STOP_SECONDS_MAX = 0.02
"""How long it takes to notice that it is to stop; half a second by default, which each test with one would wait."""


class Serving(ThreadingHTTPServer):
    """Serves on a free port from when it is entered, and is gone when it is left."""

    daemon_threads = True
    request_queue_size = 64
    """Who finds the queue of 5 that is usual full tries again after a second."""

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(STOP_SECONDS_MAX,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
