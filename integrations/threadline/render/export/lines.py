"""Conversations as lines of JSON, in one of the shapes that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.errors import ArgumentError
from threadline.model import encode
from threadline.render.export.openai_chat import chat_example
from threadline.render.printable import escaped_json
from threadline.render.values import json_text
from threadline.render.well_formed import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.model import Conversation

Line = bytes | None


def line_of(conversation: Conversation, shape: str) -> Line:
    """Write a conversation as one line of JSON; None where the shape has nothing to say of it.

    Args:
        conversation: The conversation.
        shape: `jsonl` (ours, with all that was recorded), `contextai` or `openai`.

    Raises:
        ArgumentError: for a shape that does not exist.
    """
    write = _SHAPES.get(shape)
    if write is None:
        raise ArgumentError(argument="shape", value=shape, allowed=f"one of {', '.join(_SHAPES)}")
    return write(conversation)


def _own(conversation: Conversation) -> Line:
    """Escape what could drive a terminal; of a lone surrogate `?` is left."""
    try:
        written = encode(conversation)
    except UnicodeEncodeError:
        written = encode(well_formed(conversation))
    return escaped_json(written.decode()).encode()


def _contextai(conversation: Conversation) -> Line:
    return json_text(conversation.to_dict()).encode()


def _openai(conversation: Conversation) -> Line:
    example = chat_example(conversation)
    return None if example is None else json_text(example).encode()


_SHAPES: Final[dict[str, Callable[[Conversation], Line]]] = {
    "jsonl": _own,
    "contextai": _contextai,
    "openai": _openai,
}
