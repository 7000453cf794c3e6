"""Compares two turns or two spans: what was asked, sent, done and answered, line by line."""

from __future__ import annotations

import difflib
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from threadline.model.difference import Compared, Difference, Line
from threadline.render.contents import span_contents
from threadline.render.notes import failure_text
from threadline.render.printable import one_line, printable
from threadline.render.values import call_text, counted, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from threadline.model import Span, ToolObservation, Turn
    from threadline.render.entries import Content

_AROUND: Final = 2
_LINES: Final = 5_000
_WIDTH: Final = 1_000


def compared_turns(first: Turn, second: Turn) -> Difference:
    """Compare the words, the tools and, call by call, what the models were sent and said."""
    compared = [
        _compared("asked", _lines(first.input), _lines(second.input)),
        _compared("tools", _tools(first), _tools(second)),
        _compared("answered", _lines(first.output), _lines(second.output)),
    ]
    for number, pair in enumerate(zip_longest(first.llm_calls, second.llm_calls), 1):
        compared.extend(_compared_spans(*pair, prefix=f"model call {number}: "))
    return Difference(
        first=one_line(f"turn {first.id}", width=_WIDTH),
        second=one_line(f"turn {second.id}", width=_WIDTH),
        compared=tuple(compared),
    )


def compared_spans(first: Span, second: Span) -> Difference:
    """Compare what went into two spans, such as model calls, and what came out."""
    return Difference(
        first=one_line(f"{first.kind} {first.name} {first.id}", width=_WIDTH),
        second=one_line(f"{second.kind} {second.name} {second.id}", width=_WIDTH),
        compared=tuple(_compared_spans(first, second, prefix="")),
    )


def _compared_spans(first: Span | None, second: Span | None, *, prefix: str) -> Iterator[Compared]:
    before = [] if first is None else list(span_contents(first))
    after = [] if second is None else list(span_contents(second))
    for what in dict.fromkeys(content.what for content in [*before, *after]):
        yield _compared(prefix + what, _told(before, what), _told(after, what))


def _told(contents: list[Content], what: str) -> list[str]:
    lines: list[str] = []
    for content in contents:
        if content.what == what:
            lines.extend([f"[{content.about}]"] if content.about else [])
            lines.extend(content.text.split("\n"))
    return lines


def _tools(turn: Turn) -> list[str]:
    return [line for seen in turn.tool_observations for line in _tool(seen)]


def _tool(seen: ToolObservation) -> Iterator[str]:
    call = one_line(call_text(seen.name, seen.arguments), width=_WIDTH)
    yield f"{call} {seen.outcome.replace('_', ' ')}"
    result = failure_text(seen.error) if seen.error else value_text(seen.result)
    yield from (f"    {line}" for line in _lines(result))


def _lines(text: str) -> list[str]:
    return printable(text).split("\n") if text else []


def _compared(what: str, before: Sequence[str], after: Sequence[str]) -> Compared:
    a, b = before[:_LINES], after[:_LINES]
    lines: list[Line] = []
    for name, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if name == "equal":
            lines.extend(_same(a[a1:a2]))
        else:
            lines.extend(Line("gone", text) for text in a[a1:a2])
            lines.extend(Line("new", text) for text in b[b1:b2])
    lines.extend(_beyond(before[_LINES:], after[_LINES:]))
    return Compared(what, tuple(lines))


def _beyond(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    """Tell of what is too long to be compared line by line that it differs, and how long it is."""
    if before != after:
        yield Line("gone", f"… and {counted(len(before), 'more line')}")
        yield Line("new", f"… and {counted(len(after), 'more line')}")


def _same(lines: Sequence[str]) -> Iterator[Line]:
    left_out = len(lines) - 2 * _AROUND
    if left_out <= 1:
        yield from (Line("same", text) for text in lines)
        return
    yield from (Line("same", text) for text in lines[:_AROUND])
    yield Line("skipped", counted(left_out, "line") + " the same")
    yield from (Line("same", text) for text in lines[-_AROUND:])
