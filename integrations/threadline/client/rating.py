"""Rating a turn that was read: in the store that it came from."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from threadline.client.client import Client, living_clients
from threadline.client.defaults import default_client
from threadline.client.notes import rate
from threadline.settings import MEMORY

if TYPE_CHECKING:
    from collections.abc import Generator

    from threadline.model.turn import Turn


def rate_turn(turn: Turn, value: float | str, *, name: str, comment: str | None) -> str:
    """Judge a turn where it was recorded; one that was read nowhere, by the default client.

    Raises:
        ArgumentError: if a thumb is not -1, 0 or 1.
    """
    with _client_of(turn) as client:
        return rate(
            value,
            turn_id=turn.id,
            thread_id=turn.thread_id,
            name=name,
            comment=comment,
            client=client,
        )


@contextlib.contextmanager
def _client_of(turn: Turn) -> Generator[Client]:
    """Give the client of this process that records into the turn's store, or one for a moment."""
    found = default_client()
    if turn.store_path is not None:
        others = [client for client in living_clients if client is not found]
        holding = [client for client in (found, *others) if _has(client, turn)]
        if not holding and turn.store_path:
            with Client(store=Path(turn.store_path), ship=False) as visitor:
                yield visitor
            return
        found = holding[0] if holding else found
    yield found


def _has(client: Client, turn: Turn) -> bool:
    if not client.settings.enabled:
        return False
    if turn.store_path:
        store = client.settings.store
        return isinstance(store, Path) and _is_same(store, Path(turn.store_path))
    if client.settings.store != MEMORY or not client.has_started:
        return False
    with client.reader() as reader:
        return reader.turn(turn.id) is not None


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False
