"""What has been handed over and not been taken yet: in memory, or, where it is much, on disk alone.

An application can record faster than a store takes in. What it hands over stands in the journal
anyway: beyond some thousand events it is kept nowhere else, and read from there when its turn has
come. So the memory that a burst takes does not grow with it.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Final

from threadline.store.journal import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.capture.recorder import Handed, Recorder
    from threadline.store.journal import Journal

MOST_IN_MEMORY: Final = 3_000
"""So many events wait in memory; then the next journal spills."""

_MOST_BYTES: Final = 8_000_000
_BITE: Final = 1_000
_BITE_BYTES: Final = 500_000
_NEARLY_READ: Final = 64_000
"""When so little of a spilling journal is left to read, the next one is kept in memory again."""


class Backlog:
    """The events of one recorder that its writer has not taken yet, oldest first."""

    def __init__(self) -> None:
        self._spilled: collections.deque[Journal] = collections.deque()

    def __bool__(self) -> bool:
        return bool(self._spilled)

    def __contains__(self, journal: Journal) -> bool:
        return journal in self._spilled

    @property
    def journals(self) -> tuple[Journal, ...]:
        """The journals that are not read to their ends, oldest first."""
        return tuple(self._spilled)

    def is_much(self, recorder: Recorder, current: Journal) -> bool:
        """Tell whether the journal after `current` is to spill."""
        if current.path is None:
            return False
        if current.spills:  # until all before it is taken, else each look would begin a file
            is_behind = bool(recorder.queue) or len(self._spilled) > 1
            return is_behind or current.unread_bytes > _NEARLY_READ
        behind = current.written_bytes - current.held_bytes
        return len(recorder.queue) > MOST_IN_MEMORY or behind > _MOST_BYTES

    def spill(self, journal: Journal) -> None:
        """Let the events of a new journal be handed over in its file alone."""
        if journal.path is not None:
            journal.spills = True
            self._spilled.append(journal)

    def take(self, recorder: Recorder) -> list[Handed]:
        """Take out what comes next; some of it, so that it can be stored before more is taken."""
        handed = recorder.queue
        while self._spilled:
            first = self._spilled[0]
            if handed and handed[0][0].number < first.number:
                break
            is_finished = first is not recorder.journal and not first.writing
            payloads = first.read_on(_BITE_BYTES)
            batch = [_handed(first, payload) for payload in payloads if payload[0] != ORIGIN]
            if batch:
                return batch
            if payloads:
                continue
            if not is_finished:
                break
            self._spilled.popleft()
        return list(self._from_memory(recorder))

    def unread(self) -> Iterator[bytes]:
        """Yield the events that only their journals have, and leave them there."""
        for journal in list(self._spilled):
            yield from (event for event in journal.unread_events() if event != ORIGIN)

    def clear(self) -> None:
        """Forget everything: after a fork it is the parent's."""
        self._spilled.clear()

    def _from_memory(self, recorder: Recorder) -> Iterator[Handed]:
        handed = recorder.queue
        size = 0
        for _ in range(min(len(handed), _BITE)):
            journal = handed[0][0]
            if self._spilled and journal.number > self._spilled[0].number:
                return
            one = handed.popleft()
            yield one
            size += len(one[1]) + sum(map(len, one[2].values()))
            if size > _BITE_BYTES:
                return


def _handed(journal: Journal, payload: list[bytes]) -> Handed:
    data, *pieces = payload
    return journal, data, dict(zip(pieces[::2], pieces[1::2], strict=False))
