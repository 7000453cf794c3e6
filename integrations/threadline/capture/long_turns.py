"""Lets readers see the turns that take long, and that the process they run in is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threadline.capture.joiner import Joiner
    from threadline.capture.settling import Settler
    from threadline.clock import Clock
    from threadline.store.writer import StoreWriter

_SHOW_S: Final = 2.0


class LongTurns:
    """Stores what is under way for two seconds or more as running; used by the writer only."""

    def __init__(self, joiner: Joiner, settler: Settler, store: StoreWriter, clock: Clock) -> None:
        self._joiner = joiner
        self._settler = settler
        self._store = store
        self._clock = clock
        self._shown_at = 0.0

    def show(self, now: float) -> None:
        """Store what is to be seen, not oftener than every two seconds.

        Args:
            now: Monotonic seconds.

        Raises:
            StoreError: if the store cannot take it now.
        """
        if not self._joiner.open or now < self._shown_at + _SHOW_S:
            return
        self._shown_at = now
        now_ns = self._clock.now_ns()
        limit = now_ns - int(_SHOW_S * 1e9)
        turns = [turn for turn in self._joiner.open.values() if turn.started_ns < limit]
        fresh = [turn for turn in turns if turn.row is None and not turn.looked_at]
        if fresh or (turns and self._store.is_beat_due(now_ns)):
            self._settler.show(fresh, now_ns)
        for turn in fresh:
            turn.looked_at = True
