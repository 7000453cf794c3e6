"""The spans of a turn on a page: a waterfall, and in each row what went in and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from threadline.model import BlobPart
from threadline.render.contents import message_content, span_contents
from threadline.render.page.markup import NOTHING, Markup, element, joined
from threadline.render.page.values import folded, part_block, words_block
from threadline.render.printable import one_line
from threadline.render.tree import branches, span_row
from threadline.render.values import counted
from threadline.render.when import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from threadline.model import Message, Span, Turn
    from threadline.render.entries import Content, SpanRow
    from threadline.render.page.shape import Shape

_WIDTH: Final = 1000
_THINNEST: Final = 4
_DEEPEST: Final = 12
_FEW: Final = 3
_START: Final = 60


def timeline(turn: Turn, *, shape: Shape) -> Markup:
    """Draw all spans of a turn, folded; nothing where it has none."""
    if not turn.spans:
        return NOTHING
    calls = len(turn.llm_calls)
    summary = counted(len(turn.spans), "span")
    if calls:
        summary += f", {counted(calls, 'model call')}"
    length = _length_ns(turn)
    rows = [_row(span, depth, turn, length, shape) for span, depth in branches(turn)]
    told = f"How it came about: {summary}"
    return folded(told, *rows, class_="trace", is_open=shape.opens_trace)


def span_block(span: Span, *, shape: Shape) -> Markup:
    """Draw one span by itself, with all that went in and came out."""
    row = span_row(span, start_ns=span.started_ns)
    return element(
        "article",
        element("header", element("h1", f"{row.kind} {row.name}"), _facts(row)),
        _failure(row),
        *_contents(span, shape),
        class_="conversation span",
    )


def _length_ns(turn: Turn) -> int:
    ends = [span.ended_ns or span.started_ns for span in turn.spans]
    return max(1, max([turn.ended_ns or 0, *ends]) - turn.started_ns)


def _row(span: Span, depth: int, turn: Turn, length: int, shape: Shape) -> Markup:
    row = span_row(span, start_ns=turn.started_ns)
    summary = joined(
        [
            element("span", row.kind, class_=f"kind {row.kind}"),
            element("bdi", row.name, class_="name"),
            element("span", row.status, class_=f"outcome {row.tone}") if row.status != "ok" else "",
            element("span", duration(row.duration_ns), class_="took"),
            element("span", " · ".join(row.details), class_="details"),
        ],
        Markup(" "),
    )
    bar = _bar(row, length)
    return element(
        "details",
        element("summary", element("span", summary, class_="what"), bar),
        _failure(row),
        *_contents(span, shape),
        class_=f"row d{min(depth, _DEEPEST)}",
    )


def _bar(row: SpanRow, length: int) -> Markup:
    start = min(_WIDTH - _THINNEST, _WIDTH * row.offset_ns // length)
    wide = _WIDTH * (row.duration_ns or 0) // length
    return element(
        "svg",
        element(
            "rect",
            x=str(start),
            y="0",
            width=str(max(_THINNEST, min(wide, _WIDTH - start))),
            height="10",
            rx="2",
            class_=f"{row.kind} {row.tone}",
        ),
        viewBox=f"0 0 {_WIDTH} 10",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_="bar",
    )


def _facts(row: SpanRow) -> Markup:
    facts = [row.status, duration(row.duration_ns), *row.details]
    return element("p", " · ".join(filter(None, facts)), class_="facts")


def _failure(row: SpanRow) -> Markup:
    return element("p", row.error, class_="note bad") if row.error else NOTHING


def _contents(span: Span, shape: Shape) -> Iterator[Markup]:
    if span.kind != "llm":
        yield from _sent(span.input_messages, shape)
    # without its input a model call says once that nothing was sent: there the input is drawn
    for content in span_contents(replace(span, input_messages=())):
        if content.what == "sent" and span.input_messages:
            yield from _sent(span.input_messages, shape)
        else:
            yield _content(content)
    for message in span.output_messages:
        yield from _pictures(message)


def _content(content: Content, *, anchor: str | None = None) -> Markup:
    label = joined([element("b", content.what), element("bdi", content.about)], Markup(" "))
    head = element("p", label, class_="label", id=anchor)
    return joined([head, words_block(content.text)])


def _sent(messages: Sequence[Message], shape: Shape) -> Iterator[Markup]:
    """Draw what a model was sent; long history that stands above is pointed at."""
    told: list[Message] = []
    for message in messages:
        is_above = message.id in shape.anchors
        if shape.is_pointed_at(message, is_above=is_above):
            told.append(message)
            continue
        yield _pointed_at(told, shape)
        told = []
        shape.place([message])  # from here on it stands above
        anchor = None if is_above else shape.anchors[message.id]
        yield _content(message_content("sent", message), anchor=anchor)
        yield from _pictures(message)
    yield _pointed_at(told, shape)


def _pictures(message: Message) -> Iterator[Markup]:
    return (part_block(part) for part in message.parts if isinstance(part, BlobPart))


def _pointed_at(told: list[Message], shape: Shape) -> Markup:
    if not told:
        return NOTHING
    above = [message for message in told if message.id in shape.anchors]
    ends = above if len(above) < _FEW else [above[0], above[-1]]
    links = [
        element("a", _start(message), href=f"#{shape.anchors[message.id]}") for message in ends
    ]
    left_out = len(told) - len(above)
    counts = [
        f"{counted(left_out, 'message')} of turns left out here" if left_out else "",
        f"{counted(len(above), 'message')} as said above" if above else "",
    ]
    what = joined([element("b", "sent"), " and ".join(filter(None, counts))], " ")
    return element("p", what, ": " if links else "", joined(links, " … "), class_="label")


def _start(message: Message) -> str:
    return f"{message.role}: {one_line(message.text, width=_START)}"
