"""Which messages of a conversation newer branches have left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from threadline.store.turn_rows import TurnRow


def left_behind(turns: Sequence[TurnRow], said: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the positions that are not on the newest branch.

    Args:
        turns: The turns of a conversation.
        said: Where the messages of each turn are, by its row.
    """
    if all(turn.branch_at is None for turn in turns):
        return []
    before: dict[int, int | None] = {}
    tip: int | None = None
    for turn in sorted(turns, key=lambda turn: turn.first_position or 0):
        places = said.get(turn.id, ()) if turn.kind == 0 else ()
        if places and turn.branch_at is not None:
            tip = turn.branch_at
        for position in places:
            before[position], tip = tip, position
    newest: set[int] = set()
    while tip is not None and tip not in newest:
        newest.add(tip)
        tip = before.get(tip)
    return sorted(before.keys() - newest)
