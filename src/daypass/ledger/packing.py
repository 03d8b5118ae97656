"""Integers as the journal keeps them: little-endian. Apart from the rest, so that compiled it is stores, not calls."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, write_i32_le, write_i64_le

SIGN: Final = 1 << 31
"""From here on an unsigned number of 32 bits is a negative one to who writes signed ones."""


SMALL: Final = (1 << 62) - 1
"""Up to here a number is a machine word to the compiler, and comparing it is no call."""


def put_u32(out: BytesWriter, number: int) -> None:
    """Write a number below 2**32. Raises `OverflowError` or `ValueError`."""
    write_i32_le(out, number if number < SIGN else number - 2 * SIGN)


def put_u64(out: BytesWriter, number: int) -> None:
    """Write a number below 2**64. Raises `OverflowError` or `ValueError`."""
    if number <= SMALL:
        write_i64_le(out, number)
    else:
        write_i64_le(out, number if number < 1 << 63 else number - (1 << 64))
