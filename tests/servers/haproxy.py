"""HAProxy in TCP mode: what forwarding alone costs."""

from __future__ import annotations

from tests.servers.pooler import Pooler


class HAProxy(Pooler):
    program = "haproxy"

    def _configure(self) -> list[str]:
        file = self.home / "haproxy.cfg"
        file.write_text(
            "global\n  maxconn 1000\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
            f"listen database\n  bind 127.0.0.1:{self.port}\n  server one 127.0.0.1:{self.server.port}\n"
        )
        return ["-db", "-f", str(file)]
