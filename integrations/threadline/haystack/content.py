"""Haystack's content parts as ours. A table of classes; the unknown is kept."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from haystack.dataclasses import (
    FileContent,
    ImageContent,
    ReasoningContent,
    TextContent,
    ToolCall,
    ToolCallResult,
)

from threadline.capture.plain import plain
from threadline.haystack.shapes import is_list
from threadline.model.parts import (
    BlobPart,
    GenericPart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def part_of(content: object) -> Part:
    """Return one content part of a message."""
    reader = _READERS.get(type(content))
    if reader is None:
        return GenericPart(type(content).__name__, plain(content))
    return reader(content)


def text_of_result(result: object) -> Any:
    """Return what a tool answered: a text, or its parts as plain data."""
    if isinstance(result, str):
        return result
    if is_list(result):
        parts = [_plain_part(item) for item in result]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if len(texts) == len(parts) else parts
    return plain(result)


def _plain_part(item: object) -> Any:
    if isinstance(item, TextContent):
        return item.text
    if isinstance(item, ImageContent | FileContent):
        size = len(getattr(item, "base64_image", "") or getattr(item, "base64_data", ""))
        kind = "image" if isinstance(item, ImageContent) else "file"
        return {"type": kind, "mime_type": item.mime_type, "base64_length": size}
    return plain(item)


def _text(content: Any) -> Part:
    return TextPart(content.text)


def _call(content: Any) -> Part:
    return ToolCallPart(content.tool_name, content.arguments, content.id)


def _result(content: Any) -> Part:
    return ToolCallResponsePart(
        text_of_result(content.result), content.origin.id, bool(content.error)
    )


def _reasoning(content: Any) -> Part:
    return ReasoningPart(content.reasoning_text, plain(content.extra) or None)


def _image(content: Any) -> Part:
    extra = {"detail": content.detail, "meta": content.meta}
    return _blob(content.base64_image, content.mime_type, "image", extra)


def _file(content: Any) -> Part:
    extra = {"filename": content.filename, "extra": content.extra}
    mime = content.mime_type or ""
    modality = mime.split("/")[0] if mime.startswith(("audio/", "video/", "image/")) else "file"
    return _blob(content.base64_data, content.mime_type, modality, extra)


def _blob(data: str, mime: str | None, modality: str, extra: Mapping[str, Any]) -> Part:
    kept = plain({key: value for key, value in extra.items() if value}) or None
    try:
        return BlobPart(base64.b64decode(data, validate=True), mime, modality, kept)
    except (binascii.Error, ValueError):
        return GenericPart(modality, {"mime_type": mime, "base64_length": len(data)})


_READERS: Final[Mapping[type, Callable[[Any], Part]]] = {
    TextContent: _text,
    ToolCall: _call,
    ToolCallResult: _result,
    ReasoningContent: _reasoning,
    ImageContent: _image,
    FileContent: _file,
}
