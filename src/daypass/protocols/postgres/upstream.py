"""Signing in to a target with a role's login, and finding out whether that login may be handed out.

Trust, cleartext, MD5 and SCRAM-SHA-256(-PLUS), over TLS if the target says so. After sign-in one probe query tells who
we are there (the mark by which our work is ended) and what the login could do besides what its role is for. Not here:
GSSAPI, SSPI, certificates of our own, LDAP.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from daypass.domain.grant import EndReason
from daypass.domain.target import Credential, Effect, Target, TargetRole
from daypass.protocols.interface import Connect, Connected, Derive, Derived, Side, StartTls, TlsStarted
from daypass.protocols.postgres import errors, messages, scram
from daypass.protocols.postgres.errors import Rejected
from daypass.protocols.postgres.script import Script, Stage

LABEL_BYTES_MAX = 63
"""What PostgreSQL keeps of application_name (NAMEDATALEN - 1)."""
MESSAGES_MAX = 1_000
"""Messages of a target (parameters, notices) before it is ready: a sign-in that goes on longer is broken."""
SHOWN_MAX = 200
"""Characters of a finding that are shown: one is enough to refuse."""
PID = re.compile("[0-9]{1,9}")
"""A process id: Linux has at most 4,194,304, and the wire 31 bits."""
_OURS = frozenset({"user", "database", "application_name", "replication"})


class PushedOut(Rejected):
    """Somebody terminated a connection of ours."""


@dataclass(frozen=True, slots=True)
class Door:
    """A target, the login to use there, and how to name ourselves. `entropy` is 18 bytes."""

    target: Target
    role: TargetRole
    credential: Credential
    label: str
    entropy: bytes = field(repr=False)


@dataclass(slots=True)
class Welcome:
    """What the target said when it let us in: its parameters, as messages too."""

    parameters: dict[str, str] = field(default_factory=dict)
    key: bytes = field(default=b"", repr=False)
    """Process id and secret, by which its work may be cancelled."""


def sign_in(stage: Stage, door: Door, parameters: Mapping[str, str], behind: bytes = b"") -> Script[Welcome]:
    """Dial, encrypt, authenticate, and wait until the target is ready. `behind` is sent together with our last word,
    so that the target has it before anybody there can see us. Raises `Rejected` or `Malformed`."""
    stage.out.append(Connect())
    yield from stage.wait(Connected)
    binding = yield from _secure(stage, door.target)
    ours = settable(parameters) | {
        "user": door.credential.user,
        "database": door.target.database,
        "application_name": cut(door.label),
    }
    stage.say(Side.TARGET, messages.startup(messages.PROTOCOL_3_0, ours))
    yield from _authenticate(stage, door, binding, behind)
    welcome = Welcome()
    for _ in range(MESSAGES_MAX):
        kind, body = yield from _message(stage)
        if kind == ord("Z"):
            return welcome
        if kind == ord("K"):
            welcome.key = body
        if kind == ord("S"):
            name, value = messages.read_parameter_status(body)
            welcome.parameters[name] = value
    raise _broken("the target did not become ready")


def settable(parameters: Mapping[str, str]) -> dict[str, str]:
    """Of a client's start-up parameters, the settings that the target is told."""
    return {key: value for key, value in parameters.items() if key not in _OURS and not key.startswith("_pq_.")}


def cut(label: str) -> str:
    """A label as PostgreSQL keeps it: printable ASCII, at most 63 bytes."""
    return "".join(c if " " <= c <= "~" else "?" for c in label)[:LABEL_BYTES_MAX]


def _secure(stage: Stage, target: Target) -> Script[bytes | None]:
    if target.tls == "disable":
        return None
    stage.say(Side.TARGET, messages.request(messages.SSL_REQUEST))
    answer = yield from stage.read(Side.TARGET, 1)
    if answer != b"S":
        raise _broken("the target does not speak TLS, which its settings ask for")
    if stage.inbox[Side.TARGET]:
        raise _broken("the target sent unencrypted bytes behind its answer to SSLRequest")
    stage.out.append(StartTls(Side.TARGET, ("postgresql",), verify=target.tls == "verify-full"))
    started = yield from stage.wait(TlsStarted)
    return started.binding


def _authenticate(stage: Stage, door: Door, binding: bytes | None, behind: bytes) -> Script[None]:
    kind, body = yield from _authentication(stage)
    if kind == messages.AUTH_OK:
        if behind:
            stage.say(Side.TARGET, behind)
        return
    if kind == messages.AUTH_CLEARTEXT:
        stage.say(Side.TARGET, messages.password(messages.encode(_password(door))) + behind)
    elif kind == messages.AUTH_MD5:
        secret = messages.encode(_password(door))
        answer = md5(secret, messages.encode(door.credential.user), body[4:8])
        stage.say(Side.TARGET, messages.password(answer) + behind)
    elif kind == messages.AUTH_SASL:
        yield from _scram(stage, door, messages.read_sasl_mechanisms(body), binding, behind)
    else:
        raise _broken(f"the target asks for a kind of sign-in (code {kind}) that is not spoken here")
    kind, _ = yield from _authentication(stage)
    if kind != messages.AUTH_OK:
        raise _broken("the target asks for a second sign-in")


def _scram(stage: Stage, door: Door, mechanisms: tuple[str, ...], binding: bytes | None, behind: bytes) -> Script[None]:
    client = scram.Client(door.entropy, mechanisms, binding)
    try:
        first = client.first()
        stage.say(Side.TARGET, messages.sasl_initial(client.mechanism, first))
        kind, body = yield from _authentication(stage)
        if kind != messages.AUTH_SASL_CONTINUE:
            raise scram.ScramError("the target skipped a step")
        salt, iterations = client.challenge(body[4:])
        stage.out.append(Derive(scram.prepare(_password(door)), salt, iterations))
        derived = yield from stage.wait(Derived)
        proof = messages.message(b"p", client.final(body[4:], derived.salted_password))
        stage.say(Side.TARGET, proof + behind)
        kind, final = yield from _authentication(stage)
        if kind != messages.AUTH_SASL_FINAL:
            raise scram.ScramError("the target did not show that it knows the password")
        client.check(final[4:])
    except scram.ScramError as problem:
        raise _broken(f"signing in at the target: {problem}") from None


def md5(secret: bytes, user: bytes, salt: bytes) -> bytes:
    """The answer to AuthenticationMD5Password."""
    inner = hashlib.md5(secret + user, usedforsecurity=False).hexdigest().encode()
    return b"md5" + hashlib.md5(inner + salt, usedforsecurity=False).hexdigest().encode()


def _password(door: Door) -> str:
    if door.credential.password is None:
        raise _broken("the target asks for a password, and its role has none")
    return door.credential.password


def _authentication(stage: Stage) -> Script[tuple[int, bytes]]:
    kind, body = yield from _message(stage)
    if kind != ord("R"):
        raise _broken("the target sent something else while signing in")
    return messages.i32(body, 0), body


def _message(stage: Stage) -> Script[tuple[int, bytes]]:
    """A message of the target; notices are passed over, errors are for the operator and end the sign-in."""
    for _ in range(MESSAGES_MAX):
        kind, body = yield from stage.message(Side.TARGET)
        if kind == ord("E"):
            said = errors.read(body)
            why = f"the target refused: {said.message} ({said.sqlstate})"
            if said.sqlstate == errors.ADMIN_SHUTDOWN:
                raise PushedOut(errors.CONNECTION_FAILURE, why, reason=EndReason.TARGET_LEFT)
            raise _broken(why)
        if kind not in (ord("N"), ord("A")):
            return kind, body
    raise _broken("the target sends nothing but notices")


def _broken(why: str) -> Rejected:
    return Rejected(errors.CONNECTION_FAILURE, why, reason=EndReason.TARGET_LEFT)


def ask(stage: Stage, sql: str) -> Script[list[tuple[str | None, ...]]]:
    """Run one query of ours and return its rows as text."""
    stage.say(Side.TARGET, messages.query(sql.encode()))
    return (yield from answer(stage))


def answer(stage: Stage) -> Script[list[tuple[str | None, ...]]]:
    """The rows of a query that was sent, as text."""
    rows: list[tuple[str | None, ...]] = []
    while True:
        kind, body = yield from _message(stage)
        if kind == ord("D"):
            cells = messages.read_data_row(body)
            rows.append(tuple(None if cell is None else messages.shown(cell) for cell in cells))
        elif kind == ord("Z"):
            return rows


# -- the probe ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Login:
    """What the probe found: the mark of our backend, what makes the login dangerous, and where it can write."""

    mark: Mapping[str, str]
    dangers: str
    writes: str


def start_time(alias: str) -> str:
    """SQL for the start of the backend in `alias` (of pg_stat_activity): microseconds since 1970, the same in every
    session's time zone and date style."""
    return f"(pg_catalog.date_part('epoch', {alias}.backend_start)::pg_catalog.numeric * 1000000)::pg_catalog.int8"


_DANGERS = """(SELECT pg_catalog.string_agg(what || CASE WHEN who = session_user THEN '' ELSE
 ' (through ' || who || ')' END, ', ' ORDER BY who <> session_user, who)
 FROM (SELECT r.rolname AS who, pg_catalog.concat_ws(', ', CASE WHEN r.rolsuper THEN 'superuser'
 END,
 CASE WHEN r.rolreplication THEN 'replication' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
 CASE WHEN r.rolbypassrls THEN 'bypassrls' END, CASE WHEN r.rolname IN ('pg_execute_server_program',
 'pg_read_server_files', 'pg_write_server_files', 'pg_signal_backend',
 'pg_create_subscription') THEN 'member of ' || r.rolname END) AS what
 FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')) d WHERE what <> '')"""

# Owners come from pg_shdepend, which has their objects of every kind in one index; an owner may take back what
# was revoked. Not what everybody may have: temporary tables and large objects of one's own, nor mere settings.
_WRITES = """(WITH m AS (SELECT r.oid, r.rolcreatedb FROM pg_catalog.pg_roles r
 WHERE pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')),
 s AS (SELECT d.* FROM pg_catalog.pg_shdepend d WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
 AND d.refobjid IN (SELECT m.oid FROM m) AND d.deptype IN ('o', 'a') AND d.dbid IN (0,
 (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())))
 SELECT pg_catalog.min(what) FROM (
 SELECT 'table ' || n.nspname || '.' || c.relname AS what FROM pg_catalog.pg_class c
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN m
 WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname <> 'information_schema'
 AND pg_catalog.left(n.nspname::text, 3) <> 'pg_'
 AND (pg_catalog.has_table_privilege(m.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
 OR pg_catalog.has_any_column_privilege(m.oid, c.oid, 'INSERT, UPDATE'))
 UNION ALL SELECT 'sequence ' || n.nspname || '.' || c.relname FROM pg_catalog.pg_class c
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN m
 WHERE c.relkind = 'S' AND pg_catalog.left(n.nspname::text, 3) <> 'pg_'
 AND pg_catalog.has_sequence_privilege(m.oid, c.oid, 'USAGE, UPDATE')
 UNION ALL SELECT 'schema ' || n.nspname FROM pg_catalog.pg_namespace n CROSS JOIN m
 WHERE pg_catalog.left(n.nspname::text, 3) <> 'pg_' AND pg_catalog.has_schema_privilege(m.oid, n.oid, 'CREATE')
 UNION ALL SELECT 'database ' || pg_catalog.current_database() FROM m
 WHERE pg_catalog.has_database_privilege(m.oid, pg_catalog.current_database(), 'CREATE')
 UNION ALL SELECT 'tablespace ' || t.spcname FROM pg_catalog.pg_tablespace t CROSS JOIN m
 WHERE pg_catalog.has_tablespace_privilege(m.oid, t.oid, 'CREATE')
 UNION ALL SELECT 'createdb' FROM m WHERE m.rolcreatedb
 UNION ALL SELECT 'large object ' || l.oid FROM s JOIN pg_catalog.pg_largeobject_metadata l ON l.oid = s.objid
 CROSS JOIN pg_catalog.aclexplode(l.lomacl) g WHERE s.classid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
 AND s.deptype = 'a' AND g.grantee = s.refobjid AND g.privilege_type = 'UPDATE'
 UNION ALL (SELECT 'owner of ' || i.type || ' ' || i.identity FROM s
 CROSS JOIN pg_catalog.pg_identify_object(s.classid, s.objid, 0) i WHERE s.deptype = 'o'
 AND s.classid NOT IN ('pg_catalog.pg_largeobject'::pg_catalog.regclass,
 'pg_catalog.pg_user_mapping'::pg_catalog.regclass, 'pg_catalog.pg_default_acl'::pg_catalog.regclass)
 AND i.identity IS NOT NULL AND pg_catalog.left(COALESCE(i.schema, ''), 3) <> 'pg_' LIMIT 1)) w)"""

# Without the views pg_settings and pg_stat_activity, which cost each new session 3 ms of its server's time.
_PROBE = """BEGIN; SET LOCAL search_path = pg_catalog;
SELECT a.pid, {start}, a.usesysid, {dangers}, {writes},
CASE WHEN pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL
 THEN pg_catalog.set_config('client_connection_check_interval', '1s', false) END
FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a;
COMMIT"""


def probe(stage: Stage, role: TargetRole) -> Script[Login]:
    """Ask the target who we are there and what this login could do. Raises `Rejected` if it does not say."""
    sql = _PROBE.format(
        start=start_time("a"), dangers=_DANGERS, writes=_WRITES if role.effect is Effect.READ else "NULL"
    )
    rows = yield from ask(stage, sql)
    if len(rows) != 1 or len(rows[0]) != 6 or None in rows[0][:3]:
        raise _broken("the target did not say who we are there")
    pid, start, sysid, dangers, writes, _ = (cell or "" for cell in rows[0])
    if not PID.fullmatch(pid):
        raise _broken("the target did not say who we are there")
    return Login({"pid": pid, "backend_start": start, "usesysid": sysid}, dangers[:SHOWN_MAX], writes[:SHOWN_MAX])


def vet(login: Login, role: TargetRole) -> None:
    """Refuse a login that could do more than its role is for. Raises `Rejected`."""
    if login.dangers and not role.dangerous:
        raise Rejected(
            errors.INVALID_AUTHORIZATION,
            f"role {role.name} cannot be used: its login is {login.dangers}",
            hint="The operator can give the role another login, or say `dangerous: true` in its settings.",
        )
    if role.effect is Effect.READ and login.writes:
        raise Rejected(
            errors.INVALID_AUTHORIZATION,
            f"role {role.name} is for reading, and its login can write ({login.writes})",
            hint="The operator can take that privilege away, or say `effect: write` in the role's settings.",
        )
