"""Takes in the journals of processes that are gone, through the same capture code as live events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from threadline.capture.events import CaptureEvent, decode_body, decode_event
from threadline.capture.joiner import Joiner
from threadline.capture.journal_keeper import LOST_BODY
from threadline.capture.settling import Origin, Settler
from threadline.errors import StoreError
from threadline.store.journal import ORIGIN, OrphanedJournals, claim_orphans, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.clock import Clock
    from threadline.model.message import Body

_GROUP = 256


def take_in(folder: Path, settler: Settler, clock: Clock) -> int:
    """Store what processes that are gone have left, and delete their journals.

    Args:
        folder: Where the journals of the store are.
        settler: Writes to the store.
        clock: Tells the time of the taking-in.

    Returns:
        How many turns were taken in. Journals that cannot be stored now stay.
    """
    return sum(_take_in(orphans, settler, clock) for orphans in claim_orphans(folder))


def _take_in(orphans: OrphanedJournals, settler: Settler, clock: Clock) -> int:
    joiner = Joiner()
    bodies: dict[bytes, bytes] = {}
    decoded: dict[bytes, Body] = {}

    def find(digest: bytes) -> Body:
        if digest not in decoded:
            data = bodies.get(digest)
            decoded[digest] = LOST_BODY if data is None else decode_body(data)
        return decoded[digest]

    try:
        for event in _events(orphans, bodies):
            if isinstance(event, Origin):
                settler = settler.for_origin(event)
            else:
                joiner.feed(event, None, 0.0)
        turns = joiner.take_whole(0.0, close=True)
        for start in range(0, len(turns), _GROUP):
            settler.settle(turns[start : start + _GROUP], [], find, clock.now_ns())
        if joiner.notes:
            settler.settle([], joiner.notes, find, clock.now_ns())
    except (OSError, StoreError):
        orphans.release()
        return 0
    orphans.remove()
    return len(turns)


def _events(
    orphans: OrphanedJournals, bodies: dict[bytes, bytes]
) -> Iterator[CaptureEvent | Origin]:
    for path in orphans.paths:
        for data, *pieces in read_journal(path):
            if data == ORIGIN:
                yield msgspec.json.decode(pieces[1], type=Origin)
                continue
            bodies.update(zip(pieces[::2], pieces[1::2], strict=False))
            try:
                yield decode_event(data)
            except msgspec.MsgspecError:
                continue  # of another version, or damaged in a way that the checksum did not see
