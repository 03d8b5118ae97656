"""Obligations, keys, codes, notices and locks as rows and back; as `codec.py` does for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from daypass.domain.lock import Lock, LockScope
from daypass.domain.obligation import Obligation, ObligationState
from daypass.domain.standing import EnrolledKey, Notice, SealedCode

Row = Mapping[str, Any]


def obligation_row(obligation: Obligation) -> Row:
    plain = asdict(obligation)
    return {**plain, "state": obligation.state.value, "by": list(obligation.by), "escalate": list(obligation.escalate)}


def obligation_of(row: Row) -> Obligation:
    lists = {"by": tuple(row["by"]), "escalate": tuple(row["escalate"])}
    return Obligation(**{**row, **lists, "state": ObligationState(row["state"])})


def key_row(key: EnrolledKey) -> Row:
    return asdict(key)


def key_of(row: Row) -> EnrolledKey:
    return EnrolledKey(**row)


def code_row(code: SealedCode) -> Row:
    return asdict(code)


def code_of(row: Row) -> SealedCode:
    return SealedCode(**row)


def notice_row(notice: Notice) -> Row:
    return {**asdict(notice), "about": dict(notice.about), "receipt": dict(notice.receipt)}


def notice_of(row: Row) -> Notice:
    return Notice(**row)


def lock_row(lock: Lock) -> Row:
    return {**asdict(lock), "scope": lock.scope.value}


def lock_of(row: Row) -> Lock:
    return Lock(**{**row, "scope": LockScope(row["scope"])})
