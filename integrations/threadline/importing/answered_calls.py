"""Tool observations of conversations that only have messages: the calls that were answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.model import ToolCallResponsePart, ToolObservation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from threadline.model import Message


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
