"""A message: who said something, in parts."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from threadline.model.parts import (
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
)

MessageKind = Literal["said", "prelude", "context"]

SYSTEM: Final = "system"
USER: Final = "user"
ASSISTANT: Final = "assistant"
TOOL: Final = "tool"


class Body(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a message says, apart from when and where: the thing that is stored once.

    Two bodies are the same if role, name and parts are; ids and times are not part of it.
    """

    role: str
    parts: tuple[Part, ...] = ()
    name: str | None = None

    @property
    def text(self) -> str:
        """The words of all text parts, joined; for a tool message what the tool answered."""
        return text_of(self.parts)


def text_body(role: str, text: str) -> Body:
    """Return the body of a plain text.

    Example:
        >>> text_body(USER, "Hello").text
        'Hello'
    """
    return Body(role, (TextPart(text),))


class Message(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="message"
):
    """One message of a conversation.

    `kind` is `said` for the transcript, `prelude` for history that was said before this store
    was listening, and `context` for what only a model call saw (a rendered prompt, the messages
    of an inner call).
    """

    id: str
    role: str
    parts: tuple[Part, ...] = ()
    name: str | None = None
    kind: MessageKind = "said"
    at_ns: int | None = None
    turn_id: str | None = None
    framework_id: str | None = None
    partial: bool = False
    rating: float | None = None
    metadata: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The words of all text parts, joined; for a tool message what the tool answered."""
        return text_of(self.parts)

    @property
    def tool_calls(self) -> tuple[ToolCallPart, ...]:
        """The tool calls that this message requests, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCallPart))

    @property
    def reasoning(self) -> str:
        """What the model thought before it spoke, if it told."""
        return "".join(part.content for part in self.parts if isinstance(part, ReasoningPart))

    @property
    def body(self) -> Body:
        """Role, name and parts alone: equal for two messages that say the same."""
        return Body(self.role, self.parts, self.name)


def text_of(parts: tuple[Part, ...]) -> str:
    """Join the words of `parts`.

    Example:
        >>> text_of((TextPart("Paris "), ToolCallPart("weather"), TextPart("is wet")))
        'Paris is wet'
    """
    return "".join(_words(part) for part in parts)


def _words(part: Part) -> str:
    if isinstance(part, TextPart):
        return part.content
    if isinstance(part, ToolCallResponsePart):
        response = part.response
        if isinstance(response, str):
            return response
        return "" if response is None else _json_text(response)
    return ""


def _json_text(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):  # no JSON, or a lone surrogate somewhere in it
        return str(value)
