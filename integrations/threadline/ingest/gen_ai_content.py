"""Messages, documents and tool definitions as the JSON of the OpenTelemetry GenAI conventions.

Source: semantic conventions v1.41.1, `docs/gen-ai/`, the schemas of input and output messages,
system instructions, tool definitions and retrieval documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from threadline.model.parts import (
    BlobPart,
    FilePart,
    GenericPart,
    ToolCallResponsePart,
    UriPart,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from threadline.model.message import Message
    from threadline.model.parts import Part
    from threadline.model.span import Document

_MODALITIES: Final = frozenset({"image", "video", "audio"})
_OTHER_MODALITY: Final = "document"


def messages_text(messages: Iterable[Message], *, finish_reason: str | None = None) -> str | None:
    """Write messages; those that a model said have a finish reason."""
    told = [
        {
            "role": message.role,
            "parts": [_part(part) for part in message.parts],
            **given({"name": message.name, "finish_reason": finish_reason}),
        }
        for message in messages
    ]
    return json_text(told or None)


def instructions_text(messages: Iterable[Message]) -> str | None:
    """Write the parts of messages that instruct a model."""
    return json_text([_part(part) for message in messages for part in message.parts] or None)


def documents_text(documents: Iterable[Document]) -> str | None:
    """Write documents that were found, with what is known of each."""
    told = [
        given({"id": d.id, "score": d.score, "content": d.text, "metadata": d.metadata or None})
        for d in documents
    ]
    return json_text(told or None)


def definitions_text(tools: Iterable[Mapping[str, Any]]) -> str | None:
    """Write definitions of tools: those of providers differ in where name and parameters stand."""
    return json_text([_definition(dict(tool)) for tool in tools] or None)


def json_text(value: Any) -> str | None:
    """Write a value as JSON; texts stay as they are."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not known."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _part(part: Part) -> dict[str, Any]:
    """Return a part as the schema has it; what it does not know keeps its own type."""
    if isinstance(part, GenericPart):
        return {"type": part.kind, "value": part.value}
    fields: dict[str, Any] = msgspec.to_builtins(part)
    extra: dict[str, Any] | None = fields.pop("extra", None)
    if isinstance(part, BlobPart | FilePart | UriPart):
        fields["modality"] = part.modality or _modality(part.mime_type)
    if isinstance(part, ToolCallResponsePart):
        fields["response"] = part.response
    return {**(extra or {}), **fields}


def _modality(mime_type: str | None) -> str:
    major = (mime_type or "").partition("/")[0]
    return major if major in _MODALITIES else _OTHER_MODALITY


def _definition(tool: dict[str, Any]) -> dict[str, Any]:
    nested = tool.pop("function", None)
    if isinstance(nested, dict):
        tool = {**tool, **cast("dict[str, Any]", nested)}
    if "input_schema" in tool:
        tool["parameters"] = tool.pop("input_schema")
    kind = str(tool.get("type") or "function")
    return {**tool, "type": kind, "name": str(tool.get("name") or kind)}
