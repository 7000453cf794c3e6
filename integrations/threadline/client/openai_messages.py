"""Messages as OpenAI's chat API has them, as bodies."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from threadline.capture.plain import plain
from threadline.model.contextai_values import refused
from threadline.model.message import ASSISTANT, SYSTEM, TOOL, Body
from threadline.model.parts import (
    BlobPart,
    GenericPart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Fields = Mapping[str, Any]

_ROLES: Final = {"developer": SYSTEM, "function": TOOL}
_TEXTS: Final = frozenset({"text", "input_text", "output_text"})
_CONTENT: Final = "a text, or a list of content parts"
_CALLS: Final = "calls with a `function` that has a `name`"


def body_of(message: Fields, place: str) -> Body:
    """Return what a message says; content parts that are not recognised are kept.

    Args:
        message: A dict with a `role`, and `content`, `tool_calls` or both.
        place: Where it was given, for the error.

    Raises:
        ArgumentError: naming what of it is at fault; never what anybody said in it.

    Example:
        >>> body_of({"role": "user", "content": "Hello"}, "messages[0]").text
        'Hello'
    """
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise refused(place, "role", role, "a role such as 'user' or 'assistant'")
    role = _ROLES.get(role, role)
    name = message.get("name")
    if role == TOOL:
        parts: tuple[Part, ...] = (_tool_response(message, place),)
    else:
        parts = tuple(_parts(message, role, place))
    return Body(role, parts, name if isinstance(name, str) else None)


def _tool_response(message: Fields, place: str) -> ToolCallResponsePart:
    content = message.get("content")
    words = "".join(_words(content, f"{place}.content"))
    call_id = message.get("tool_call_id")
    return ToolCallResponsePart(words, call_id if isinstance(call_id, str) else None)


def _words(content: object, place: str) -> Iterator[str]:
    for part in _content_parts(content, place):
        yield part.content if isinstance(part, TextPart) else msgspec.json.encode(part).decode()


def _parts(message: Fields, role: str, place: str) -> Iterator[Part]:
    reasoning = message.get("reasoning_content")
    if isinstance(reasoning, str) and reasoning:
        yield ReasoningPart(reasoning)
    yield from _content_parts(message.get("content"), f"{place}.content")
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield GenericPart("refusal", {"refusal": refusal})
    if role != ASSISTANT:
        return
    calls = message.get("tool_calls") or ()
    if not isinstance(calls, Sequence):
        raise refused(place, "tool_calls", calls, "a list of calls")
    for n, call in enumerate(cast("Sequence[object]", calls)):
        yield _tool_call(call, f"{place}.tool_calls[{n}]")
    if message.get("function_call"):
        yield _tool_call(message["function_call"], f"{place}.function_call")


def _content_parts(content: object, place: str) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield TextPart(content)
    elif isinstance(content, Sequence) and not isinstance(content, bytes | bytearray):
        for block in cast("Sequence[object]", content):
            if isinstance(block, str):
                yield TextPart(block)
            else:
                yield _content_part(block, place)
    elif content is not None:
        raise refused(place, "", content, _CONTENT)


def _content_part(block: object, place: str) -> Part:
    if not isinstance(block, Mapping):
        raise refused(place, "", block, _CONTENT)
    fields = cast("Fields", block)
    kind = str(fields.get("type", ""))
    if kind in _TEXTS and isinstance(fields.get("text"), str):
        return TextPart(fields["text"])
    if kind == "image_url":
        return _picture(fields)
    return GenericPart(kind, plain({key: fields[key] for key in fields if key != "type"}))


def _picture(fields: Fields) -> Part:
    given = fields.get("image_url")
    url = given if isinstance(given, str) else _fields(given).get("url")
    if not isinstance(url, str):
        return GenericPart("image_url", plain(given))
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        try:
            content = base64.b64decode(data, validate=True)
        except binascii.Error:
            return GenericPart("image_url", plain(given))
        return BlobPart(content, head[len("data:") : -len(";base64")] or None, "image")
    return UriPart(url, modality="image")


def _tool_call(call: object, place: str) -> ToolCallPart:
    fields = _fields(call)
    function = _fields(fields["function"]) if "function" in fields else fields
    name, ident = function.get("name"), fields.get("id")
    if not isinstance(name, str):
        raise refused(place, "", call, _CALLS)
    arguments = _arguments(function.get("arguments", fields.get("args")))
    return ToolCallPart(name, arguments, ident if isinstance(ident, str) else None)


def _fields(value: object) -> Fields:
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def _arguments(arguments: object) -> Any:
    """Models write arguments as JSON in a text; what is none stays the text it is."""
    if not isinstance(arguments, str):
        return plain(arguments)
    try:
        return msgspec.json.decode(arguments)
    except msgspec.MsgspecError:
        return arguments
