"""Ships from a process of its own: what applications recorded and leave to others to deliver."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from threadline.errors import ThreadlineError
from threadline.ingest.ingestion import IngestionClient
from threadline.store.connections import FileDatabase
from threadline.store.outbox import Outbox

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from threadline.clock import Clock
    from threadline.ingest.destination import Destination

_LOOK_S: Final = 1.0
_TAKE_IN_S: Final = 30.0


def open_outbox(path: Path, clock: Clock) -> Outbox:
    """Return the outbox of the store at `path`."""
    return Outbox(FileDatabase(path), clock)


def ship_once(client: IngestionClient, timeout: float) -> tuple[int, int, int]:
    """Deliver what waits; returns how many records were delivered, still wait, were put aside."""
    client.flush(timeout)
    done = client.deliveries()
    client.stop(0.0)
    return done


def shipper(
    outbox: Outbox,
    destinations: Iterable[Destination],
    *,
    path: Path,
    clock: Clock,
    guards_origin: bool = False,
    on_orphans: Callable[[], None] = lambda: None,
) -> IngestionClient:
    """Return what ships from the store at `path`; see `IngestionClient`."""
    made = tuple(destinations)
    names = [destination.name for destination in made]
    return IngestionClient(
        outbox,
        made,
        names=names,
        path=path,
        clock=clock,
        guards_origin=guards_origin,
        on_orphans=on_orphans,
    )


def follow(
    client: IngestionClient,
    *,
    stopped: threading.Event,
    take_in: Callable[[], object],
    orphaned: threading.Event,
    clock: Clock,
    last_words_s: float,
    on_look: Callable[[], object] = lambda: None,
) -> tuple[int, int, int]:
    """Deliver what is recorded from now on, until `stopped` is set; then what is left.

    Args:
        client: What ships.
        stopped: Set by whoever wants it to end.
        take_in: Takes in what processes that are gone have left in journals.
        orphaned: Set where one is known to be gone; else it is looked for every 30 seconds.
        clock: Tells when that is.
        last_words_s: How long the end may take.
        on_look: Called each second, and at the end: somebody may want to tell how it goes.
    """
    next_take_in = clock.monotonic()
    while not stopped.is_set():
        if orphaned.is_set() or clock.monotonic() >= next_take_in:
            orphaned.clear()
            next_take_in = clock.monotonic() + _TAKE_IN_S
            with contextlib.suppress(ThreadlineError, OSError):
                take_in()
        client.kick()
        stopped.wait(_LOOK_S)
        on_look()
    client.flush(last_words_s)
    on_look()
    done = client.deliveries()
    client.stop(0.0)
    return done
