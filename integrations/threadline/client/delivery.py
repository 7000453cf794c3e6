"""Delivery, as a client needs it: made when it is used, and nothing without destinations."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from threadline.capture.losses import Losses
    from threadline.clock import Clock
    from threadline.ingest.ingestion import IngestionClient
    from threadline.settings import Settings
    from threadline.store.connections import Database


class Deliveries(NamedTuple):
    """How many records this process delivered, how many wait, how many were put aside."""

    delivered: int = 0
    pending: int = 0
    rejected: int = 0


class Delivery:
    """Delivers what one client records, in the background.

    Args:
        settings: Name the destinations, and whether this process sends or leaves it to others.
        database: Gives access to the store.
        path: The store's file; None for a store in memory.
        clock: Tells when something is due.
        losses: Told of destinations that cannot be used.
        on_orphans: Called where a process has died before all that it recorded was stored.
    """

    def __init__(
        self,
        settings: Settings,
        database: Callable[[], Database],
        *,
        path: Path | None,
        clock: Clock,
        losses: Losses,
        on_orphans: Callable[[], None],
    ) -> None:
        self.ships = bool(settings.destinations) and settings.ship
        self._settings = settings
        self._database = database
        self._path = path
        self._clock = clock
        self._losses = losses
        self._on_orphans = on_orphans
        self._made: dict[str, IngestionClient] = {}

    def kick(self) -> None:
        """Let it be known that something was recorded for destinations."""
        self._client().kick()

    def claim(self) -> None:
        """Take the default store's outbox for these accounts, as far as nothing waits for others.

        Before anything is recorded: afterwards nobody could tell whose it was.
        """
        if self._settings.is_default_store:
            self._client().claim_origins()

    def flush(self, timeout: float) -> None:
        """Deliver what waits, as far as `timeout` allows."""
        if self.ships:
            self._client().flush(timeout)

    def stop(self, timeout: float) -> None:
        """Deliver what waits, as far as `timeout` allows, and end; nothing where all was quiet."""
        if self.ships and self._made:
            self._client().stop(timeout)

    def close(self) -> None:
        """Close what a count of the backlog has opened; a later use opens it again."""
        client = self._made.get("client")
        if client is not None:
            client.close_outbox()

    def deliveries(self) -> Deliveries:
        """Tell how far delivery got."""
        if not self._settings.destinations:
            return Deliveries()
        return Deliveries(*self._client().deliveries())

    @contextlib.contextmanager
    def parked(self, timeout: float) -> Generator[None]:
        """Hold everything back, with nothing open, so that this process may fork."""
        client = self._made.get("client")
        with client.parked(timeout) if client is not None else contextlib.nullcontext():
            yield

    def let_go(self) -> None:
        """Leave, in a forked child, to the parent what is the parent's."""
        client = self._made.get("client")
        if client is not None:
            client.let_go()

    def _client(self) -> IngestionClient:
        client = self._made.get("client")
        if client is None:
            client = self._made.setdefault("client", self._make())
        return client

    def _make(self) -> IngestionClient:
        # here, because recording alone needs nothing of it
        from threadline.ingest.ingestion import IngestionClient
        from threadline.ingest.named import destinations_from
        from threadline.store.outbox import Outbox

        given = self._settings.destinations if self.ships else ()
        return IngestionClient(
            Outbox(self._database(), self._clock),
            destinations_from(given, warn=self._losses.warn_once),
            names=self._settings.destination_names,
            path=self._path,
            clock=self._clock,
            guards_origin=self._settings.is_default_store,
            on_orphans=self._on_orphans,
        )
