"""What a decider signs: one line of canonical JSON that says which decision it is, on exactly what, until when.

It holds no reason and no name, so that it can stand in the ledger and be checked by anybody: the request and the
digest of what it asks, the decision and how far narrowed, the deadline, a nonce, and the checkpoint of the ledger that
the decider saw when they decided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from daypass.domain.errors import Invalid, Refused
from daypass.domain.request import Request

KEYS = ("checkpoint", "deadline", "decision", "digest", "narrowed_ms", "narrowed_role", "nonce", "request", "v")
VERSION = 1
NONCE_CHARS_MIN = 16
STATEMENT_CHARS_MAX = 4000
"""A checkpoint is the longest part: an origin, a root, and a signature for each witness."""

APPROVE, DENY = "approve", "deny"


def statement(
    *,
    request: str,
    digest: str,
    decision: str,
    deadline: int,
    nonce: str,
    checkpoint: str,
    narrowed_ms: int | None = None,
    narrowed_role: str | None = None,
) -> str:
    """The line that is signed. `checkpoint`: the note's text, or empty if none was published yet."""
    said = {
        "v": VERSION,
        "request": request,
        "digest": digest,
        "decision": decision,
        "deadline": deadline,
        "nonce": nonce,
        "checkpoint": checkpoint,
        "narrowed_ms": narrowed_ms or 0,
        "narrowed_role": narrowed_role or "",
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def read_statement(text: str) -> Mapping[str, Any]:
    """The statement's values. Raise `Invalid` for anything but the canonical form of one."""
    if len(text) > STATEMENT_CHARS_MAX:
        raise Invalid(f"a signed statement has at most {STATEMENT_CHARS_MAX} characters")
    try:
        said = json.loads(text)
    except ValueError:
        raise Invalid("the signed statement is not JSON") from None
    if not isinstance(said, dict) or tuple(sorted(said)) != KEYS or said["v"] != VERSION:
        raise Invalid(f"a signed statement holds {', '.join(KEYS)}, and nothing else")
    if json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n" != text:
        raise Invalid("the signed statement is not in its canonical form")
    return said


def check_statement(
    text: str, request: Request, decision: str, narrowed_ms: int | None, narrowed_role: str | None
) -> None:
    """Raise `Refused` unless the signed statement says exactly what this vote says."""
    said = read_statement(text)
    wanted = {
        "request": request.id,
        "digest": request.digest,
        "decision": decision,
        "deadline": request.decide_by,
        "narrowed_ms": narrowed_ms or 0,
        "narrowed_role": narrowed_role or "",
    }
    for key, value in wanted.items():
        if said[key] != value:
            raise Refused(f"what was signed is not what is voted on: its {key} is another")
    if not isinstance(said["nonce"], str) or len(said["nonce"]) < NONCE_CHARS_MIN:
        raise Refused("the signed statement has no nonce of at least 16 characters")
