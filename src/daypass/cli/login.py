"""`login` and `whoami`."""

from __future__ import annotations

import argparse
import getpass
import sys

from daypass.cli.client import Api, Login, api, save_login
from daypass.cli.showing import as_json, clean
from daypass.cli.verbs import EXIT_DONE, Verb
from daypass.domain.errors import Invalid


def _login_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="where Daypass is, like http://localhost:8420")
    parser.add_argument("--token", metavar="T", help="my token (asked for, or read from standard input, if left out)")
    parser.add_argument(
        "--ca", metavar="FILE", help="the certificate authority to trust (https with a CA of one's own)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _login(given: argparse.Namespace) -> int:
    token = given.token or (getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token:
        raise Invalid("no token was given", hint="daypass login URL --token T")
    login = Login(given.url.rstrip("/"), token, given.ca)
    me = Api(login).get("whoami")
    file = save_login(login)
    if given.json:
        as_json(me)
    else:
        print(f"Logged in to {login.url} as {clean(me['email'])}. Stored in {file}, readable by you only.")
    return EXIT_DONE


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
