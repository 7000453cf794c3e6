"""Tools of conversations that were told without a trace: calls that were answered, and spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from threadline.model import Span, ToolCallResponsePart, ToolObservation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from threadline.model import Message, Turn
    from threadline.model.span import SpanStatus

_RAN: Final[dict[str, SpanStatus]] = {"ok": "ok", "error": "error", "cancelled": "cancelled"}


def answered_calls(turn_id: str, messages: Sequence[Message]) -> Iterator[ToolObservation]:
    """Yield one for each tool call whose answer is among the messages, in call order."""
    answers = {
        part.id: (message, part)
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCallResponsePart) and part.id is not None
    }
    asked = ((message, call) for message in messages for call in message.tool_calls)
    for number, (message, call) in enumerate(asked):
        if call.id in answers:
            answer, part = answers[call.id]
            yield ToolObservation(
                id=f"{turn_id}.t{number}",
                name=call.name,
                outcome="error" if part.error else "ok",
                call_id=call.id,
                thought=message.text or None,
                arguments=call.arguments,
                result=part.response,
                started_ns=message.at_ns,
                ended_ns=answer.at_ns,
                turn_id=turn_id,
                message_id=message.id,
            )


def with_tool_spans(turn: Turn) -> Turn:
    """Give a turn that has no spans one for each tool that nobody's message asked for.

    The thought beside such a call has no other place than its span.
    """
    if turn.spans:
        return turn
    spans: list[Span] = []
    observations: list[ToolObservation] = []
    for seen in turn.tool_observations:
        if seen.message_id is None and seen.outcome in _RAN:
            spans.append(_span(seen, turn, len(spans)))
            observations.append(replace(seen, span_ids=(spans[-1].id,)))
        else:
            observations.append(replace(seen, span_ids=()))
    return replace(turn, spans=tuple(spans), tool_observations=tuple(observations))


def _span(seen: ToolObservation, turn: Turn, number: int) -> Span:
    known = (seen.started_ns, seen.ended_ns, turn.started_ns)
    started_ns = next(at_ns for at_ns in known if at_ns is not None)
    return Span(
        id=f"{turn.id}.{number}",
        kind="tool",
        name=seen.name,
        status=_RAN[seen.outcome],
        started_ns=started_ns,
        ended_ns=started_ns if seen.ended_ns is None else seen.ended_ns,
        error=seen.error,
        attributes={"thought": seen.thought} if seen.thought else {},
    )
