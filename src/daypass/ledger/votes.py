"""Signed votes in a log, checked offline: the signature holds, it is for what the entry says, and its key was enrolled.

A key counts from its `key.enrolled` entry to its `key.revoked`, for the person that enrolled it, in the order of the
log; a passkey also only for the relying party and at the origin that it was enrolled for. It works on entries alone,
and trusts nobody who numbered them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from daypass.domain.errors import DaypassError
from daypass.domain.passkey_signature import challenge_of, check_assertion, decode, read_assertion, read_cose
from daypass.domain.ssh_signature import fingerprint, holds, read_public_key, read_signature
from daypass.domain.vote_statement import narrowing_of, read_statement, said_narrowing, said_of
from daypass.ledger.tampering import Tampered

MARKS = (b',"type":"key.enrolled","v":1}', b',"type":"key.revoked","v":1}', b',"type":"request.voted","v":1}')
"""How the entries end that matter here, their keys being sorted."""


PASSKEY = "passkey"
"""The `kind` of a key that is no SSH key."""


@dataclass(frozen=True, slots=True)
class _Passkey:
    """What an enrolment says of a passkey; `entry` is that enrolment's id."""

    entry: str
    person: str
    public: bytes
    rp_id: str
    origin: str


@dataclass(slots=True)
class Votes:
    """Follows keys and votes in the order of the log. `signed` counts the signatures that hold."""

    signed: int = 0
    _keys: dict[str, str] = field(default_factory=dict)
    _passkeys: dict[str, _Passkey] = field(default_factory=dict)

    def follow(self, index: int, entry: bytes) -> None:
        """Take the next entry that matters. Raises Tampered for a signed vote that does not hold, and for an entry that
        has not the form of what it says it is: whoever can write a log can write anything into it."""
        try:
            self._follow(index, json.loads(entry))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise Tampered(f"entry {index}: is not of the form that its type has") from problem

    def _follow(self, index: int, told: dict[str, Any]) -> None:
        body = told["body"]
        passkey = body.get("kind") == PASSKEY
        match told["type"]:
            case "key.enrolled" if passkey:
                self._enrol_passkey(index, told, body)
            case "key.enrolled":
                self._enrol(index, told["actor"]["id"], body)
            case "key.revoked" if passkey:
                self._passkeys.pop(str(body["credential"]), None)
            case "key.revoked":
                self._keys.pop(str(body["fingerprint"]), None)
            case "request.voted" if "signed" in body:
                self._vote(index, told, body)

    def _enrol(self, index: int, person: str, body: dict[str, str]) -> None:
        try:
            _, raw = read_public_key(body["public"])
        except DaypassError as problem:
            raise Tampered(f"entry {index}: enrols a key that is none: {problem.message}") from problem
        if fingerprint(raw) != body["fingerprint"] or body["person"] != person:
            raise Tampered(f"entry {index}: enrols another key, or for another person, than it says")
        self._keys[body["fingerprint"]] = person

    def _enrol_passkey(self, index: int, told: dict[str, Any], body: dict[str, Any]) -> None:
        try:
            public = decode(body["public"])
            read_cose(public)
        except DaypassError as problem:
            raise Tampered(f"entry {index}: enrols a passkey that is none: {problem.message}") from problem
        host = urlsplit(body["origin"]).hostname or ""
        if body["person"] != told["actor"]["id"] or not f".{host}".endswith(f".{body['rp_id']}"):
            raise Tampered(f"entry {index}: enrols a passkey for another person, or another site, than it says")
        if body["credential"] in self._passkeys:
            raise Tampered(f"entry {index}: enrols a passkey that is enrolled already")
        self._passkeys[body["credential"]] = _Passkey(told["id"], body["person"], public, body["rp_id"], body["origin"])

    def _vote(self, index: int, told: dict[str, Any], body: dict[str, Any]) -> None:
        signed = body["signed"]
        try:
            said = read_statement(signed["statement"])
        except DaypassError as problem:
            raise Tampered(f"entry {index}: its signed vote cannot be read: {problem.message}") from problem
        found = {**said_of(said, told["request"]), "decision": said["decision"], **said_narrowing(said)}
        wanted = {
            "request": told["request"],
            "digest": body["digest"],
            "decision": told["decision"],
            **narrowing_of(body),
        }
        for key, value in wanted.items():
            if found.get(key) != value:
                raise Tampered(f"entry {index}: what was signed is not what was voted on: its {key} is another")
        try:
            check = self._check_passkey if PASSKEY in signed else self._check_ssh
            check(index, told["actor"]["id"], signed)
        except DaypassError as problem:
            raise Tampered(f"entry {index}: the vote's signature does not hold: {problem.message}") from problem
        self.signed += 1

    def _check_ssh(self, index: int, person: str, signed: dict[str, Any]) -> None:
        signature = read_signature(signed["signature"])
        if self._keys.get(signature.fingerprint) != person:
            raise Tampered(f"entry {index}: the vote is signed with a key that its person has not enrolled")
        if not holds(signature, signed["statement"].encode()):
            raise Tampered(f"entry {index}: the vote's signature does not hold")

    def _check_passkey(self, index: int, person: str, signed: dict[str, Any]) -> None:
        given = read_assertion(signed[PASSKEY])
        enrolled = self._passkeys.get(given.credential)
        if enrolled is None or enrolled.person != person or enrolled.entry != signed[PASSKEY]["enrolled"]:
            raise Tampered(f"entry {index}: the vote is signed with a passkey that its person has not enrolled")
        challenge = challenge_of(signed["statement"])
        check_assertion(given, enrolled.public, enrolled.rp_id, enrolled.origin, challenge)
