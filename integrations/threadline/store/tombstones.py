"""What was deleted, remembered as keyed hashes."""

from __future__ import annotations

from typing import Final

from threadline.ids import keyed_digest

FOREIGN_KEY: Final = "deletions_of:"
FOREIGN_KEYS: Final = (
    f"SELECT value FROM meta WHERE key >= '{FOREIGN_KEY}' AND key < '{FOREIGN_KEY}~'"
)
"""Gives the keys of the stores whose deletions were taken over with what they held."""


def tombstone_hash(key: bytes, *words: str) -> bytes:
    """Return the keyed hash under which a deletion is remembered."""
    return keyed_digest("\x1f".join(words).encode("utf-8", "surrogatepass"), key)
