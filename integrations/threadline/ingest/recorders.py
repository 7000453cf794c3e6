"""How far the processes are that record into a store: what is sent in order waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.store.journal import waiting_journals
from threadline.store.stored_mark import unstored_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PATIENCE_NS: Final = 10_000_000_000
"""So long what is stored waits for what is not; a turn that has ended is stored within six seconds,
unless its process hangs or cannot write."""


class Recorders:
    """The processes that record into one store, as their journals show them.

    Args:
        folder: Where the journals are; None for a store in memory, which has one process.
        on_orphans: Called where one has died before all that it recorded was stored.
    """

    def __init__(self, folder: Path | None, on_orphans: Callable[[], None]) -> None:
        self._folder = folder
        self._on_orphans = on_orphans

    def stored_ns(self, now_ns: int) -> int | None:
        """Return until when everything that ended is stored; None for all there is."""
        if self._folder is None:
            return None
        found = unstored_in(waiting_journals(self._folder))
        if found.has_orphans:
            self._on_orphans()
        if found.until_ns is None:
            return None
        return max(found.until_ns, now_ns - _PATIENCE_NS)
