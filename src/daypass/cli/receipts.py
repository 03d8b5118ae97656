"""`daypass ledger receipt ID`: asks Daypass for the receipt of an entry, and verifies it before it is believed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import quote

from daypass.cli.client import api
from daypass.cli.showing import as_json
from daypass.cli.verbs import EXIT_DONE, EXIT_FAILED, complain
from daypass.cli.verifying import key_of
from daypass.ledger.note import NoteError
from daypass.ledger.proof import Proof, verify_proof
from daypass.ledger.source import Url


def receipt(given: argparse.Namespace) -> int:
    """Run `ledger receipt` for an entry's id; returns the exit status."""
    here, id = api(), quote(given.entry, safe="")
    raw = here.raw(f"entries/{id}/receipt", wait=given.wait)
    entry = str(here.get(f"entries/{id}")["entry"]).encode()
    try:
        proof = Proof.parse(raw)
        key = key_of(given.vkey, Url(f"{here.login.url}/ledger", here.login.token))
        verify_proof(entry, proof, key)
    except NoteError as problem:
        complain(f"the receipt does not hold: {problem}", "keep it: whoever signed it answers for it")
        return EXIT_FAILED
    if given.out:
        Path(given.out).write_bytes(raw)
    if given.json:
        as_json(
            {
                "id": given.entry,
                "state": "PUBLISHED",
                "index": proof.index,
                "entry": entry.decode(),
                "proof": raw.decode(),
            }
        )
    elif not given.out:
        sys.stdout.write(raw.decode())
    return EXIT_DONE
