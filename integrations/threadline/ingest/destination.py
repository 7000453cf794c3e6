"""What a destination is: it maps records to a wire format and makes one try.

Everything else (when to try, what to do after a failure, the order) is the sender's business. To
write one of your own, give it these members and either pass it to `threadline.configure`, or name
it in an entry point of the group `threadline.destinations` (a callable without arguments).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from threadline.model.turn import Turn
from threadline.store.outbox_records import ConversationFacts, Shipped

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ConversationFacts",
    "Delivered",
    "Destination",
    "Item",
    "Later",
    "Outcome",
    "Rejected",
]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One record that is to be delivered.

    `kind` is `turn`, `trace`, `rating`, `feedback` or `event`; `id` is the record's own and the
    same in every try. `tries` counts the earlier ones; `is_uncertain` tells that nobody knows what
    came of the last, so that a destination that can look up what it has should do so first.
    `conversation` is None for a note about something that this store does not hold; `about` is the
    turn that a rating of a message or a span is about, where this store holds it.

    `receipt` is what the destination gave back for this record, or for the turn that a note is
    about; `conversation_receipt`, what it gave back for the conversation.
    """

    kind: str
    id: str
    record: Shipped
    conversation: ConversationFacts | None = None
    about: Turn | None = None
    tries: int = 0
    is_uncertain: bool = False
    receipt: Mapping[str, Any] = {}
    conversation_receipt: Mapping[str, Any] = {}


class Delivered(msgspec.Struct, frozen=True):
    """The destination has the record.

    Args:
        receipt: What is needed of its answer later, such as ids; kept with the record.
        conversation_receipt: Likewise, kept with the conversation.
    """

    receipt: Mapping[str, Any] = {}
    conversation_receipt: Mapping[str, Any] = {}


class Later(msgspec.Struct, frozen=True):
    """The record can be delivered later; if all items of a try say so, the destination is down.

    Args:
        reason: What went wrong, without content and without credentials.
        after_s: How long the destination asked to be left alone.
        is_known: Whether it is certain that the destination did not take the record.
        of_record: Whether that says something of this record alone, and the destination is well.
    """

    reason: str
    after_s: float | None = None
    is_known: bool = False
    of_record: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """The destination will never take this record.

    If all of several items say so, halves of them are tried again, to find out which it is.

    Args:
        reason: What was wrong, without content and without credentials.
        is_final: Whether it is known to be no use, or wrong, to try halves: each is put aside.
    """

    reason: str
    is_final: bool = False


Outcome = Delivered | Later | Rejected


class Destination(Protocol):
    """A system that records are shipped to. One thread at a time calls it.

    One that has a number `settle_s` gets a record whose last outcome nobody knows again only so
    many seconds after that try: until then it may still be at work on it.
    """

    @property
    def name(self) -> str:
        """The name under which the outbox keeps its rows; no two may be the same."""
        ...

    @property
    def batch_items(self) -> int:
        """How many items it takes at once."""
        ...

    def send(self, items: Sequence[Item], *, timeout_s: float) -> Sequence[Outcome]:
        """Make one try, and tell of each item what became of it, in their order.

        Items of one conversation come in order. An exception counts as `Later` for all.

        Args:
            items: One or more, at most `batch_items`.
            timeout_s: After how long to give up.
        """
        ...

    def check(self, *, timeout_s: float) -> str | None:
        """Find out, without delivering anything, what is wrong; None if nothing is."""
        ...

    def close(self) -> None:
        """Let go of what is open; a later use opens it again."""
        ...
