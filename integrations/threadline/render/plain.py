"""A conversation as a few lines of text, where neither a page nor colours can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.model import Conversation, Span, Turn
from threadline.model.comparison import Comparison
from threadline.model.difference import Difference
from threadline.render.notes import status_note
from threadline.render.printable import one_line, printable
from threadline.render.tree import span_row
from threadline.render.values import counted
from threadline.render.when import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.model import Page

_WIDTH: Final = 200
_NEWEST: Final = 20
_LONGEST: Final = 2000


def text_of(thing: Conversation | Turn | Span | Difference | Comparison | Page[object]) -> str:
    """Tell what something is and what was said in it, every text printable.

    Example:
        >>> text_of(Conversation(thread_id="t-1"))
        'conversation t-1: 0 turns, 0 messages'
    """
    return "\n".join(_lines(thing))


def _lines(
    thing: Conversation | Turn | Span | Difference | Comparison | Page[object],
) -> Iterator[str]:
    if isinstance(thing, Conversation):
        yield from _conversation(thing)
    elif isinstance(thing, Turn):
        yield from _turn(thing)
    elif isinstance(thing, Difference | Comparison):
        yield printable(str(thing))
    elif isinstance(thing, Span):
        row = span_row(thing, start_ns=thing.started_ns)
        yield " · ".join([f"{row.kind} {row.name}", row.status, duration(row.duration_ns)])
    else:
        yield counted(len(thing), "row") + (", and there is more" if thing.cursor else "")
        yield from (one_line(repr(item), width=_WIDTH) for item in thing[:_NEWEST])


def _conversation(thing: Conversation) -> Iterator[str]:
    turns = [turn for turn in thing.turns if turn.kind == "turn"]
    counts = f"{counted(len(turns), 'turn')}, {counted(len(thing.messages), 'message')}"
    yield f"conversation {one_line(thing.thread_id, width=_WIDTH)}: {counts}"
    for turn in turns[-_NEWEST:]:
        yield from _turn(turn)


def _turn(turn: Turn) -> Iterator[str]:
    for message in turn.messages:
        if message.text:
            words = printable(message.text[:_LONGEST]).replace("\n", "\n    ")
            yield f"{one_line(message.role, width=_WIDTH)} | {words}"
    yield from (f"({note.text})" for note in status_note(turn))
