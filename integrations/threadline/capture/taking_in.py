"""Takes in what dead processes left in journals, through the same code as live events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from threadline.capture.events import CaptureEvent, decode_body, decode_event
from threadline.capture.joiner import Joiner
from threadline.capture.journal_keeper import LOST_BODY
from threadline.capture.settling import Origin, Settler
from threadline.errors import StoreError
from threadline.store.journal import ORIGIN, OrphanedJournals, claim_orphans, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from threadline.capture.events import Noted, Updated
    from threadline.capture.losses import Losses
    from threadline.capture.open_turn import OpenTurn
    from threadline.clock import Clock
    from threadline.model.message import Body

_GROUP: Final = 256


def take_in(folder: Path, settler: Settler, clock: Clock, losses: Losses) -> int:
    """Store what processes that are gone have left, and delete their journals.

    Args:
        folder: Where the journals of the store are.
        settler: Writes to the store.
        clock: Tells the time of the taking-in.
        losses: Counts what no store could ever take.

    Returns:
        How many turns were taken in.

    Raises:
        StoreError: if the store cannot take it now; what it has not taken stays in the journals.
    """
    return sum(
        _TakingIn(orphans, settler, clock, losses).run() for orphans in claim_orphans(folder)
    )


class _TakingIn:
    """Takes in the journals of one process: in the order of its files, in groups."""

    def __init__(
        self, orphans: OrphanedJournals, settler: Settler, clock: Clock, losses: Losses
    ) -> None:
        self._orphans = orphans
        self._settler = settler
        self._clock = clock
        self._losses = losses
        self._joiner = Joiner()
        self._whole: list[OpenTurn] = []
        self._bodies: dict[bytes, bytes] = {}
        self._turns = 0

    def run(self) -> int:
        try:
            for path in self._orphans.paths:
                self._read(path)
            self._whole.extend(self._joiner.take_whole(0.0, close=True))
            self._settle_whole()
            self._settle([], self._joiner.notes)
        except OSError:
            return self._turns
        else:
            self._orphans.remove()
            return self._turns
        finally:
            self._orphans.release()

    def _read(self, path: Path) -> None:
        for event in self._events(path):
            self._joiner.feed(event, None, 0.0)
            self._whole.extend(self._joiner.take_whole(0.0))
            if len(self._whole) >= _GROUP:
                self._settle_whole()
        if not (self._joiner.open or self._whole):
            self._bodies.clear()  # a file is complete in itself: the next one has its own

    def _events(self, path: Path) -> Iterator[CaptureEvent]:
        for data, *pieces in read_journal(path):
            if data == ORIGIN:
                self._settler = self._settler.for_origin(_origin_in(pieces))
                continue
            self._bodies.update(zip(pieces[::2], pieces[1::2], strict=False))
            try:
                yield decode_event(data)
            except msgspec.MsgspecError as error:
                self._losses.add("an event could not be read back", detail=type(error).__name__)

    def _settle_whole(self) -> None:
        turns, self._whole = self._whole, []
        if not self._orphans.is_complete:
            # a file is deleted once the store has every turn in it, whose rest may stand elsewhere
            turns = [turn for turn in turns if _has_beginning(turn)]
        for start in range(0, len(turns), _GROUP):
            self._settle(turns[start : start + _GROUP], [])

    def _settle(self, turns: Sequence[OpenTurn], notes: Sequence[Noted | Updated]) -> None:
        """Store a group; where that fails, each alone, and what fails alone is given up."""
        if not turns and not notes:
            return
        try:
            self._settler.settle(turns, notes, self._find, self._clock.now_ns())
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (one bad turn must not keep all others out)
            if len(turns) + len(notes) == 1:
                what = "a turn" if turns else "a note"
                self._losses.add(f"{what} could not be stored", detail=type(error).__name__)
                return
            for turn in turns:
                self._settle([turn], [])
            for note in notes:
                self._settle([], [note])
        else:
            self._turns += len(turns)

    def _find(self, digest: bytes) -> Body:
        data = self._bodies.get(digest)
        try:
            return LOST_BODY if data is None else decode_body(data)
        except msgspec.MsgspecError:
            return LOST_BODY


def _origin_in(pieces: list[bytes]) -> Origin:
    try:
        return msgspec.json.decode(b"".join(pieces), type=Origin)
    except msgspec.MsgspecError:
        return Origin()


def _has_beginning(turn: OpenTurn) -> bool:
    """Tell whether the turn's own start was seen, not only what came later."""
    return turn.opened is not None or turn.key in turn.spans
