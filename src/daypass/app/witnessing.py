"""The witnesses of the settings as the ledger wants them: their keys read, and seen to be keys of witnesses."""

from __future__ import annotations

from daypass.config import Settings
from daypass.ledger.cosigning import WitnessAddress
from daypass.ledger.note import COSIGNATURE_V1, NoteError, VerifierKey


def check_witnesses(settings: Settings) -> tuple[WitnessAddress, ...]:
    """The witnesses that are asked. Raises ConfigError that names the one whose key is none."""
    found = []
    for n, witness in enumerate(settings.ledger.witnesses):
        node = settings.nodes[f"ledger.witnesses[{n}].vkey"]
        try:
            key = VerifierKey.parse(witness.vkey)
        except NoteError as problem:
            raise node.wrong(f"must be a witness's verifier key, as `daypass witness` prints it: {problem}") from None
        if key.algorithm != COSIGNATURE_V1:
            raise node.wrong("must be a witness's verifier key, and this is a log's")
        found.append(WitnessAddress(key, witness.url))
    return tuple(found)
