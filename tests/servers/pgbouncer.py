"""pgbouncer in session mode: a protocol-aware proxy in C that keeps no record."""

from __future__ import annotations

from daypass.cli.demo import sample
from tests.servers.pooler import Pooler


class PgBouncer(Pooler):
    """It gives up a backend that nobody has used for a second. Otherwise its clients would get the warm ones of the
    run before, with the catalog and the table's pages in place, where everybody else's get new ones: what the
    benchmark compares is what stands before the server."""

    program = "pgbouncer"

    def _configure(self) -> list[str]:
        people = self.home / "users.txt"
        people.write_text(f'"{sample.WRITER}" "{self.server.password}"\n')
        people.chmod(0o600)
        file = self.home / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n{sample.DATABASE} = host=127.0.0.1 port={self.server.port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {people}\n"
            "pool_mode = session\ndefault_pool_size = 200\nmax_client_conn = 1000\nserver_idle_timeout = 1\n"
            "log_connections = 0\nlog_disconnections = 0\nignore_startup_parameters = extra_float_digits\n"
        )
        return [str(file)]
