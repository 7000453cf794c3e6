"""Whether the disk has room: below a floor of free space nothing is recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.capture.journal_keeper import JournalKeeper
    from threadline.capture.recorder import Recorder
    from threadline.clock import Clock

_CHECK_S: Final = 5.0
_NO_ROOM: Final = "recording stopped: the disk has less free space than min_free_bytes"


class Room:
    """Stops a recorder where its disk is nearly full, and lets it go on when it no longer is."""

    def __init__(
        self, recorder: Recorder, keeper: JournalKeeper, clock: Clock, min_free_bytes: int
    ) -> None:
        self._recorder = recorder
        self._keeper = keeper
        self._clock = clock
        self._min_free_bytes = min_free_bytes
        self._checked_at = 0.0

    def mind(self) -> None:
        """Look whether there is room, if nobody has looked for some seconds."""
        now = self._clock.monotonic()
        if now - self._checked_at < _CHECK_S and self._checked_at:
            return
        self._checked_at = now
        if self._keeper.folder is None:
            return
        self._keeper.reopen(self._recorder)
        try:
            free = _free_bytes(self._keeper.folder.parent)
        except OSError:
            return
        room = free >= self._min_free_bytes
        self._recorder.stopped_for = None if room else _NO_ROOM
        if not room:
            self._recorder.losses.warn_once(_NO_ROOM)


def _free_bytes(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
