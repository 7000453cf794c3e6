"""What runs say that can wait for their turn's next event: a third of an agent's events."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threadline.capture.events import SpanEnded, SpanStarted

_MOST: Final = 64


class HeldBack:
    """Starts and ends of a root's runs that bring no words, until its next event takes them along.

    Shared by all runs of a root, on any thread, without a lock. After a crash what was held back is
    missing: a step is shown as left open, none of its messages is lost.
    """

    __slots__ = ("_events", "is_closed")

    def __init__(self) -> None:
        self._events: collections.deque[SpanStarted | SpanEnded] = collections.deque()
        self.is_closed = False

    def keep(self, event: SpanStarted | SpanEnded) -> bool:
        """Keep `event` for the next one; False if there may be none or many wait."""
        if self.is_closed or len(self._events) >= _MOST:
            return False
        self._events.append(event)
        if not self.is_closed:
            return True
        try:
            self._events.remove(event)  # the root ended meanwhile
        except ValueError:
            return True  # and took it along
        return False

    def take(self) -> tuple[SpanStarted | SpanEnded, ...]:
        """Take what has been kept so far, oldest first."""
        events = self._events
        if not events:
            return ()
        taken: list[SpanStarted | SpanEnded] = []
        while events:
            try:
                taken.append(events.popleft())
            except IndexError:  # another thread took the last
                break
        return tuple(taken)
