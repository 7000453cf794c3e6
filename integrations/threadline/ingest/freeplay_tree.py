"""Which spans of a turn are objects at Freeplay, and below which others they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threadline.ingest.freeplay_ids import FreeplayIds
    from threadline.model.span import Span
    from threadline.model.turn import Turn

_STEPS: Final = frozenset({"tool", "retriever", "agent"})
"""Kinds of spans that are traces there. The turn's own trace stands for a root that is an agent."""


class SpanTree:
    """The spans of one turn, as Freeplay sees them."""

    def __init__(self, turn: Turn, ids: FreeplayIds) -> None:
        self._turn = turn
        self._ids = ids
        self._spans = {span.id: span for span in turn.spans}
        self._asked = {
            (call.id, span.id): span
            for span in turn.llm_calls
            for message in span.output_messages
            for call in message.tool_calls
        }

    def is_sent(self, span: Span) -> bool:
        """Tell whether a span is an object of its own."""
        return span.kind == "llm" or (
            span.kind in _STEPS and not (span.kind == "agent" and span.parent_id is None)
        )

    def standing_for(self, span_id: str | None) -> Span | None:
        """Return the nearest span, this one or one around it, that is an object; None: the turn."""
        span = self._spans.get(span_id or "")
        while span is not None and not self.is_sent(span):
            span = self._spans.get(span.parent_id or "")
        return span

    def parent(self, span: Span) -> str:
        """Return below what a span stands: a tool below the completion that asked for it."""
        asking = self.asking(span.call_id, span.started_ns) if span.kind == "tool" else None
        return self.id_of(asking or self.standing_for(span.parent_id))

    def asking(self, call_id: str | None, before_ns: int | None) -> Span | None:
        """Return the model call that asked for a tool: the last one, as ids may come again."""
        if call_id is None:
            return None
        found = [span for (asked, _), span in self._asked.items() if asked == call_id]
        earlier = [s for s in found if before_ns is None or s.started_ns <= before_ns]
        return (earlier or found or [None])[-1]

    def calls_below(self, span: Span) -> list[Span]:
        """Return the model calls of an agent within an agent."""
        return [call for call in self._turn.llm_calls if self._is_below(call, span)]

    def _is_below(self, call: Span, span: Span) -> bool:
        around = self._spans.get(call.parent_id or "")
        while around is not None and around is not span:
            around = self._spans.get(around.parent_id or "")
        return around is not None

    def id_of(self, span: Span | None) -> str:
        """Return the id of a span there, or that of the turn."""
        return self._ids.turn(self._turn.id) if span is None else self._ids.span(span.id)
