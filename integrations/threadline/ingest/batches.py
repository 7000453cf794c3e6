"""Which of the waiting rows may be sent now, in batches that keep each conversation's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.store.outbox import OutboxRow


_LOOK_NS: Final = 100_000_000
"""How soon to look again whether other processes have stored what ended before."""


class Batches:
    """The plan of one round: hands out what is due, and nothing before what stands before it.

    Args:
        rows: What waits, in the order in which it is to be sent.
        now_ns: What time it is.
        settle_ns: How long to leave a row alone after a try of which nobody knows what came.
        stored_ns: Until when everything that ended is stored, whatever process recorded it; None
            for all there is. Of a conversation, nothing later is sent.
    """

    def __init__(
        self,
        rows: Sequence[OutboxRow],
        now_ns: int,
        settle_ns: int = 0,
        stored_ns: int | None = None,
    ) -> None:
        self._due: list[OutboxRow] = []
        self._next = 0
        self._blocked: set[int | bytes | str] = set()
        self.next_due_ns: int | None = None
        self.has_given = False
        self.awaits_others = False
        for row in rows:
            if row.order_key in self._blocked:
                continue
            due_ns = max(row.due_ns, row.tried_ns + settle_ns if row.tried_ns else 0)
            if stored_ns is not None and _may_come_after(row, stored_ns, now_ns):
                self.awaits_others = True
                due_ns = max(due_ns, now_ns + _LOOK_NS)
            if due_ns <= now_ns:
                self._due.append(row)
            else:
                self.block(row, due_ns)

    def take(self, count: int) -> list[OutboxRow]:
        """Return the next rows to send, at most `count`; none when the round is over."""
        taken: list[OutboxRow] = []
        while self._next < len(self._due) and len(taken) < count:
            row = self._due[self._next]
            self._next += 1
            if row.order_key not in self._blocked:
                taken.append(row)
        self.has_given = self.has_given or bool(taken)
        return taken

    def block(self, row: OutboxRow, due_ns: int) -> None:
        """Send nothing more of the conversation of `row` in this round: it comes later."""
        self._blocked.add(row.order_key)
        self.next_due_ns = min(due_ns, self.next_due_ns or due_ns)


def _may_come_after(row: OutboxRow, stored_ns: int, now_ns: int) -> bool:
    """Tell whether something of its conversation may have ended before it and not be stored.

    What is dated in the future (by whoever logged it) is not waited for: that time may never come.
    """
    return row.conversation is not None and stored_ns < row.at_ns <= now_ns
