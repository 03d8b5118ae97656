"""Entries for other systems: how they are written (pure) and how they get there (at least once, in order)."""
