"""Which model call said an answer, where the caller sends it again. Haystack's messages have no id.

A message is known by the very string that its model call produced: pipelines copy messages, and
callers keep them as dicts, but a string is never copied. Two equal texts are two strings, so that
two users' answers are never taken for one another; a string that two calls said names neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from haystack.dataclasses import TextContent, ToolCall

from threadline.haystack.messages import parts_of

if TYPE_CHECKING:
    from haystack.dataclasses import ChatMessage

_MOST: Final = 2_000
_MOST_CHARACTERS: Final = 4_000_000
_SHORTEST: Final = 2
"""Python keeps one string for each single character."""


class Answers:
    """Answers said in this process, by the identity of their strings; bounded, lock-free."""

    def __init__(self) -> None:
        self._said: dict[int, tuple[str, str | None]] = {}
        self._characters = 0

    def remember(self, message: ChatMessage, framework_id: str) -> None:
        """Take note that a model call said `message`."""
        mark = _mark_of(message)
        if mark is None:
            return
        if len(self._said) >= _MOST or self._characters > _MOST_CHARACTERS:
            self._said, self._characters = {}, 0
        known = self._said.get(id(mark))
        said_before = known is not None and known[1] != framework_id
        self._said[id(mark)] = (mark, None if said_before else framework_id)
        self._characters += len(mark)

    def id_of(self, message: ChatMessage) -> str | None:
        """Return the id of the answer that `message` is, if it is one."""
        mark = _mark_of(message)
        known = None if mark is None else self._said.get(id(mark))
        return known[1] if known is not None and known[0] is mark else None


def _mark_of(message: ChatMessage) -> str | None:
    """Return the string that the message is known by: its words, else its first call's id."""
    words: str | None = None
    call_id: str | None = None
    for part in reversed(parts_of(message)):
        if part.__class__ is TextContent:
            words = part.text
        elif part.__class__ is ToolCall:
            call_id = part.id
    mark = words or call_id
    return mark if mark is not None and len(mark) >= _SHORTEST else None
