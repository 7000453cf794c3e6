"""How much memory what waits for the store may take, and what is let go of beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.capture.events import CaptureEvent, TurnOpened

if TYPE_CHECKING:
    from threadline.capture.joiner import Joiner
    from threadline.capture.journal_keeper import JournalKeeper
    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.recorder import Recorder
    from threadline.clock import Clock

MEMORY_FULL: Final = "memory was full, the oldest was dropped"
_SILENT_S: Final = 30.0
_REMEMBERED: Final = 10_000


class MemoryLimit:
    """Keeps what one writer holds within `max_bytes`; used by the writer only."""

    def __init__(
        self,
        recorder: Recorder,
        keeper: JournalKeeper,
        joiner: Joiner,
        clock: Clock,
        max_bytes: int,
    ) -> None:
        self._recorder = recorder
        self._keeper = keeper
        self._joiner = joiner
        self._clock = clock
        self._max_bytes = max_bytes
        self._given_up: dict[bytes, None] = {}

    def mind(self, waiting: list[OpenTurn]) -> None:
        """Let go of what waits for the store, oldest first, then of what has long been silent.

        Args:
            waiting: The turns that wait; those that are let go of are taken out of it.
        """
        while self._keeper.held_bytes() > self._max_bytes and waiting:
            half = (len(waiting) + 1) // 2
            self._keeper.leave(waiting[:half], MEMORY_FULL)
            del waiting[:half]
            self._keeper.cut(self._recorder, rotate=True, keep=bool(self._joiner.notes))
        if self._keeper.held_bytes() > self._max_bytes:
            self._give_up_silent_turns()

    def is_too_late(self, event: CaptureEvent) -> bool:
        """Tell whether the turn of `event` was given up; its rest is no turn of its own."""
        if not self._given_up or getattr(event, "turn", None) not in self._given_up:
            return False
        if isinstance(event, TurnOpened) or getattr(event, "run", b"") == getattr(event, "turn", 0):
            return False
        self._recorder.losses.add(MEMORY_FULL)
        return True

    def _give_up_silent_turns(self) -> None:
        limit = self._clock.now_ns() - int(_SILENT_S * 1e9)
        silent = [turn for turn in self._joiner.open.values() if turn.last_ns <= limit]
        silent.sort(key=lambda turn: turn.last_ns)
        half = silent[: (len(silent) + 1) // 2]
        self._joiner.abandon(half)
        self._given_up = dict.fromkeys(
            [*self._given_up, *(turn.key for turn in half)][-_REMEMBERED:]
        )
