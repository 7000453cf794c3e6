"""Lists of message positions as short text: "4,0-3,7"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def write_positions(positions: Iterable[int]) -> str:
    """Write positions as ranges; what grows by one at a time takes a few bytes.

    Example:
        >>> write_positions([4, 0, 1, 2, 3, 7])
        '4,0-3,7'
    """
    ranges: list[str] = []
    first = last = -2
    for position in positions:
        if position == last + 1:
            last = position
            continue
        if last >= 0:
            ranges.append(str(first) if first == last else f"{first}-{last}")
        first = last = position
    if last >= 0:
        ranges.append(str(first) if first == last else f"{first}-{last}")
    return ",".join(ranges)


def read_positions(text: str | None) -> list[int]:
    """Read what `write_positions` wrote.

    Example:
        >>> read_positions("4,0-3,7")
        [4, 0, 1, 2, 3, 7]
    """
    positions: list[int] = []
    for piece in (text or "").split(","):
        first, dash, last = piece.partition("-")
        if dash:
            positions.extend(range(int(first), int(last) + 1))
        elif first:
            positions.append(int(first))
    return positions
