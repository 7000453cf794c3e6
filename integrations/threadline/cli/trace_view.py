"""How the turns of a conversation came about, on a terminal: each turn's spans as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.cli.chat_view import (
    draw_asked_again,
    draw_heading,
    draw_notes,
    draw_turn_rule,
)
from threadline.cli.paint import tone_sign
from threadline.render.cells import cells, cut, padded, wrapped
from threadline.render.chat import Shape, chat_view
from threadline.render.printable import one_line
from threadline.render.tree import span_rows
from threadline.render.when import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.cli.paint import Piece
    from threadline.cli.session import Session
    from threadline.model import Conversation, Turn
    from threadline.render.entries import Content, SpanRow

_INDENT: Final = "  "
_WIDEST_NAME: Final = 48
_DETAILS: Final = 34
_READABLE: Final = 100


def draw_trace(session: Session, conversation: Conversation, *, full: bool) -> None:
    """Write the span tree of every turn, side calls too.

    Args:
        session: Where to write.
        conversation: What to write.
        full: Whether to write what went into the spans and what came out, whole.
    """
    view = chat_view(conversation, shape=Shape())
    draw_heading(session, view)
    for turn, turn_view in zip(conversation.turns, view.turns, strict=True):
        session.line()
        draw_turn_rule(session, turn_view)
        said = one_line(turn.input, width=min(session.width, _READABLE) - len(_INDENT) - 2)
        if said:
            session.line((f"{_INDENT}“{said}”", "plain"))
        draw_asked_again(session, turn_view)
        session.line()
        _draw_spans(session, turn, full=full)
        draw_notes(session, turn_view.notes)


def _draw_spans(session: Session, turn: Turn, *, full: bool) -> None:
    rows = span_rows(turn, full=full)
    if not rows:
        session.line((f"{_INDENT}no spans were recorded", "dim"))
        return
    widest = max(cells(row.branch + _label(row)) for row in rows)
    width = widest
    if session.has_screen:
        width = min(widest, _WIDEST_NAME, max(16, session.width - _DETAILS - len(_INDENT)))
    starts = _column([_offset(row) for row in rows])
    lengths = _column([duration(row.duration_ns) for row in rows])
    for row, start, length in zip(rows, starts, lengths, strict=True):
        _draw_span(session, row, width, f"{start}  {length}")
        for content in row.contents:
            _draw_content(session, row, content)


def _draw_span(session: Session, row: SpanRow, width: int, times: str) -> None:
    name = cut(row.name, width=max(4, width - cells(row.branch) - cells(row.kind) - 1))
    kind = "" if row.kind == row.name else f" {row.kind}"
    gap = " " * max(0, width - cells(row.branch + name + kind))
    status = "" if row.status in {"ok", "error"} else row.status
    details = " · ".join(filter(None, (status, *row.details)))
    sign: Piece = (f"  {tone_sign(row.tone)}", row.tone)
    used = len(_INDENT) + width + len(_INDENT) + cells(times) + len("  ✓  ")
    is_beside = not session.has_screen or cells(details) <= session.width - used
    beside = f"  {details}" if details and is_beside else ""
    pieces: list[Piece] = [(_INDENT + row.branch, "dim"), (name, "plain"), (kind, "dim")]
    session.line(*pieces, (f"{gap}{_INDENT}{times}", "plain"), sign, (beside, "dim"))
    if not is_beside:
        _draw_below(session, row, details, "dim")
    _draw_below(session, row, row.error, "bad")


def _draw_content(session: Session, row: SpanRow, content: Content) -> None:
    """Write one thing that a span was given or gave: a short one beside its name, else below."""
    rail = f"{_INDENT}{row.rail}"
    name = f"{content.what} {content.about}".rstrip()
    text = content.text
    is_beside = not content.about and "\n" not in text
    room = _room(session, rail)
    if is_beside and cells(f"{name}  {text}") <= room:
        session.line((rail, "dim"), (name, "tool"), (f"  {text}", "plain"))
        return
    for line in wrapped(name, width=room):
        session.line((rail, "dim"), (line, "tool"))
    for line in wrapped(text, width=room - len(_INDENT)) if text else ():
        session.line((f"{rail}{_INDENT}", "dim"), (line, "plain"))


def _draw_below(session: Session, row: SpanRow, text: str, style: str) -> None:
    rail = f"{_INDENT}{row.rail}"
    for line in wrapped(text, width=_room(session, rail)) if text else ():
        session.line((rail, "dim"), (line, style))


def _room(session: Session, rail: str) -> int:
    return max(20, min(session.width, _READABLE) - cells(rail))


def _label(row: SpanRow) -> str:
    return row.name if row.kind == row.name else f"{row.name} {row.kind}"


def _offset(row: SpanRow) -> str:
    return f"+{duration(row.offset_ns)}"


def _column(texts: Sequence[str]) -> list[str]:
    width = max(cells(text) for text in texts)
    return [padded(text, width=width, right=True) for text in texts]
