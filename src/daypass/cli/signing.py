"""Signing with the user's own SSH key, by `ssh-keygen`; and `keys`, which enrols the public half.

No private key is read here: ssh-keygen (and an agent, or a security key) has it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import tempfile
from pathlib import Path

from daypass.cli.asking import one_id, tell
from daypass.cli.client import Api, Json, api
from daypass.cli.showing import as_json, short, table, when
from daypass.cli.verbs import EXIT_DONE, Verb, subcommands
from daypass.domain.errors import Invalid, NotFound, Unavailable
from daypass.domain.vote_statement import statement

NAMESPACE = "daypass-vote@daypass.dev"
USUAL = ("id_ed25519_sk", "id_ed25519", "id_ecdsa", "id_rsa")
"""The keys that are tried, as ssh does."""

SIGN_SECONDS_MAX = 120.0
"""A passphrase has to be typed, or a security key touched."""

NONCE_BYTES = 16


def add_sign(parser: argparse.ArgumentParser) -> None:
    """The `--sign` of a vote."""
    parser.add_argument(
        "--sign",
        nargs="?",
        const="",
        metavar="KEY",
        help="sign the vote with this SSH key (or the usual one of ~/.ssh)",
    )


def part_of(asked: Json) -> Json:
    """How a statement names a request that is decided on."""
    return {"request": asked["id"], "digest": asked["digest"], "deadline": asked["decide_by"]}


def signed_vote(here: Api, given: argparse.Namespace, named: Json, decision: str) -> Json:
    """What a vote carries beside the vote: the statement and its signature; nothing if it is not to be signed. `named`:
    what it is on, one request or the `parts` of a bundle."""
    if given.sign is None:
        return {}
    said = statement(
        **named,
        decision=decision,
        nonce=secrets.token_hex(NONCE_BYTES),
        checkpoint=here.get("checkpoint")["note"],
        narrowed_ms=getattr(given, "duration", None),
        narrowed_role=getattr(given, "role", None),
        narrowed_scope=sorted(getattr(given, "scope", ())),
        narrowed_until=getattr(given, "until", None),
    )
    return {"statement": said, "signature": sign(said, key_file(given.sign))}


def key_file(named: str) -> Path:
    """The key to sign with."""
    folder = Path(os.environ.get("HOME", "~")).expanduser() / ".ssh"
    found = Path(named) if named else next((folder / one for one in USUAL if (folder / one).exists()), None)
    if found is None or not found.exists():
        raise NotFound(
            f"there is no SSH key {named or 'in ~/.ssh'}", hint="--sign FILE, or make one: ssh-keygen -t ed25519"
        )
    return found


def sign(text: str, key: Path) -> str:
    """The SSH signature of a text, in its armour, as plain `ssh-keygen -Y verify` takes it."""
    with tempfile.TemporaryDirectory(prefix="daypass-") as folder:
        file = Path(folder) / "vote"
        file.write_text(text, encoding="utf-8", newline="")
        command = ["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key), str(file)]
        try:
            done = subprocess.run(command, stderr=subprocess.PIPE, timeout=SIGN_SECONDS_MAX, check=False)
        except FileNotFoundError:
            raise Unavailable("there is no ssh-keygen here", hint="apt-get install openssh-client") from None
        except subprocess.TimeoutExpired:
            raise Unavailable("ssh-keygen did not sign in time") from None
        if done.returncode:
            raise Invalid(f"ssh-keygen did not sign: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
        return file.with_suffix(".sig").read_text(encoding="ascii")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(word=_list, json=False)
    words = subcommands(parser)
    words.required = False
    shown = words.add_parser("list", help="my keys")
    add = words.add_parser("add", help="enrol a public key of mine")
    add.add_argument("file", nargs="?", default="", metavar="FILE.pub", help="the public key (the usual one of ~/.ssh)")
    revoke = words.add_parser("revoke", help="have a key count no more")
    revoke.add_argument("id", type=one_id, metavar="ID", help="the key (the end of its id is enough)")
    for each, word in ((shown, _list), (add, _add), (revoke, _revoke)):
        each.add_argument("--json", action="store_true", help="print JSON")
        each.set_defaults(word=word)


def _keys(given: argparse.Namespace) -> int:
    status: int = given.word(given)
    return status


def _list(given: argparse.Namespace) -> int:
    found = api().get("keys")["items"]
    if given.json:
        as_json(found)
        return EXIT_DONE
    rows = ((short(one["id"]), one["state"], one["fingerprint"], when(one["enrolled_at"])) for one in found)
    table(("id", "state", "fingerprint", "enrolled"), rows, "You have enrolled no keys: daypass keys add")
    return EXIT_DONE


def _add(given: argparse.Namespace) -> int:
    file = Path(given.file) if given.file else key_file("").with_suffix(".pub")
    try:
        line = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise NotFound(f"{file} cannot be read: {problem}") from None
    if "PRIVATE KEY" in line:
        raise Invalid(f"{file} is a private key; it stays where it is", hint=f"daypass keys add {file}.pub")
    return tell(given, api().post("keys", {"public": line.strip()}))


def _revoke(given: argparse.Namespace) -> int:
    return tell(given, api().post(f"keys/{given.id}/revoke"))


VERBS = {"keys": Verb(_arguments, _keys, more="Example: daypass keys add ~/.ssh/id_ed25519.pub")}
