"""The default client's own doings, as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.client.defaults import default_client, open_store
from threadline.errors import StoreNotFoundError

if TYPE_CHECKING:
    from threadline.client.client import FlushReport
    from threadline.model.turn import Turn


def flush(timeout: float = 5.0) -> FlushReport:
    """Store what was recorded so far and say what became of it; never hangs, never raises."""
    return default_client().flush(timeout)


def close(timeout: float | None = None) -> FlushReport:
    """Store everything, end what is under way as abandoned, let go of the store."""
    return default_client().close(timeout)


def last() -> Turn | None:
    """Return the newest turn of the default store, or None if there is none yet."""
    try:
        with open_store() as store:
            return store.last()
    except StoreNotFoundError:
        return None
