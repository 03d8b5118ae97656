"""Daypass: temporary production access, on the record."""
