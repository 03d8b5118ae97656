"""What a decider signs: one line of canonical JSON that says which decision it is, on exactly what, until when.

It holds no reason and no name, so that it can stand in the ledger and be checked by anybody: the request and the
digest of what it asks, the decision and how far narrowed, the deadline, a nonce, and the checkpoint of the ledger that
the decider saw when they decided. One statement may be for all parts of a bundle: it names each with its digest and
deadline, and each vote of it carries the whole statement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from daypass.domain.errors import Invalid, Refused
from daypass.domain.request import Request, Vote

ONE = ("deadline", "digest", "request")
"""The keys by which a statement names its request; one for a whole bundle has them in each of its `parts`."""
KEYS = ("checkpoint", "decision", "narrowed_ms", "narrowed_role", "nonce", "v")
MORE = ("narrowed_scope", "narrowed_until")
"""Keys that are there only where they say something."""
VERSION = 1
NONCE_CHARS_MIN = 16
STATEMENT_CHARS_MAX = 16_000
"""Fifty parts of a bundle, and a checkpoint: an origin, a root, and a signature for each witness."""

APPROVE, DENY = "approve", "deny"


def statement(
    *,
    decision: str,
    nonce: str,
    checkpoint: str,
    request: str = "",
    digest: str = "",
    deadline: int = 0,
    parts: Sequence[Mapping[str, object]] = (),
    narrowed_ms: int | None = None,
    narrowed_role: str | None = None,
    narrowed_scope: Sequence[str] = (),
    narrowed_until: int | None = None,
) -> str:
    """The line that is signed. `checkpoint`: the note's text, or empty if none was published yet. `parts` (each with
    `request`, `digest`, `deadline`): those of a bundle, instead of one request."""
    said: dict[str, object] = {
        "v": VERSION,
        "decision": decision,
        "nonce": nonce,
        "checkpoint": checkpoint,
        "narrowed_ms": narrowed_ms or 0,
        "narrowed_role": narrowed_role or "",
    }
    if parts:
        said["parts"] = [{key: part[key] for key in ONE} for part in parts]
    else:
        said |= {"request": request, "digest": digest, "deadline": deadline}
    more = {"narrowed_scope": list(narrowed_scope), "narrowed_until": narrowed_until}
    return _canonical(said | {key: value for key, value in more.items() if value})


def _canonical(said: Mapping[str, object]) -> str:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def read_statement(text: str) -> Mapping[str, Any]:
    """The statement's values. Raise `Invalid` for anything but the canonical form of one."""
    if len(text) > STATEMENT_CHARS_MAX:
        raise Invalid(f"a signed statement has at most {STATEMENT_CHARS_MAX} characters")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("the signed statement is not JSON") from None
    if not isinstance(said, dict) or not _has_its_keys(said) or said["v"] != VERSION:
        keys = ", ".join(sorted((*KEYS, *ONE)))
        raise Invalid(f"a signed statement holds {keys} (or parts), and nothing else but {' and '.join(MORE)}")
    if _canonical(said) != text:
        raise Invalid("the signed statement is not in its canonical form")
    return said


def _has_its_keys(said: Mapping[str, Any]) -> bool:
    whole = "parts" in said
    needed = {*KEYS, *(("parts",) if whole else ONE)}
    if not needed <= said.keys() <= needed | set(MORE) or not all(said[key] for key in MORE if key in said):
        return False
    if not whole:
        return True
    parts = said["parts"]
    if not isinstance(parts, list) or not parts:
        return False
    if not all(isinstance(part, dict) and part.keys() == set(ONE) for part in parts):
        return False
    return len({str(part["request"]) for part in parts}) == len(parts)


def said_of(said: Mapping[str, Any], request: str) -> Mapping[str, Any]:
    """What a statement says of one request: `request`, `digest` and `deadline`; empty if nothing."""
    found = next((part for part in said.get("parts", ()) if part["request"] == request), None)
    return found if found is not None else said if said.get("request") == request else {}


def narrowing_of(vote: Mapping[str, Any]) -> dict[str, Any]:
    """How a statement has to tell of a vote's narrowing, from what the vote's event says of it."""
    return {
        "narrowed_ms": vote.get("narrowed_ms") or 0,
        "narrowed_role": vote.get("narrowed_role") or "",
        "narrowed_scope": list(vote.get("narrowed_scope") or ()),
        "narrowed_until": vote.get("narrowed_until") or 0,
    }


def said_narrowing(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a statement says of narrowing."""
    return {"narrowed_scope": [], "narrowed_until": 0} | {key: said[key] for key in said if key.startswith("narrowed")}


def check_statement(text: str, request: Request, vote: Vote) -> None:
    """Raise `Refused` unless the signed statement says exactly what this vote says."""
    said = read_statement(text)
    told = {**said_of(said, request.id), "decision": said["decision"], **said_narrowing(said)}
    wanted = {
        "request": request.id,
        "digest": request.digest,
        "deadline": request.decide_by,
        "decision": APPROVE if vote.approve else DENY,
        **narrowing_of(
            {
                "narrowed_ms": vote.narrowed_ms,
                "narrowed_role": vote.narrowed_role,
                "narrowed_scope": vote.narrowed_scope,
                "narrowed_until": vote.narrowed_until,
            }
        ),
    }
    for key, value in wanted.items():
        if told.get(key) != value:
            hint = f"--scope {' --scope '.join(vote.narrowed_scope)}" if key == "narrowed_scope" else ""
            raise Refused(f"what was signed is not what is voted on: its {key} is another", hint=hint)
    if not isinstance(said["nonce"], str) or len(said["nonce"]) < NONCE_CHARS_MIN:
        raise Refused("the signed statement has no nonce of at least 16 characters")
