"""Daypass: temporary production access, on the record."""

__version__ = "0.1.0"
