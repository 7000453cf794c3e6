"""Says in this process's journals until when the store has everything that ended.

Whoever delivers waits for that: what several processes record in one conversation leaves in order.
Only the writer uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.store.stored_mark import NEVER_AWAITED_NS, StoredMark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.capture.events import CaptureEvent
    from threadline.capture.journal_keeper import JournalKeeper
    from threadline.capture.open_turn import OpenTurn
    from threadline.capture.recorder import Recorder
    from threadline.clock import Clock
    from threadline.store.journal import Journal


class StoredUntil:
    """One look of the writer at what was handed over, and what the journals say after it.

    A turn that ended before the look began was handed over before that: its last hook had returned.
    """

    def __init__(self, recorder: Recorder, keeper: JournalKeeper, clock: Clock) -> None:
        self._recorder = recorder
        self._keeper = keeper
        self._clock = clock
        self._until_ns = 0
        self._sizes: dict[Journal, int] = {}

    def begin_look(self) -> None:
        """Remember when the look begins, and how long the journals are."""
        self._until_ns = self._clock.now_ns() if self._keeper.is_awaited else NEVER_AWAITED_NS
        journals = self._keeper.journals(self._recorder)
        self._sizes = {journal: journal.quiet_size for journal in journals}

    def end_look(self, last: CaptureEvent | None, *, has_more: bool) -> None:
        """Remember how far the look got: to `last`, if more has been handed over."""
        if has_more:
            self._sizes = {}
            if self._keeper.is_awaited:
                at_ns = getattr(last, "at_ns", 0)  # a note tells none: then it got nowhere
                self._until_ns = min(self._until_ns, at_ns)

    def tell(self, waiting: Iterable[OpenTurn]) -> None:
        """Write down how far the store has what the look found.

        Args:
            waiting: The turns that have ended and are not stored.
        """
        if not self._until_ns:
            return
        left = min((turn.started_ns for turn in waiting), default=None)
        for journal in self._keeper.journals(self._recorder):
            if journal.left:
                continue  # somebody else takes in what it holds: until then it stays as it is
            size = self._sizes.get(journal, 0) if left is None else 0
            journal.tell_stored(StoredMark(self._until(left), size))

    def _until(self, left_ns: int | None) -> int:
        if left_ns is None or not self._keeper.is_awaited:
            return self._until_ns
        return min(self._until_ns, left_ns)
