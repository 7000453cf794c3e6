"""Identifiers: new ones, derived ones, and how they are written.

Ids of messages and spans follow from their turn's id and their position, so that writing or
shipping a record a second time changes nothing.
"""

from __future__ import annotations

import os
import uuid
from hashlib import blake2b
from typing import Final

from threadline.clock import now_ns

DIGEST_BYTES: Final = 16
KEY_BYTES: Final = 32


def uuid7() -> uuid.UUID:
    """Return a new time-ordered UUID (RFC 9562, version 7).

    Example:
        >>> uuid7().version
        7
    """
    milliseconds = now_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return uuid.UUID(int=value)


def derived_uuid(*names: str) -> uuid.UUID:
    """Return the UUID (version 8) that follows from `names`, the same on every machine.

    Example:
        >>> derived_uuid("turn", "2") == derived_uuid("turn", "2")
        True
    """
    digest = blake2b("\x1f".join(names).encode("utf-8", "surrogatepass"), digest_size=16)
    value = int.from_bytes(digest.digest(), "big")
    value = value & ~(0xF << 76) | 8 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return uuid.UUID(int=value)


def turn_key(turn_id: str) -> bytes:
    """Return the 16 bytes that a turn with an id of the application's choosing is known by.

    Example:
        >>> turn_key("0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f").hex()
        '0192f0c17b1e7cc398c4dc0c0c07398f'
        >>> turn_key("order-17") == derived_uuid("turn", "order-17").bytes
        True
    """
    try:
        return uuid.UUID(turn_id).bytes
    except ValueError:
        return derived_uuid("turn", turn_id).bytes


def keyed_digest(data: bytes, key: bytes) -> bytes:
    """Return a 16-byte digest of `data` that cannot be guessed without the store's key."""
    return blake2b(data, digest_size=DIGEST_BYTES, key=key).digest()


def redacted_id(text: str, key: bytes) -> str:
    """Return what stands for an id that a redaction rule matches.

    Example:
        >>> redacted_id("ada@example.org", b"k" * 32)[:13]
        'redacted:a2c7'
    """
    return f"redacted:{keyed_digest(text.encode('utf-8', 'surrogatepass'), key).hex()}"


def storable(text: str) -> str:
    """Return `text` as it can be stored: without lone surrogates, which no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def pack_id(text: str) -> bytes | str:
    """Write an id in 16 bytes where it is a UUID in its usual form, else as it is.

    Example:
        >>> unpack_id(pack_id("0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f"))
        '0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f'
        >>> pack_id("order-17")
        'order-17'
    """
    if len(text) == _UUID_LENGTH and text[8] == text[13] == text[18] == text[23] == "-":
        digits = text.replace("-", "")
        try:
            packed = bytes.fromhex(digits)
        except ValueError:
            return text
        if len(packed) == _UUID_BYTES and packed.hex() == digits:
            return packed
    return text


def unpack_id(packed: bytes | str) -> str:
    """Return the id that `pack_id` wrote."""
    if isinstance(packed, str):
        return packed
    digits = packed.hex()  # a fifth of what `uuid.UUID` takes: a conversation has thousands of ids
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_UUID_LENGTH: Final = 36
_UUID_BYTES: Final = 16
