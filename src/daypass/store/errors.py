"""What a database says, as one of the domain's errors. Refuses to guess: what it does not know passes unchanged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy import exc

from daypass.domain.errors import Conflict, Invalid, Unavailable

_VALUES = (exc.DataError, asyncpg.DataError, asyncpg.exceptions._base.DataError, OverflowError)
"""What is wrong with a value: as the server says it, asyncpg before it asks, and sqlite3 of numbers over 64 bits."""
_HINT = "nothing was done; it is safe to try again"


@contextmanager
def translated() -> Iterator[None]:
    """Turn the errors of both drivers and of SQLAlchemy into `Unavailable`, `Conflict` and `Invalid`."""
    try:
        yield
    except (exc.IntegrityError, sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError) as problem:
        raise Conflict(f"the store refused a change: {_first_line(getattr(problem, 'orig', problem))}") from problem
    except _VALUES as problem:
        raise Invalid(f"the store cannot hold this value: {_first_line(problem)}") from problem
    except exc.TimeoutError as problem:
        raise Unavailable("the store is busy: no connection to it came free in time", hint=_HINT) from problem
    except exc.DBAPIError as problem:
        if isinstance(problem.driver_exception, _VALUES):
            raise Invalid(f"the store cannot hold this value: {_first_line(problem.driver_exception)}") from problem
        raise _of_driver(problem.orig or problem) from problem
    except (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, OSError) as problem:
        raise _of_driver(problem) from problem


def _of_driver(problem: BaseException) -> Unavailable | Invalid:
    line = _first_line(problem)
    if "database is locked" in line or "database table is locked" in line:
        return Unavailable("the store is locked by another process", hint=_HINT)
    if "append-only" in line:
        return Invalid(f"the store refused: {line}")
    return Unavailable(f"the store cannot be used: {line}", hint=_HINT)


def _first_line(problem: BaseException | None) -> str:
    lines = str(problem).strip().splitlines()
    return lines[0] if lines else type(problem).__name__
