"""The spans of a turn as a tree: how the transcript came about, with times and tokens."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from threadline.render.contents import span_contents
from threadline.render.entries import SpanRow
from threadline.render.notes import failure_text
from threadline.render.printable import one_line
from threadline.render.values import counted, usage_text
from threadline.render.when import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.model import Prompt, Span, Turn
    from threadline.render.entries import Tone

_WIDTH: Final = 200
_DEEPEST: Final = 24


def span_rows(turn: Turn, *, full: bool = False) -> list[SpanRow]:
    """Lay the spans of a turn out as a tree, in the order they started.

    A span whose parent is unknown stands at the top, and so does one in a circle of parents:
    every span is shown once, whatever was recorded.

    Args:
        turn: The turn.
        full: Whether the rows tell what went into the spans and what came out.
    """
    children = _children(turn.spans)
    rows: list[SpanRow] = []
    seen: set[str] = set()
    for root in [*children[None], *turn.spans]:
        for span, branch, rail, _ in _subtree(root, children, seen):
            row = replace(span_row(span, start_ns=turn.started_ns), branch=branch, rail=rail)
            rows.append(replace(row, contents=span_contents(span)) if full else row)
    return rows


def branches(turn: Turn) -> Iterator[tuple[Span, int]]:
    """Yield each span of a turn once, as `span_rows` orders them, and how deep it stands."""
    children = _children(turn.spans)
    seen: set[str] = set()
    for root in [*children[None], *turn.spans]:
        for span, _, _, depth in _subtree(root, children, seen):
            yield span, depth


def _children(spans: tuple[Span, ...]) -> defaultdict[str | None, list[Span]]:
    known = {span.id for span in spans}
    children: defaultdict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.started_ns):
        children[span.parent_id if span.parent_id in known else None].append(span)
    return children


def _subtree(
    root: Span,
    children: defaultdict[str | None, list[Span]],
    seen: set[str],
) -> Iterator[tuple[Span, str, str, int]]:
    waiting = [(root, "", "", 0)]
    while waiting:
        span, branch, rail, depth = waiting.pop()
        if span.id in seen:
            continue
        seen.add(span.id)
        below = [child for child in children[span.id] if child.id not in seen]
        yield span, branch, rail + ("│ " if below else "  "), depth
        for index, child in enumerate(reversed(below)):
            last = index == 0
            lead = rail if depth < _DEEPEST else rail[: 3 * _DEEPEST]
            waiting.append(
                (
                    child,
                    lead + ("└─ " if last else "├─ "),
                    lead + ("   " if last else "│  "),
                    depth + 1,
                )
            )


def span_row(span: Span, *, start_ns: int) -> SpanRow:
    """Tell of a span what fits on one line; it stands at no place of a tree yet."""
    return SpanRow(
        branch="",
        rail="",
        name=one_line(span.name, width=_WIDTH) or span.kind,
        kind=span.kind,
        offset_ns=max(0, span.started_ns - start_ns),
        duration_ns=span.duration_ns,
        details=tuple(one_line(detail, width=_WIDTH) for detail in _details(span) if detail),
        status=span.status,
        tone=status_tone(span.status),
        error=one_line(failure_text(span.error), width=2 * _WIDTH) if span.error else "",
    )


def _details(span: Span) -> list[str]:
    first = span.time_to_first_chunk_ns
    finish = span.finish_reason or ""
    found = counted(len(span.documents), "document") if span.kind == "retriever" else ""
    return [
        span.model if span.model and span.model != span.name else "",
        usage_text(span.usage),
        f"first chunk {duration(first)}" if first is not None else "",
        _prompt_text(span.prompt),
        found,
        "" if finish in _USUAL_ENDS else f"ended by {finish}",
    ]


def _prompt_text(prompt: Prompt | None) -> str:
    if prompt is None or not prompt.name:
        return ""
    return f"prompt {prompt.name}" + (f" v{prompt.version}" if prompt.version else "")


def status_tone(status: str) -> Tone:
    """Return the tone in which the status of a span or a turn is told."""
    return _TONES.get(status, "warn")


_USUAL_ENDS: Final = frozenset({"", "stop", "end_turn", "tool_calls", "tool_use", "STOP"})
_TONES: Final[dict[str, Tone]] = {"ok": "good", "error": "bad", "running": "quiet"}
