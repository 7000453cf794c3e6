"""Whose a backlog is: what one account was meant to get never goes to another one by mistake.

The default store goes by the name of a folder, and keeps what waits for days. Where a destination's
address or key has changed meanwhile, what waits there is held back until somebody adopts it.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threadline.ingest.destination import Destination
    from threadline.store.outbox import DestinationState

HELD_BACK_S: Final = 60.0


def origin_of(destination: Destination) -> str | None:
    """Return the address and the account behind a destination; None where it tells of neither."""
    origin = getattr(destination, "origin", None)
    return origin if isinstance(origin, str) else None


def origin_from(address: str, secrets: Mapping[str, str], *more: str | None) -> str:
    """Return an address with a fingerprint of the account; the credentials cannot be read from it.

    Example:
        >>> origin_from("https://a.example", {"authorization": "Bearer x"})
        'https://a.example ee9e984474ae6dc7'
    """
    told = "\x1f".join([*map(str, sorted(secrets.items())), *(part or "" for part in more)])
    return f"{address} {blake2b(told.encode(), digest_size=8, person=b'origin').hexdigest()}"


def held_back(state: DestinationState, name: str, now_ns: int) -> DestinationState:
    """Return how a destination stands whose backlog was meant for another address or account."""
    return replace(
        state,
        failures=max(1, state.failures),
        until_ns=now_ns + int(HELD_BACK_S * 1e9),
        is_told=True,
        error=f"held back: the address or the key is not that of the backlog; if it is to go there,"
        f" run `threadline ship --adopt {name}`",
        error_ns=now_ns,
    )
