"""`connect`: run the native client through Daypass. The token goes through a file that only this user can read."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from daypass.cli.client import Api, Json, api, config_folder
from daypass.cli.showing import as_json
from daypass.cli.verbs import EXIT_DONE, Verb
from daypass.domain.errors import Invalid
from daypass.protocols.interface import ConnectHelp


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="what to reach; TARGET:ROLE if I have several grants")
    parser.add_argument("--print", action="store_true", dest="show", help="print the command and URL, run nothing")
    parser.add_argument("--json", action="store_true", help="with --print: as JSON")
    parser.add_argument("arguments", metavar="-- ARGUMENT", nargs="*", default=[], help="more arguments for the client")


def _connect(given: argparse.Namespace) -> int:
    here = api()
    target, _, role = given.target.partition(":")
    way = here.get("connect", target=target, role=role or None)
    authority = _authority(way, here)
    if given.show or given.json:
        return _print(_help(way, here, authority), way, given)
    return _run(_help(way, here, authority), given.arguments)


def _help(way: Json, here: Api, authority: str | None) -> ConnectHelp:
    from daypass.protocols import PROTOCOLS

    if way["protocol"] not in PROTOCOLS:
        raise Invalid(f"this daypass does not speak {way['protocol']}", hint="install the version that the server has")
    return PROTOCOLS[way["protocol"]].connect(
        host=way["host"] or urlsplit(here.login.url).hostname or "localhost",
        port=way["port"],
        person=way["person"],
        target=way["target"],
        role=way["role"],
        token=here.login.token,
        ca=authority,
    )


def _authority(way: Json, here: Api) -> str | None:
    """The gateway's certificate authority, in a file that stays, as printed commands name it. It is no secret."""
    if not way["ca"]:
        return None
    folder = config_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"ca-{urlsplit(here.login.url).netloc.replace(':', '-')}.pem"
    if not file.exists() or file.read_text() != way["ca"]:
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_text(way["ca"])
        os.replace(fresh, file)
    return str(file)


def _print(help: ConnectHelp, way: Json, given: argparse.Namespace) -> int:
    command = shlex.join(help.argv)
    env = {name: value for name, value in help.env.items() if "{passfile}" not in value}
    if given.json:
        as_json({"id": way["id"], "state": way["state"], "url": help.url, "argv": list(help.argv), "env": env})
        return EXIT_DONE
    print(" ".join([*(f"{name}={shlex.quote(value)}" for name, value in env.items()), command]))
    print(help.url)
    return EXIT_DONE


def _run(help: ConnectHelp, more: list[str]) -> int:
    program = shutil.which(help.argv[0])
    if program is None:
        raise Invalid(
            f"{help.argv[0]} is not installed", hint="install it, or use another client: daypass connect --print"
        )
    with tempfile.TemporaryDirectory(prefix="daypass-") as folder:
        passfile = Path(folder) / "pass"
        with open(os.open(passfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(help.passfile)
        env = {name: value.replace("{passfile}", str(passfile)) for name, value in help.env.items()}
        ours = {name: value for name, value in os.environ.items() if name != "DAYPASS_TOKEN"}
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            done = subprocess.run(
                [program, *help.argv[1:], *more],
                env={**ours, **env},
                check=False,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        finally:
            signal.signal(signal.SIGINT, before)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


VERBS = {
    "connect": Verb(
        _arguments,
        _connect,
        more="Example: daypass connect orders -- -c 'select 1'   (what follows -- goes to the client)",
    )
}
