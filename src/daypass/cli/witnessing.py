"""`daypass witness`: cosigns the checkpoints of other people's logs, so that their operators are held to their word.

Runs apart from any gateway, on another machine, of another owner. Needs no settings file: a name, a folder for its key
and its memory, and the verifier keys of the logs it watches.
"""

from __future__ import annotations

import argparse
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

from daypass.cli.verbs import EXIT_DONE, EXIT_USAGE, Verb, complain
from daypass.domain.errors import ConfigError

if TYPE_CHECKING:
    from daypass.ledger.witness import Witness

PORT = 8421
KEY = "witness.key"
CONNECTIONS_MAX = 100
MORE = """\
Prints its own verifier key, which logs and verifiers are given; the key is made at the first start, in --data. Give
each log's key (the line in its file `vkey`) as --log. A log asks by POST /add-checkpoint (C2SP tlog-witness)."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="the witness's name, like witness.acme.test/one")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="where its key and its memory are")
    parser.add_argument(
        "--log", required=True, action="append", metavar="VKEY", help="a log to watch (again), or a file"
    )
    parser.add_argument("--listen", default=f"127.0.0.1:{PORT}", metavar="HOST:PORT", help=f"default 127.0.0.1:{PORT}")
    parser.add_argument(
        "--behind-tls",
        action="store_true",
        help="TLS ends before it, so it may listen on other addresses than loopback",
    )
    parser.add_argument("--print-key", action="store_true", help="print the verifier key and leave")


def _witness(given: argparse.Namespace) -> int:
    from daypass.gateway.listener import is_loopback
    from daypass.ledger.disagreement import Disagreement
    from daypass.ledger.durable import Disk
    from daypass.ledger.note import COSIGNATURE_V1, NoteError, VerifierKey, keypair, valid_name
    from daypass.ledger.signer import SEED_BYTES, load_seed
    from daypass.ledger.witness import Witness

    host, _, port = given.listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"--listen {given.listen}: is not HOST:PORT")
    if not is_loopback(host.strip("[]")) and not given.behind_tls:
        raise ConfigError(
            f"--listen {given.listen}: is not loopback, and a witness speaks plain text; listen on 127.0.0.1 behind a "
            "proxy that speaks TLS, or say --behind-tls where one stands before it"
        )
    if not valid_name(given.name):
        raise ConfigError(f"--name {given.name!r}: a witness's name holds no space and no plus")
    try:
        logs = [VerifierKey.parse(_text(log)) for log in given.log]
        given.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(given.data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        seed = load_seed(given.data / KEY, Disk(), os.urandom(SEED_BYTES))
    except NoteError as problem:
        raise ConfigError(f"--log: {problem}") from None
    except BlockingIOError:
        complain(f"another witness runs on {given.data}")
        return EXIT_USAGE
    except (OSError, Disagreement) as problem:
        complain(str(problem))
        return EXIT_USAGE
    key, signer = keypair(given.name, seed, COSIGNATURE_V1)
    print(key, flush=True)
    if not given.print_key:
        _serve(Witness(key, signer, {log.name: log for log in logs}, given.data, Disk()), host.strip("[]"), int(port))
    return EXIT_DONE


def _text(given: str) -> str:
    return given if given.count("+") >= 2 else Path(given).read_text(encoding="utf-8")


def _serve(witness: Witness, host: str, port: int) -> None:
    import uvicorn

    from daypass.api.witness import make_witness
    from daypass.app.strangers import Waiting, bounded

    uvicorn.run(
        make_witness(witness),
        host=host,
        port=port,
        http=bounded(Waiting(CONNECTIONS_MAX // 2)),
        ws="none",
        log_level="warning",
        limit_concurrency=CONNECTIONS_MAX,
    )


VERBS = {"witness": Verb(_arguments, _witness, more=MORE)}
