"""Tables without lines: columns as wide as what is in them, and a last one that takes the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from threadline.render.cells import cells, cut, padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.cli.paint import Piece
    from threadline.cli.session import Session

Row = tuple["Piece", ...]

_GAP: Final = "  "
_LEAST_REST: Final = 24


class Column(NamedTuple):
    """One column of short texts, to the right for numbers."""

    title: str
    right: bool = False


class _Layout(NamedTuple):
    places: tuple[int, ...]
    widths: tuple[int, ...]
    rights: tuple[bool, ...]
    below: tuple[int, ...]
    """Places of what goes to a line of its own, below, for want of space."""

    room: int | None
    """What is left for the last column; None where there is no screen to fit it to."""


def draw_table(session: Session, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Write a table; its last column is cut to the space that is left.

    Columns in which nothing stands are left out. Where the screen leaves too little, the last ones
    go to a line of their own. Where there is no screen, nothing is cut.
    """
    layout = _layout(session, columns, rows)
    titles = tuple((column.title, "dim") for column in columns)
    session.line(*_pieces(layout, titles))
    for row in rows:
        session.line(*_pieces(layout, row))
        below = " · ".join(row[place][0] for place in layout.below if row[place][0])
        if below:
            session.line((cut(_GAP + below, width=session.width), row[-1][1]))


def _layout(session: Session, columns: Sequence[Column], rows: Sequence[Row]) -> _Layout:
    last = len(columns) - 1
    widths = [max(cells(row[place][0]) for row in rows) for place in range(last)]
    shown = [place for place in range(last) if widths[place]]
    sizes = {place: max(widths[place], cells(columns[place].title)) for place in shown}
    below: list[int] = []
    room: int | None = None
    if session.has_screen:
        room = session.width - sum(sizes[place] + len(_GAP) for place in shown)
        if room < _LEAST_REST:
            below.append(last)
        while len(shown) > 1 and room < -len(_GAP):
            below.insert(0, shown.pop())
            room += sizes[below[0]] + len(_GAP)
    places = tuple(shown) if last in below else (*shown, last)
    return _Layout(
        places,
        tuple(sizes.get(place, 0) for place in places),
        tuple(columns[place].right for place in places),
        tuple(below),
        room,
    )


def _pieces(layout: _Layout, row: Row) -> list[Piece]:
    pieces = [
        (padded(row[place][0], width=width, right=right) + _GAP, row[place][1])
        for place, width, right in zip(layout.places, layout.widths, layout.rights, strict=True)
    ]
    if not layout.below:
        text, style = row[-1]
        pieces[-1] = (text if layout.room is None else cut(text, width=layout.room), style)
    return _trimmed(pieces)


def _trimmed(pieces: list[Piece]) -> list[Piece]:
    while pieces and not pieces[-1][0].strip():
        pieces.pop()
    if pieces:
        text, style = pieces[-1]
        pieces[-1] = (text.rstrip(), style)
    return pieces
