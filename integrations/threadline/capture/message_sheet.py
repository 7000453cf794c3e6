"""The messages that a turn adds to its conversation, and where all others stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.model.message import Body
from threadline.model.parts import TextPart
from threadline.store.framework_ids import pack_framework_id
from threadline.store.positions import write_positions
from threadline.store.schema import KINDS, ROLES, code_of
from threadline.store.values import pack_body

if TYPE_CHECKING:
    from collections.abc import Collection

    from threadline.capture.bodies import BodySource
    from threadline.capture.events import Ref
    from threadline.capture.sayings import Saying, Transcript
    from threadline.store.held import Held
    from threadline.store.rows import Rows

SAID: Final = KINDS.index("said")
PRELUDE: Final = KINDS.index("prelude")
CONTEXT: Final = KINDS.index("context")
_DELETED: Final = Body("", (TextPart("[deleted]"),))


class MessageSheet:
    """Writes messages of one turn (`row` is its row id) into `rows`.

    `gone` are digests of what was deleted: history that brings it back is kept without its words.
    """

    def __init__(
        self,
        held: Held,
        rows: Rows,
        bodies: BodySource,
        row: int,
        gone: Collection[bytes] = (),
    ) -> None:
        self._held = held
        self._rows = rows
        self._bodies = bodies
        self._row = row
        self._gone = gone

    def add_saying(self, saying: Saying, kind: int) -> None:
        """Add a message of the transcript and tell it its position."""
        saying.position = self.add(
            (saying.digest, saying.framework_id),
            kind,
            at_ns=saying.at_ns,
            partial=saying.partial,
            metadata='{"guessed":true}' if saying.guessed else None,
        )

    def add(
        self,
        ref: Ref,
        kind: int,
        *,
        at_ns: int | None = None,
        partial: bool = False,
        metadata: str | None = None,
    ) -> int:
        """Add a message and return its position."""
        digest, framework_id = ref
        body = self._bodies.get(digest)
        position = self._held.add(digest, body.role, kind, framework_id)
        text, parts = pack_body(
            _DELETED if digest in self._gone and kind != SAID else body, self._rows.shelf
        )
        self._rows.messages.append(
            (
                self._held.row_id(position),
                self._row if kind != PRELUDE else None,
                kind,
                code_of(body.role, ROLES),
                body.name,
                text,
                parts,
                bytearray(digest),
                pack_framework_id(framework_id),
                at_ns,
                1 if partial else None,
                metadata,
            )
        )
        return position

    def positions_of(self, refs: tuple[Ref, ...]) -> str | None:
        """Where a model call's messages are; what is nowhere yet is added as its context."""
        find, position = self._held.find, -1
        positions: list[int] = []
        for ref in refs:
            found = find(ref[0], position)
            position = self.add(ref, CONTEXT) if found is None else found
            positions.append(position)
        return write_positions(positions) or None

    def where(self, digest: bytes, transcript: Transcript) -> int | None:
        """Return where a message is: among what this turn said, else anywhere."""
        for saying in transcript.said:
            if saying.digest == digest:
                return saying.position
        return self._held.find(digest, -1)
