"""Lists on a page: conversations, turns and places found, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.model import ConversationSummary, SearchHit, Turn
from threadline.render.page.markup import Markup, element, joined
from threadline.render.printable import one_line
from threadline.render.tree import status_tone
from threadline.render.values import counted
from threadline.render.when import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from threadline.render.page.shape import Shape

_WIDTH: Final = 160

Cell = tuple[str, str]


def list_block(items: Sequence[object], *, shape: Shape, more: bool = False) -> Markup:
    """Draw a list; what it may hold decides its columns.

    Args:
        items: Short forms of conversations, turns, or places found; anything else by its repr.
        shape: How it is drawn.
        more: Whether there is a next page.
    """
    if not items:
        return element("p", "Nothing found.", class_="note quiet")
    heads, row = _columns(items[0], shape)
    body = joined(_row(row(item)) for item in items)
    table = element("table", _head(heads), element("tbody", body), class_="listing")
    count = counted(len(items), "row") + (", and there is more" if more else "")
    return element("div", table, element("p", count, class_="facts"), class_="conversation")


def _columns(
    first: object, shape: Shape
) -> tuple[tuple[str, ...], Callable[[object], Iterable[Cell]]]:
    if isinstance(first, ConversationSummary):
        return _CONVERSATION_HEADS, lambda item: _conversation(item, shape)
    if isinstance(first, Turn):
        return _TURN_HEADS, lambda item: _turn(item, shape)
    if isinstance(first, SearchHit):
        return _HIT_HEADS, lambda item: _hit(item, shape)
    return ("",), lambda item: [("", one_line(repr(item), width=_WIDTH))]


def _head(names: Iterable[str]) -> Markup:
    cells = (element("th", name, scope="col") for name in names)
    return element("thead", element("tr", *cells))


def _row(cells: Iterable[Cell]) -> Markup:
    return element("tr", *(element("td", text, class_=kind or None) for kind, text in cells))


def _conversation(item: object, shape: Shape) -> Iterable[Cell]:
    if not isinstance(item, ConversationSummary):
        return []
    status = item.last_status.value if item.last_status else ""
    return [
        ("", element("bdi", one_line(item.thread_id, width=_WIDTH))),
        ("", shape.time(item.updated_ns)),
        ("number", f"{item.turn_count:,}"),
        ("number", f"{item.message_count:,}"),
        ("", element("span", status, class_=status_tone(status))),
        ("", element("bdi", item.user_id or "")),
        ("", element("bdi", one_line(item.title or item.preview, width=_WIDTH))),
    ]


def _turn(item: object, shape: Shape) -> Iterable[Cell]:
    if not isinstance(item, Turn):
        return []
    return [
        ("", shape.time(item.started_ns)),
        ("", element("bdi", one_line(item.thread_id, width=_WIDTH))),
        ("", element("span", item.status.value, class_=status_tone(item.status.value))),
        ("number", duration(item.duration_ns)),
        ("", element("bdi", one_line(item.input, width=_WIDTH))),
        ("", element("bdi", one_line(item.output, width=_WIDTH))),
    ]


def _hit(item: object, shape: Shape) -> Iterable[Cell]:
    if not isinstance(item, SearchHit):
        return []
    return [
        ("", element("bdi", one_line(item.thread_id, width=_WIDTH))),
        ("", shape.time(item.at_ns)),
        ("", item.role or ""),
        ("", element("bdi", one_line(item.snippet, width=_WIDTH))),
    ]


_CONVERSATION_HEADS: Final = ("thread", "last", "turns", "messages", "status", "user", "what")
_TURN_HEADS: Final = ("began", "thread", "status", "took", "asked", "answered")
_HIT_HEADS: Final = ("thread", "when", "who", "words")
