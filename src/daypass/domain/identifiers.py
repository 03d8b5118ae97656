"""UUIDv7 (RFC 9562, section 5.7) from a time and entropy that the caller brings."""

from __future__ import annotations

ENTROPY_BYTES = 10


def uuid7(t: int, entropy: bytes) -> str:
    """Return the UUIDv7 for `t` (ms since 1970) and ten bytes of entropy, in the canonical text form."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"{ENTROPY_BYTES} bytes of entropy, not {len(entropy)}")
    low = int.from_bytes(entropy, "big")
    value = (t & (1 << 48) - 1) << 80 | 0x7 << 76 | (low >> 64 & 0xFFF) << 64 | 0b10 << 62 | low & (1 << 62) - 1
    h = f"{value:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
