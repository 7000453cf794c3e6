"""One try at a destination: what it answers, whatever it does, and what follows from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from threadline.ids import unpack_id
from threadline.ingest.destination import Delivered, Item, Later, Rejected
from threadline.store.receipts import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.ingest.destination import Destination, Outcome
    from threadline.store.outbox import OutboxRow
    from threadline.store.outbox_records import OutboxRecord
    from threadline.store.receipts import Receipts

_MOST_OF_A_REASON: Final = 500


def item_of(row: OutboxRow, found: OutboxRecord, receipts: Receipts = NONE) -> Item:
    """Return what a destination gets of a row."""
    return Item(
        kind=row.kind,
        id=unpack_id(row.record_id),
        record=found.record,
        conversation=found.conversation,
        about=found.about,
        tries=row.attempts,
        is_uncertain=row.tried_ns > 0,
        receipt=receipts.record,
        conversation_receipt=receipts.conversation,
    )


def try_once(destination: Destination, items: Sequence[Item], timeout_s: float) -> list[Outcome]:
    """Let a destination try; whatever it does, there is one outcome for each item."""
    try:
        outcomes = [_shortened(told) for told in destination.send(items, timeout_s=timeout_s)]
    except Exception as error:  # noqa: BLE001 (it may be anybody's code; its words may be secret)
        return [Later(_named(error))] * len(items)
    if len(outcomes) != len(items):
        return [Later("the destination did not tell of every item")] * len(items)
    return outcomes


def check_once(destination: Destination, timeout_s: float) -> str | None:
    """Let a destination find out what is wrong with it; whatever it does, that is an answer."""
    try:
        told = destination.check(timeout_s=timeout_s)
        destination.close()
    except Exception as error:  # noqa: BLE001 (it may be anybody's code; its words may be secret)
        return _named(error)
    return told


def refused_whole(outcomes: Sequence[Outcome]) -> bool:
    """Tell whether a batch was refused, so that its halves are to be tried."""
    return len(outcomes) > 1 and all(isinstance(o, Rejected) and not o.is_final for o in outcomes)


def failed_whole(outcomes: Sequence[Outcome]) -> Later | None:
    """Return why the destination is down: nothing could be delivered or was refused."""
    waiting = [outcome for outcome in outcomes if isinstance(outcome, Later)]
    if len(waiting) < len(outcomes):
        return None
    return next((outcome for outcome in waiting if not outcome.of_record), None)


def _named(error: Exception) -> str:
    return f"{type(error).__name__} in the destination's own code"


def _shortened(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Delivered) or len(outcome.reason) <= _MOST_OF_A_REASON:
        return outcome
    return replace(outcome, reason=outcome.reason[:_MOST_OF_A_REASON])
