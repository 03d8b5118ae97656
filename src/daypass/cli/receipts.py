"""`daypass ledger receipt ID`: asks Daypass for the receipt of an entry, and verifies it before it is believed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from urllib.parse import quote

from daypass.cli.client import Api, api
from daypass.cli.showing import as_json
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, complain
from daypass.cli.verifying import key_of
from daypass.domain.errors import Unavailable
from daypass.ledger.note import NoteError
from daypass.ledger.proof import Proof, verify_proof
from daypass.ledger.source import Unreadable, Url
from daypass.ledger.tampering import Tampered


def receipt(given: argparse.Namespace) -> int:
    """Run `ledger receipt` for an entry's id; returns the exit status."""
    here, id = api(), quote(given.entry, safe="")
    raw = here.raw(f"entries/{id}/receipt", wait=given.wait)
    entry = str(here.get(f"entries/{id}")["entry"]).encode()
    try:
        proof = Proof.parse(raw)
        verify_proof(entry, proof, key_of(given.vkey, log_of(here)))
        if json.loads(entry)["id"] != given.entry:
            raise NoteError("it is for another entry")
    except NoteError as problem:
        complain(f"the receipt does not hold: {problem}", "keep it: whoever signed it answers for it")
        return EXIT_FAILED
    except (Unreadable, Tampered) as problem:
        raise Unavailable(f"the key of the log is not known: {problem}", hint="--vkey K") from None
    if given.out:
        Path(given.out).write_bytes(raw)
    if given.json:
        said = {"index": proof.index, "entry": entry.decode(), "proof": raw.decode()}
        as_json({"id": given.entry, "state": "PUBLISHED", **said})
    elif not given.out:
        sys.stdout.write(raw.decode())
    return EXIT_DONE


def log_of(here: Api) -> Url:
    """The published log of the Daypass that is asked."""
    return Url(f"{here.login.url.rstrip('/')}/ledger", here.login.token, here.login.ca)
