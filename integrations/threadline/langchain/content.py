"""LangChain's content, block by block, as parts. A table of block types; the unknown is kept."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from threadline.capture.plain import plain
from threadline.langchain.shapes import is_list, is_mapping
from threadline.model.parts import (
    BlobPart,
    FilePart,
    GenericPart,
    Part,
    ReasoningPart,
    TextPart,
    UriPart,
)

Block = Mapping[str, Any]

_PLUMBING: Final = frozenset({"type", "index"})
_CALLS: Final = frozenset(
    {"tool_call", "tool_use", "tool_call_chunk", "input_json_delta", "invalid_tool_call"}
)
"""Blocks that repeat what the message's own `tool_calls` and `invalid_tool_calls` say."""


def parts_of_content(content: object) -> Iterator[Part]:
    """Yield the parts of a message's `content`: a string, or a list of strings and blocks."""
    if isinstance(content, str):
        if content:
            yield TextPart(content)
    elif is_list(content):
        for block in content:
            yield from _parts_of_block(block)
    elif content is not None:
        yield GenericPart(type(content).__name__, plain(content))


def _parts_of_block(block: object) -> Iterator[Part]:
    if isinstance(block, str):
        if block:
            yield TextPart(block)
    elif is_mapping(block):
        kind = str(block.get("type", ""))
        if kind not in _CALLS:
            yield _READERS.get(kind, _generic)(block)
    else:
        yield GenericPart(type(block).__name__, plain(block))


def _text(block: Block) -> Part:
    text = block.get("text")
    if not isinstance(text, str):
        return _generic(block)
    return TextPart(text, _rest(block, "text", "id"))


def _reasoning(block: Block) -> Part:
    words = block.get("reasoning", block.get("thinking"))
    if not isinstance(words, str):
        return _generic(block)
    return ReasoningPart(words, _rest(block, "reasoning", "thinking", "id"))


def _image_url(block: Block) -> Part:
    given = block.get("image_url")
    url: Any = given.get("url") if is_mapping(given) else given
    return _by_address(url, "image", None, None) if isinstance(url, str) else _generic(block)


def _media(block: Block) -> Part:
    """A v1 block (`url`, `base64`, `file_id`), or one with a `source` of those."""
    modality = str(block.get("type"))
    source = block.get("source")
    inner: Block = source if is_mapping(source) else block
    mime = inner.get("mime_type") or inner.get("media_type")
    mime = mime if isinstance(mime, str) else None
    extra = _rest(block, "source", "url", "base64", "data", "file_id", "mime_type", "id")
    data = inner.get("base64") or inner.get("data")
    if isinstance(data, bytes):
        return BlobPart(data, mime, modality, extra)
    if isinstance(data, str):
        return _decoded(data, mime, modality, extra) or _generic(block)
    if isinstance(inner.get("url"), str):
        return _by_address(inner["url"], modality, mime, extra)
    if isinstance(inner.get("file_id"), str):
        return FilePart(inner["file_id"], mime, modality, extra)
    return _generic(block)


def _input_audio(block: Block) -> Part:
    given = block.get("input_audio")
    if is_mapping(given) and isinstance(given.get("data"), str):
        mime = f"audio/{given.get('format', 'wav')}"
        part = _decoded(given["data"], mime, "audio", None)
        if part is not None:
            return part
    return _generic(block)


def _by_address(url: str, modality: str, mime: str | None, extra: dict[str, Any] | None) -> Part:
    if url.startswith("data:"):
        head, _, data = url[5:].partition(",")
        part = _decoded(data, head.split(";")[0] or mime, modality, extra)
        if part is not None and head.endswith(";base64"):
            return part
    return UriPart(url, mime, modality, extra)


def _decoded(
    data: str, mime: str | None, modality: str, extra: dict[str, Any] | None
) -> BlobPart | None:
    try:
        return BlobPart(base64.b64decode(data, validate=True), mime, modality, extra)
    except (binascii.Error, ValueError):
        return None


def _generic(block: Block) -> Part:
    kept = {key: value for key, value in block.items() if key not in _PLUMBING}
    return GenericPart(str(block.get("type", "unknown")), plain(kept))


def _rest(block: Block, *known: str) -> dict[str, Any] | None:
    rest = {k: v for k, v in block.items() if k not in _PLUMBING and k not in known and v}
    return plain(rest) if rest else None


_READERS: Final[Mapping[str, Callable[[Block], Part]]] = {
    "text": _text,
    "output_text": _text,
    "input_text": _text,
    "reasoning": _reasoning,
    "thinking": _reasoning,
    "image_url": _image_url,
    "input_audio": _input_audio,
    "image": _media,
    "audio": _media,
    "video": _media,
    "file": _media,
}
