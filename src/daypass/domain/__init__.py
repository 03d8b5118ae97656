"""What Daypass is about, and nothing of how: no I/O, no clock, no randomness.

Times are integers: milliseconds since 1970-01-01T00:00:00Z, named `..._at` or `t`. Lengths of time end in their
unit (`duration_ms`). Identifiers, entropy and "now" are always arguments.
"""
