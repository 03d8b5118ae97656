"""TLS towards the client, with libpq 18 (psycopg's) and libpq 15 (Debian's psql); and plain text on loopback."""

from __future__ import annotations

import socket
import ssl
import struct
import threading

import psycopg
import pytest

from daypass.cli.demo.gateway import Setup
from tests.e2e.conftest import Starting
from tests.servers.authority import Authority
from tests.servers.daypass import Daypass
from tests.servers.postgres import Postgres

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def ca(daypass: Daypass) -> str:
    """The certificate of the local CA that was made on first start."""
    (found,) = daypass.data.rglob("ca.pem")
    return str(found)


def test_plain_text_on_loopback(daypass_15: Daypass) -> None:
    with psycopg.connect(daypass_15.dsn(sslmode="disable")) as connection:
        assert not connection.pgconn.ssl_in_use


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_require(daypass_15: Daypass, binding: str) -> None:
    with psycopg.connect(daypass_15.dsn(sslmode="require", channel_binding=binding)) as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("select 1").fetchone() == (1,)


def test_verify_full(daypass_15: Daypass) -> None:
    url = daypass_15.dsn(sslmode="verify-full", sslrootcert=ca(daypass_15), require_auth="scram-sha-256")
    with psycopg.connect(url.replace("127.0.0.1", "localhost")) as connection:
        assert connection.pgconn.ssl_in_use


def test_direct_tls(daypass_15: Daypass) -> None:
    url = daypass_15.dsn(sslmode="require", sslnegotiation="direct", channel_binding="require")
    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_direct_tls_needs_its_application_protocol(daypass_15: Daypass) -> None:
    anything = ssl.create_default_context()
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", daypass_15.port), 10) as raw:
        raw.settimeout(10)
        try:
            with anything.wrap_socket(raw) as wrapped:
                wrapped.sendall(struct.pack("!ii", 9, 196608) + b"\0")
                assert wrapped.recv(1) in (b"", b"E")
        except (ssl.SSLError, ConnectionError):
            pass


@pytest.mark.parametrize("version", ["3.0", "3.2"])
def test_protocol_versions(daypass_15: Daypass, daypass_18: Daypass, version: str) -> None:
    for daypass in (daypass_15, daypass_18):
        url = daypass.dsn(min_protocol_version=version, max_protocol_version=version)
        with psycopg.connect(url) as connection:
            assert connection.pgconn.full_protocol_version == {"3.0": 30000, "3.2": 30002}[version]
            assert connection.execute("select 1").fetchone() == (1,)


def test_cancelling_over_tls_with_a_long_key(daypass_18: Daypass) -> None:
    url = daypass_18.dsn(sslmode="require", min_protocol_version="3.2", max_protocol_version="latest")
    with psycopg.connect(url, autocommit=True) as connection:
        cancel = threading.Timer(0.5, connection.cancel_safe)
        cancel.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(30)")
        cancel.join()
        assert connection.execute("select 1").fetchone() == (1,)


def test_debians_psql_binds_its_channel(daypass_15: Daypass) -> None:
    env = {"PGSSLMODE": "verify-ca", "PGSSLROOTCERT": ca(daypass_15), "PGCHANNELBINDING": "require"}
    done = daypass_15.psql("select 7", env=env)
    assert done.stdout.strip() == "7", done.stderr


def test_bytes_behind_the_tls_request_end_the_connection(daypass_15: Daypass) -> None:
    with socket.create_connection(("127.0.0.1", daypass_15.port), 10) as raw:
        raw.settimeout(10)
        raw.sendall(SSL_REQUEST + b"injected")
        answer = raw.recv(100)
        assert answer[:1] != b"S" or raw.recv(100) == b""


def test_gss_is_answered_with_no(daypass_15: Daypass) -> None:
    with socket.create_connection(("127.0.0.1", daypass_15.port), 10) as raw:
        raw.settimeout(10)
        raw.sendall(struct.pack("!ii", 8, 80877104))
        assert raw.recv(1) == b"N"


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_tls_to_the_target(own_postgres: Postgres, starting: Starting, mode: str) -> None:
    authority = Authority(own_postgres.home)
    own_postgres.use_tls(*authority.certificate("127.0.0.1"))
    own_postgres.hba("hostssl all all 127.0.0.1/32 scram-sha-256")
    target = f"    tls: {mode}\n    tls_ca: {authority.path}\n"
    daypass = starting(own_postgres, Setup(target=target))
    daypass.grant("write")
    seen = daypass.psql("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    assert seen.stdout.strip() == "t", seen.stderr


def test_a_target_with_another_certificate_is_refused(own_postgres: Postgres, starting: Starting) -> None:
    authority, other = Authority(own_postgres.home), Authority(own_postgres.home, "other")
    own_postgres.use_tls(*other.certificate("127.0.0.1"))
    daypass = starting(own_postgres, Setup(target=f"    tls: verify-full\n    tls_ca: {authority.path}\n"))
    daypass.grant("write")
    done = daypass.psql("select 1")
    assert done.returncode == 2
    assert "certificate" in done.stderr.lower()
    assert not own_postgres.statements(user="app_rw")


@pytest.mark.parametrize("method", ["trust", "password", "md5", "scram-sha-256"])
def test_ways_of_signing_in_to_the_target(own_postgres: Postgres, starting: Starting, method: str) -> None:
    if method == "md5":
        own_postgres.psql(f"set password_encryption = 'md5'; alter role app_rw password '{own_postgres.password}';")
    own_postgres.hba(f"host all all 127.0.0.1/32 {method}")
    daypass = starting(own_postgres)
    daypass.grant("write")
    assert daypass.psql("select current_user").stdout.strip() == "app_rw"
