"""LangChain's content, block by block, as parts. A table of block types; the unknown is kept."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Iterator, Mapping
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
_CALLS: Final = frozenset({"tool_call", "tool_use", "function_call", "invalid_tool_call"})
_PIECES: Final = frozenset({"tool_call_chunk", "input_json_delta"})


def parts_of_content(content: object, calls: Collection[object] = ()) -> Iterator[Part]:
    """Yield the parts of a message's `content`: a string, or a list of strings and blocks.

    Args:
        content: The content.
        calls: The ids of the message's own calls, valid or not: blocks that repeat them are no
            parts.
    """
    if isinstance(content, str):
        if content:
            yield TextPart(content)
    elif is_list(content):
        for block in content:
            yield from _parts_of_block(block, calls)
    elif content is not None:
        yield GenericPart(type(content).__name__, plain(content))


def _parts_of_block(block: object, calls: Collection[object]) -> Iterator[Part]:
    if isinstance(block, str):
        if block:
            yield TextPart(block)
    elif is_mapping(block):
        kind = str(block.get("type", ""))
        if not _repeats_a_call(kind, block, calls):
            yield _READERS.get(kind, _generic)(block)
    else:
        yield GenericPart(type(block).__name__, plain(block))


def _repeats_a_call(kind: str, block: Block, calls: Collection[object]) -> bool:
    if kind in _PIECES:
        return bool(calls)
    return kind in _CALLS and (block.get("id") in calls or block.get("call_id") in calls)


def _text(block: Block) -> Part:
    text = block.get("text")
    if not isinstance(text, str):
        return _generic(block)
    return TextPart(text, _rest(block, "text", "id"))


def _reasoning(block: Block) -> Part:
    words = block.get("reasoning", block.get("thinking"))
    summary = block.get("summary")
    if not isinstance(words, str) and is_list(summary) and all(map(is_mapping, summary)):
        words = "\n\n".join(str(item.get("text", "")) for item in summary)
        return ReasoningPart(words, _rest(block, "summary"))
    if not isinstance(words, str):
        return _generic(block)
    return ReasoningPart(words, _rest(block, "reasoning", "thinking", "id"))


def _reasoning_content(block: Block) -> Part:
    """Bedrock's: the words and their signature inside one more mapping."""
    given = block.get("reasoning_content")
    if is_mapping(given) and isinstance(given.get("text"), str):
        return ReasoningPart(given["text"], _rest(given, "text"))
    return _generic(block)


def _image_url(block: Block) -> Part:
    given = block.get("image_url")
    url: Any = given.get("url") if is_mapping(given) else given
    if not isinstance(url, str):
        return _generic(block)
    extra = {**(_rest(block, "image_url") or {}), **_more(given)}
    return _by_address(url, "image", None, extra or None)


def _more(given: object) -> dict[str, Any]:
    """What stands beside the address of an image, such as the detail that is wanted."""
    return (_rest(given, "url") or {}) if is_mapping(given) else {}


def _file(block: Block) -> Part:
    """A v1 block, or OpenAI's, whose data stand inside `file` or beside `type`."""
    given = block.get("file")
    inner: Block = given if is_mapping(given) else block
    data, file_id = inner.get("file_data"), inner.get("file_id")
    extra = _rest(inner, "file_data", "file_id", "mime_type")
    if isinstance(data, str) and data.startswith("data:"):
        return _by_address(data, "file", None, extra)
    if isinstance(file_id, str) and inner is not block:
        return FilePart(file_id, None, "file", extra)
    return _media(block)


def _media(block: Block) -> Part:
    """A v1 block (`url`, `base64`, `file_id`), or one with a `source` of those."""
    modality = str(block.get("type"))
    source = block.get("source")
    inner: Block = source if is_mapping(source) else block
    mime = inner.get("mime_type") or inner.get("media_type")
    mime = mime if isinstance(mime, str) else None
    extra = _rest(block, *_SOURCES)
    data = inner.get("base64") or inner.get("data")
    if inner.get("type") == "text":  # a document in words, not in base64
        return _generic(block)
    if isinstance(data, bytes):
        return BlobPart(data, mime, modality, extra)
    if isinstance(data, str):
        return _decoded(data, mime, modality, extra) or _generic(block)
    address = inner.get("url") or inner.get("file_uri")
    if isinstance(address, str):
        return _by_address(address, modality, mime, extra)
    if isinstance(inner.get("file_id"), str):
        return FilePart(inner["file_id"], mime, modality, extra)
    return _generic(block)


_SOURCES: Final = (
    "source",
    "source_type",
    "url",
    "file_uri",
    "base64",
    "data",
    "file_id",
    "mime_type",
    "id",
)


def spoken(audio: object) -> Part | None:
    """Return an answer in sound, as OpenAI's chat gives it; what was said stands in `extra`."""
    if not is_mapping(audio):
        return None
    data, extra = audio.get("data"), _rest(audio, "data")
    part = _decoded(data, None, "audio", extra) if isinstance(data, str) else None
    return part or GenericPart("audio", plain(dict(audio)))


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
    "reasoning_content": _reasoning_content,
    "image_url": _image_url,
    "input_image": _image_url,
    "input_audio": _input_audio,
    "image": _media,
    "audio": _media,
    "video": _media,
    "document": _media,
    "media": _media,
    "file": _file,
    "input_file": _file,
}
