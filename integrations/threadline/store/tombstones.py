"""What was deleted, remembered as keyed hashes."""

from __future__ import annotations

from threadline.ids import keyed_digest


def tombstone_hash(key: bytes, *words: str) -> bytes:
    """Return the keyed hash under which a deletion is remembered."""
    return keyed_digest("\x1f".join(words).encode("utf-8", "surrogatepass"), key)
