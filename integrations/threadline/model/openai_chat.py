"""Messages as OpenAI's chat API has them: the form that most systems understand."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.model.message import TOOL
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
    from collections.abc import Iterable

    from threadline.model.message import Message
    from threadline.model.parts import Part

Entry = dict[str, Any]

_SAID_ELSEWHERE: Final = (ReasoningPart, ToolCallPart, ToolCallResponsePart)


def chat_messages(messages: Iterable[Message]) -> list[Entry]:
    """Return messages in OpenAI's form; a message with several tool results becomes several.

    What the form has no word for stands in it as text; what a model thought before it spoke is
    left out.

    Example:
        >>> from threadline.model.message import Message
        >>> said = Message(id="1", role="user", parts=(TextPart("Tea?"),))
        >>> chat_messages([said])
        [{'role': 'user', 'content': 'Tea?'}]
    """
    return [entry for message in messages for entry in _entries(message)]


def call_entry(call: ToolCallPart, arguments: str) -> Entry:
    """Return the request of a tool call; its arguments are JSON in a text."""
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id or "", "type": "function", "function": function}


def picture_entry(part: Part) -> Entry | None:
    """Return a picture; None where it is none. An address that tells nothing may be one.

    Example:
        >>> picture_entry(UriPart("https://a.example/1", modality="image"))
        {'type': 'image_url', 'image_url': {'url': 'https://a.example/1'}}
        >>> picture_entry(UriPart("https://a.example/1", mime_type="audio/mpeg")) is None
        True
    """
    if isinstance(part, UriPart):
        kind, url = part.mime_type or part.modality or "image", part.uri
    elif isinstance(part, BlobPart) and (part.mime_type or "").startswith("image"):
        kind, url = "image", _data_url(part)
    else:
        return None
    return {"type": "image_url", "image_url": {"url": url}} if kind.startswith("image") else None


def value_as_text(value: object) -> str:
    """Return a value as text: words as they are, nothing for None, else JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value, enc_hook=str).decode()


def _entries(message: Message) -> list[Entry]:
    results = [part for part in message.parts if isinstance(part, ToolCallResponsePart)]
    if results:
        return [
            {"role": TOOL, "tool_call_id": r.id or "", "content": value_as_text(r.response)}
            for r in results
        ]
    entry: Entry = {"role": message.role, "content": _content(message.parts)}
    if message.name and message.role != TOOL:
        entry["name"] = message.name
    calls = [call_entry(c, value_as_text(_given(c.arguments))) for c in message.tool_calls]
    if calls:
        entry["tool_calls"] = calls
        entry["content"] = entry["content"] or None
    if message.role == TOOL:  # what a component gave back under no call's id
        entry["tool_call_id"] = ""
    return [entry]


def _given(arguments: object) -> object:
    return {} if arguments is None else arguments


def _content(parts: tuple[Part, ...]) -> str | list[Entry]:
    entries = [_part(part) for part in parts if not isinstance(part, _SAID_ELSEWHERE)]
    if all(entry["type"] == "text" for entry in entries):
        return "".join(entry["text"] for entry in entries)
    return entries


def _part(part: Part) -> Entry:
    if (picture := picture_entry(part)) is not None:
        return picture
    if isinstance(part, BlobPart):
        return _blob(part)
    if isinstance(part, FilePart):
        return {"type": "file", "file": {"file_id": part.file_id}}
    return {"type": "text", "text": _words(part)}


def _words(part: Part) -> str:
    if isinstance(part, TextPart):
        return part.content
    if isinstance(part, UriPart):
        return f"[{part.mime_type or part.modality}: {part.uri}]"
    if isinstance(part, GenericPart) and part.kind != "withheld":
        return value_as_text(part.value)
    return "[withheld]"


def _blob(part: BlobPart) -> Entry:
    kind, _, form = (part.mime_type or "").partition("/")
    if kind == "audio":
        data = base64.b64encode(part.content).decode()
        return {"type": "input_audio", "input_audio": {"data": data, "format": form}}
    name = (part.extra or {}).get("filename")
    file = {"filename": str(name)} if name else {}
    return {"type": "file", "file": {"file_data": _data_url(part), **file}}


def _data_url(part: BlobPart) -> str:
    return f"data:{part.mime_type};base64,{base64.b64encode(part.content).decode()}"
