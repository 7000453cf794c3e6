"""Puts the turns of two or more sides that were asked the same beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from threadline.errors import ArgumentError
from threadline.model.comparison import ComparedInput, Comparison
from threadline.render.reading import pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.model import Turn
    from threadline.render.reading import Store

_BY: Final = ("tag", "model", "user_id", "tool", "thread_id")
_ALLOWED: Final = f"two or more values of one filter ({', '.join(_BY)}): tag=['a', 'b']"


def compared(store: Store, *, limit: int, **filters: Any) -> Comparison:
    """Compare by the one filter that has several values; the others narrow all sides down.

    Args:
        store: Where to read.
        limit: Of the newest turns of each side at most so many are looked at.
        **filters: Those of the store's lists.

    Raises:
        ArgumentError: if not exactly one filter names several different values.
    """
    several = {name: _sides(filters[name]) for name in _BY if _sides(filters.get(name))}
    sides = next(iter(several.values()), ())
    if len(several) != 1 or len(set(sides)) != len(sides) or len(sides) < len("ab"):
        named = ", ".join(several) or "nothing"
        raise ArgumentError(argument="compare by", value=named, allowed=_ALLOWED)
    by = next(iter(several))
    found = [_turns(store, limit, {**filters, by: side}) for side in sides]
    newest = [{_asked(turn): turn for turn in turns} for turns in found]
    order = sorted((turn for turns in found for turn in turns), key=lambda turn: turn.started_ns)
    words = {_asked(turn): turn.input for turn in reversed(order)}
    inputs = [
        ComparedInput(words[asked], tuple(side.get(asked) for side in newest))
        for asked in dict.fromkeys(map(_asked, order))
        if asked
    ]
    inputs.sort(key=lambda one: not one.is_whole)
    is_cut = any(len(turns) == limit for turns in found)
    return Comparison(by=by, sides=sides, inputs=tuple(inputs), is_cut=is_cut)


def _sides(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(map(str, cast("Sequence[object]", value)))


def _turns(store: Store, limit: int, filters: dict[str, Any]) -> list[Turn]:
    """Return the newest turns, the oldest first."""
    return [turn for page in pages(store.turns, limit=limit, **filters) for turn in page][::-1]


def _asked(turn: Turn) -> str:
    """What counts as the same input: the words, whatever lies between them."""
    return " ".join(turn.input.split()).casefold()
