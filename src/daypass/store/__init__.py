"""What Daypass keeps: state and the ledger's table, in SQLite or PostgreSQL. Decides nothing; services do."""

from daypass.store.opening import open_store

__all__ = ["open_store"]
