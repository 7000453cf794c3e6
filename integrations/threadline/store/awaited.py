"""Which tool calls of a conversation wait for a human's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.model.turn import Decision
from threadline.store.schema import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.store.held import Awaited

INTERRUPTED: Final = STATUSES.index("interrupted")
DECISIONS: Final = (
    "SELECT o.call_id, o.decision FROM turn t JOIN tool_observation o ON o.turn = t.id"
    " WHERE t.conversation = ?1 AND o.decision IS NOT NULL AND t.id > coalesce((SELECT max(id)"
    " FROM turn WHERE conversation = ?1 AND kind = 0 AND status NOT IN (?2, ?3)), 0)"
    " ORDER BY t.id, o.n"
)
"""What was decided and asked since the last turn that did not end in an interrupt."""

RUNNING: Final = STATUSES.index("running")


def still_awaited(rows: Iterable[tuple[Any, ...]]) -> list[Awaited]:
    """Return the calls that were asked about and not decided, from rows of `DECISIONS`."""
    waiting: dict[str | None, Awaited] = {}
    for call_id, data in rows:
        decision = _decode(data)
        waiting.pop(call_id, None)
        if decision.kind == "awaited":
            waiting[call_id] = (decision.interrupt_id or "", call_id)
    return list(waiting.values())


_decode: Final = msgspec.json.Decoder(Decision).decode
