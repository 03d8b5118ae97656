"""How a person's own client connects through the gateway (libpq's words, which most drivers share)."""

from __future__ import annotations

from urllib.parse import quote

from daypass.protocols.interface import ConnectHelp


def connect_help(
    *, host: str, port: int, person: str, target: str, role: str | None, token: str, ca: str | None
) -> ConnectHelp:
    """psql with the token in a password file: on no command line, in no environment, in no URL."""
    database = f"{target}:{role}" if role else target
    tls = {"sslmode": "verify-full", "sslrootcert": ca} if ca else {}
    query = "&".join(f"{key}={quote(value, safe='/')}" for key, value in tls.items())
    name = f"[{host}]" if ":" in host else host
    url = f"postgresql://{quote(person, safe='')}@{name}:{port}/{quote(database, safe='')}{'?' if query else ''}{query}"
    settings = {"host": host, "port": str(port), "user": person, "dbname": database}
    conninfo = " ".join(f"{key}={_quoted(value)}" for key, value in (settings | tls).items())
    passfile = ":".join(_escaped(field) for field in (host, str(port), database, person, token)) + "\n"
    # As a variable, as a libpq before 16 refuses the option and would otherwise not connect at all.
    env = {"PGPASSFILE": "{passfile}", "PGREQUIREAUTH": "scram-sha-256"}
    return ConnectHelp(("psql", conninfo), env, passfile, url)


def _quoted(value: str) -> str:
    """A value of a libpq connection string; plain where it can be, so that a shell needs no quotes within quotes."""
    if value and not any(one in "\\'" or one.isspace() for one in value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _escaped(value: str) -> str:
    """A field of a password file."""
    return value.replace("\\", "\\\\").replace(":", "\\:")
