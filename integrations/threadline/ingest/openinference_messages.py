"""Messages in OpenInference: flat attributes, each with its number in the name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from threadline.ingest.gen_ai_content import given, json_text
from threadline.model.parts import (
    BlobPart,
    FilePart,
    GenericPart,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.model.message import Message
    from threadline.model.parts import Part

Attributes = dict[str, Any]


def listed(name: str, items: Iterable[Attributes]) -> Attributes:
    """Give each of several things its number.

    Example:
        >>> listed("llm.tools", [{"tool.json_schema": "{}"}])
        {'llm.tools.0.tool.json_schema': '{}'}
    """
    return {
        f"{name}.{number}.{key}": value
        for number, item in enumerate(items)
        for key, value in item.items()
    }


def messages_under(name: str, messages: Sequence[Message]) -> Attributes:
    """Return messages under `name`, each with its role, what it says and the tools it asks for."""
    return listed(name, map(_message, messages))


def _message(message: Message) -> Attributes:
    parts = [part for part in message.parts if not isinstance(part, ToolCallPart)]
    responses = [part for part in parts if isinstance(part, ToolCallResponsePart)]
    return {
        **given(
            {
                "message.role": message.role,
                "message.name": message.name,
                "message.tool_call_id": responses[0].id if responses else None,
            }
        ),
        **_said(parts, message.text),
        **listed("message.tool_calls", map(_call, message.tool_calls)),
    }


def _said(parts: Sequence[Part], text: str) -> Attributes:
    if all(isinstance(part, TextPart | ToolCallResponsePart) for part in parts):
        return {"message.content": text} if parts else {}
    return listed("message.contents", map(_content, parts))


def _call(part: ToolCallPart) -> Attributes:
    return given(
        {
            "tool_call.id": part.id,
            "tool_call.function.name": part.name,
            "tool_call.function.arguments": json_text(part.arguments),
        }
    )


def _content(part: Part) -> Attributes:
    if isinstance(part, TextPart | ReasoningPart):
        kind = "text" if isinstance(part, TextPart) else "reasoning"
        return {"message_content.type": kind, "message_content.text": part.content}
    if isinstance(part, BlobPart | UriPart | FilePart):
        return _media(part)
    value = part.value if isinstance(part, GenericPart) else msgspec.to_builtins(part)
    kind = part.kind if isinstance(part, GenericPart) else "text"
    return {"message_content.type": kind, "message_content.text": json_text(value) or ""}


def _media(part: BlobPart | UriPart | FilePart) -> Attributes:
    kind = part.modality or (part.mime_type or "").partition("/")[0]
    if kind != "image":
        return given(
            {
                "message_content.type": kind or "document",
                "message_content.text": _address(part),
            }
        )
    return {
        "message_content.type": "image",
        "message_content.image.image.url": _address(part),
    }


def _address(part: BlobPart | UriPart | FilePart) -> str:
    if isinstance(part, UriPart):
        return part.uri
    if isinstance(part, FilePart):
        return part.file_id
    data: str = msgspec.to_builtins(part.content)
    return f"data:{part.mime_type or 'application/octet-stream'};base64,{data}"
