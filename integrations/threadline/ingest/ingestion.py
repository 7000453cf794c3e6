"""The ingestion client: delivers what one store's outbox holds, and says how far it got."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

from threadline.errors import ThreadlineError
from threadline.ingest.origins import origin_of
from threadline.ingest.pace import Pace
from threadline.ingest.recorders import Recorders
from threadline.ingest.sender import Sender
from threadline.ingest.sender_lock import SenderLock
from threadline.store.journal import journal_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    from threadline.clock import Clock
    from threadline.ingest.destination import Destination
    from threadline.store.outbox import Outbox

_LOOK_S: Final = 0.05
"""How often a flush looks whether another process, which sends, is done."""


class IngestionClient:
    """Delivers the outbox of one store; one thread for each destination, begun when needed.

    Args:
        outbox: The outbox.
        destinations: Where to.
        names: Whose backlog counts, also where a destination could not be made.
        path: The store's file; None for a store in memory.
        clock: Tells when something is due.
        pace: How fast to go.
        guards_origin: Whether a backlog may go only to the account that it was meant for.
        on_orphans: Called where a process has died before all that it recorded was stored.
    """

    def __init__(
        self,
        outbox: Outbox,
        destinations: Iterable[Destination],
        *,
        names: Sequence[str],
        path: Path | None,
        clock: Clock,
        pace: Pace | None = None,
        guards_origin: bool = False,
        on_orphans: Callable[[], None] = lambda: None,
    ) -> None:
        self._outbox = outbox
        self._names = names
        self._clock = clock
        self._moved = threading.Condition()
        folder = None if path is None else journal_folder(path)
        recorders = Recorders(folder, on_orphans)
        self.senders: Sequence[Sender] = tuple(
            Sender(
                destination,
                outbox,
                SenderLock(folder, destination.name),
                clock=clock,
                pace=pace or Pace(),
                progress=self._tell,
                recorders=recorders,
                origin=origin_of(destination) if guards_origin else None,
            )
            for destination in destinations
        )

    def kick(self) -> None:
        """Let the senders know that something was recorded. Cheap; called by the writer."""
        for sender in self.senders:
            sender.kick()

    def claim_origins(self) -> None:
        """Have what is recorded from now on go to these accounts, unless something waits."""
        with contextlib.suppress(ThreadlineError):  # there is no store yet, or it cannot be used
            for sender in self.senders:
                sender.is_meant_for_it()

    def flush(self, timeout: float) -> None:
        """Deliver what waits; ends when nothing does, when time is up, or when no try helps."""
        deadline = self._clock.monotonic() + timeout
        for sender in self.senders:
            sender.hurry(deadline)
        while (left := deadline - self._clock.monotonic()) > 0:
            if not any(sender.may_deliver_by(deadline) for sender in self.senders):
                return
            with self._moved:
                self._moved.wait(min(left, _LOOK_S))

    def stop(self, timeout: float) -> None:
        """Deliver what can be within `timeout`, then end the threads; the rest stays on disk."""
        deadline = self._clock.monotonic() + timeout
        self.flush(timeout)
        for sender in self.senders:
            sender.stop(deadline - self._clock.monotonic())
        self.close_outbox()

    def close_outbox(self) -> None:
        """Close the connection to the store; a later use opens it again."""
        with contextlib.suppress(ThreadlineError):
            self._outbox.close()

    def deliveries(self) -> tuple[int, int, int]:
        """Return how many records were delivered by this process, wait, and were put aside."""
        delivered = sum(sender.delivered for sender in self.senders)
        try:
            backlog = self._outbox.counts(self._names)
        except ThreadlineError:  # there is no store yet, or it cannot be read now
            return delivered, 0, 0
        return delivered, backlog.waiting, backlog.put_aside

    @contextlib.contextmanager
    def parked(self, timeout: float) -> Generator[None]:
        """Hold every transaction back, with nothing open, so that this process may fork."""
        held = self._outbox.in_use.acquire(timeout=timeout)
        try:
            if held:
                with contextlib.suppress(ThreadlineError):
                    self._outbox.close()
            yield
        finally:
            if held:
                self._outbox.in_use.release()

    def let_go(self) -> None:
        """Leave, in a forked child, to the parent what is the parent's."""
        for sender in self.senders:
            sender.let_go()

    def _tell(self) -> None:
        with self._moved:
            self._moved.notify_all()
