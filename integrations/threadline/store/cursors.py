"""Where the next page begins, as a short opaque text."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from threadline.errors import ArgumentError

_ALLOWED: Final = "what the page before gave as its cursor"
_TOO_LARGE: Final = 2**63
_Place = tuple[str, int, int]


def write_cursor(listing: str, first: int, second: int) -> str:
    """Return the cursor behind a place in `listing`.

    Example:
        >>> read_cursor("turns", write_cursor("turns", 17, 4))
        (17, 4)
    """
    return base64.urlsafe_b64encode(msgspec.json.encode((listing, first, second))).decode()


def read_cursor(listing: str, cursor: str | None) -> tuple[int, int] | None:
    """Return the place that `write_cursor` was given; None where there is no cursor.

    Raises:
        ArgumentError: if it is no cursor, or one of another listing.
    """
    if cursor is None:
        return None
    try:
        data = base64.b64decode(cursor, altchars=b"-_", validate=True)
        origin, first, second = msgspec.json.decode(data, type=_Place)
    except (TypeError, ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise ArgumentError(argument="cursor", value=cursor, allowed=_ALLOWED) from error
    if origin != listing or max(abs(first), abs(second)) >= _TOO_LARGE:
        raise ArgumentError(argument="cursor", value=cursor, allowed=_ALLOWED)
    return first, second
