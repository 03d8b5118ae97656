"""`login` and `whoami`."""

from __future__ import annotations

import argparse
import getpass
import os
import socket
import sys
import time
import webbrowser

from daypass.cli.client import Api, Login, api, save_login
from daypass.cli.showing import as_json, clean
from daypass.cli.verbs import EXIT_DONE, Verb
from daypass.domain.errors import Invalid, TooMany


def _login_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="where Daypass is, like http://localhost:8420")
    parser.add_argument("--token", metavar="T", help="my token; - reads it (otherwise I sign in with a browser)")
    parser.add_argument(
        "--ca", metavar="FILE", help="the certificate authority to trust (https with a CA of one's own)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _login(given: argparse.Namespace) -> int:
    url = given.url.strip().rstrip("/")
    token = _typed() if given.token == "-" else (given.token or "").strip() or _allowed(url, given.ca, given.json)
    login = Login(url, token, given.ca)
    me = Api(login).get("whoami")
    file = save_login(login)
    if given.json:
        as_json(me)
    else:
        print(f"Logged in to {login.url} as {clean(me['email'])}. Stored in {file}, readable by you only.")
    return EXIT_DONE


def _typed() -> str:
    token = (getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token:
        raise Invalid("no token was given", hint="daypass login URL --token T")
    return token


def _allowed(url: str, ca: str | None, quiet: bool) -> str:
    """The token that we get once somebody who is signed in with a browser has allowed it.
    What it prints is no secret: the code opens nothing for who is not signed in."""
    here, out = Api(Login(url, "", ca)), sys.stderr if quiet else sys.stdout
    begun = here.post("devices", {"client": socket.gethostname()[:100]})
    print(f"Open {clean(begun['url'])}", file=out, flush=True)
    print(f"and see that the code is {clean(begun['id'])}. Waiting …", file=out, flush=True)
    if _has_screen():
        webbrowser.open(begun["url"])
    while True:
        time.sleep(begun["poll_ms"] / 1000)
        try:
            answer = here.post("devices/poll", {"device": begun["device"]})
        except TooMany:
            continue
        if answer["state"] != "WAITING":
            return str(answer["token"])


def _has_screen() -> bool:
    """Whether a browser would open beside the terminal, and not in it."""
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return named or sys.platform in ("darwin", "win32")


def _whoami_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _whoami(given: argparse.Namespace) -> int:
    me = api().get("whoami")
    if given.json:
        as_json(me)
    else:
        print(f"{clean(me['name'])} <{clean(me['email'])}>")
        print(f"groups: {', '.join(map(clean, me['groups'])) or '-'}")
    return EXIT_DONE


VERBS = {"login": Verb(_login_arguments, _login), "whoami": Verb(_whoami_arguments, _whoami)}
