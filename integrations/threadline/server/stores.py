"""What the pages read and write: one store, opened when it is first asked for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from threadline.client import Client, open_store
from threadline.clock import SystemClock
from threadline.errors import StoreNotFoundError
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.clock import Clock
    from threadline.store.outbox import Outbox
    from threadline.store.reader import Reader


class Stores:
    """One store, for any number of threads; there may be none yet.

    Args:
        path: The store's file.
        clock: Tells what time it is.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self.path = path
        self.clock = clock or SystemClock()
        self._lock = threading.Lock()  # guards what is opened below
        self._reader: Reader | None = None
        self._figures: Reader | None = None
        self._client: Client | None = None

    def reader(self) -> Reader:
        """Return the read side.

        Raises:
            StoreError: if there is no store, or it cannot be read.
        """
        with self._lock:
            if self._reader is None:
                self._reader = open_store(self.path)
            return self._reader

    def figures_reader(self) -> Reader:
        """Return a read side of its own for what reads much, so that no page waits behind it.

        Raises:
            StoreError: if there is no store, or it cannot be read.
        """
        self.reader()
        with self._lock:
            if self._figures is None:
                self._figures = open_store(self.path)
            return self._figures

    def client(self) -> Client:
        """Return what records ratings; it delivers nothing itself: that is for who ships.

        Raises:
            StoreNotFoundError: if there is no store: rating something never makes one.
        """
        if not self.path.exists():
            raise StoreNotFoundError(self.path)
        with self._lock:
            if self._client is None:
                self._client = Client(store=self.path, enabled=True, ship=False)
            return self._client

    def outbox(self) -> Outbox:
        """Return what waits for delivery.

        Raises:
            StoreNotFoundError: if there is no store.
        """
        if not self.path.exists():
            raise StoreNotFoundError(self.path)
        return open_outbox(self.path, self.clock)

    def close(self) -> None:
        """Store what was rated, and let go of the store."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            for reader in (self._reader, self._figures):
                if reader is not None:
                    reader.close()
            self._client = self._reader = self._figures = None
