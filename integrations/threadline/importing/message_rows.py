"""Messages from elsewhere as rows of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.ids import derived_uuid
from threadline.model import Message, Rating, TextPart
from threadline.model.message import Body
from threadline.store.framework_ids import pack_framework_id
from threadline.store.schema import KINDS, ROLES, code_of
from threadline.store.values import pack_body, pack_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from threadline.importing.layout import Layout, Placed
    from threadline.model import Turn
    from threadline.store.held import Held
    from threadline.store.rows import Rows

SAID: Final = KINDS.index("said")
PRELUDE: Final = KINDS.index("prelude")
CONTEXT: Final = KINDS.index("context")
_DELETED: Final = Body("", (TextPart("[deleted]"),))
_THUMB: Final = "rating"


class MessageSheet:
    """Writes the messages of one conversation into `rows`.

    Args:
        held: The conversation.
        rows: Where to write.
        seal: Gives the digest of a body.
        turn_rows: The row of each turn, by its id.
    """

    def __init__(
        self,
        held: Held,
        rows: Rows,
        seal: Callable[[Body], bytes],
        turn_rows: dict[str, int],
    ) -> None:
        self._held = held
        self._rows = rows
        self._seal = seal
        self._turn_rows = turn_rows

    def add(
        self, layout: Layout, *, prelude: Collection[str], gone: Callable[[Body], bool]
    ) -> None:
        """Add every message at its position; what lies between is filled, for places are counted.

        Args:
            layout: Where they go.
            prelude: The ids of those that were said before anybody listened.
            gone: Tells which may not come back, because they were deleted.
        """
        said = {message.id for turn in layout.settled for message in turn.messages}
        traces = {turn.id: turn for turn in layout.settled if turn.kind == "trace"}
        for placed in layout.placed:
            while self._held.next_position < placed.position:
                self._fill()
            message, is_said = placed.message, placed.message.id in said
            trace = traces.get(placed.turn or "")
            kind = CONTEXT
            if is_said and trace is None:
                kind = SAID
            elif placed.turn is None and message.id in prelude:
                kind = PRELUDE
            at_ns = message.at_ns if is_said else None
            if is_said and trace is not None and at_ns is None:
                at_ns = trace.started_ns  # it is the time that tells it from what models only saw
            self._add(placed, kind, at_ns, hidden=kind != SAID and gone(message.body))

    def _add(self, placed: Placed, kind: int, at_ns: int | None, *, hidden: bool) -> None:
        message = placed.message
        digest = self._seal(message.body)
        text, parts = pack_body(_DELETED if hidden else message.body, self._rows.shelf)
        self._held.add(digest, message.role, kind, message.framework_id)
        self._rows.messages.append(
            (
                self._held.row_id(placed.position),
                None if placed.turn is None else self._turn_rows[placed.turn],
                kind,
                code_of(message.role, ROLES),
                message.name,
                text,
                parts,
                digest,
                pack_framework_id(message.framework_id),
                at_ns,
                1 if message.partial else None,
                pack_value(message.metadata, self._rows.shelf) if message.metadata else None,
            )
        )

    def _fill(self) -> None:
        position = self._held.add(b"", "", CONTEXT, None)
        row = self._held.row_id(position)
        self._rows.messages.append(
            (row, None, CONTEXT, "", None, "", None, b"", None, None, None, None)
        )


def ratings_shown(turn: Turn) -> Iterator[Rating]:
    """Yield the ratings that messages show and that no rating of their turn tells of."""
    told = {
        (rating.message_id, rating.value)
        for rating in turn.ratings
        if rating.name == _THUMB and rating.span_id is None
    }
    for message in turn.messages:
        value = message.rating
        if value is not None and not told & {(message.id, value), (None, value)}:
            yield _rating(message, turn, value)


def _rating(message: Message, turn: Turn, value: float) -> Rating:
    at_ns = message.at_ns if message.at_ns is not None else turn.started_ns
    return Rating(
        id=str(derived_uuid(turn.id, "rating", message.id)),
        at_ns=at_ns,
        value=value,
        thread_id=turn.thread_id,
        turn_id=turn.id,
        message_id=message.id,
    )
