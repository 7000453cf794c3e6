"""Under which keys applications usually put what a user said and what is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_KEYS: Final = ("answer", "output", "result", "text", "response")
MOST_TEXTS: Final = 64
_QUESTION_KEYS: Final = ("question", "query", "input", "q", "text", "prompt", "message")


def users_words(strings: Mapping[str, str]) -> list[str]:
    """Return which of a root's input strings is what the user said, or all that could be it.

    Example:
        >>> users_words({"topic": "tea", "question": "How long?"})
        ['How long?']
        >>> users_words({"persona": "a pirate", "msg": "Hi"})
        ['a pirate', 'Hi']
    """
    for key in _QUESTION_KEYS:
        if strings.get(key):
            return [strings[key]]
    texts = list(strings.values())
    return texts[:1] if len(set(texts)) == 1 else texts[:MOST_TEXTS]
