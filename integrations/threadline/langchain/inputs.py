"""What a root was given and what it returned: its list of messages, its words, its answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue

from threadline.capture.plain import json_of
from threadline.capture.usual_keys import ANSWER_KEYS, users_words
from threadline.langchain.interrupts import answers_in, is_command
from threadline.langchain.messages import are_plain_messages, is_message, is_news, news_among
from threadline.langchain.shapes import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STRUCTURED_KEYS: Final = ("structured_response", "parsed")
_LIST_KEY: Final = "messages"

WHOLE_LIST: Final = sys.maxsize
"""So many of the newest messages that they are all."""


class RootInput(NamedTuple):
    """A root's own list of messages, the key it came under, and the user's words beside it."""

    messages: list[BaseMessage]
    key: str | None
    words: list[str]


class RootOutput(NamedTuple):
    """A root's list at its end, its output strings, and the one that is the answer."""

    messages: list[BaseMessage]
    texts: list[str]
    answer: str | None


def read_input(inputs: object) -> RootInput:
    """Read what a root was given, as the caller wrote it: objects, tuples, dicts or strings."""
    if isinstance(inputs, str):
        return RootInput([], None, [inputs])
    if isinstance(inputs, PromptValue):
        return RootInput(inputs.to_messages(), None, [])
    messages = _as_messages(inputs, loosely=True)
    if messages is not None:
        return RootInput(messages, None, [])
    fields = _fields(inputs) or {}
    if is_command(inputs):
        given = read_input(fields.get("update"))
        return given._replace(words=[*answers_in(fields.get("resume")), *given.words])
    key, messages = _find_list(fields)
    strings = {
        str(name): value for name, value in fields.items() if isinstance(value, str) and value
    }
    if key == _LIST_KEY:
        strings.pop(_LIST_KEY, None)
    return RootInput(messages, key, users_words(strings))


def read_output(outputs: object, list_key: str | None) -> RootOutput:
    """Read what a root returned.

    Args:
        outputs: The output, of any type.
        list_key: The key under which the input's list of messages came, if it was a dict.
    """
    if outputs is None:
        return RootOutput([], [], None)
    if isinstance(outputs, str):
        return RootOutput([], [outputs], outputs)
    messages = _as_messages(outputs, loosely=False)
    if messages is not None:
        return RootOutput(messages, [], None)
    fields = _fields(outputs)
    if fields is None:
        return RootOutput([], [], _json(outputs))
    return _read_fields(outputs, fields, list_key)


def messages_of_step(outputs: object) -> list[BaseMessage]:
    """Return the messages that a graph's node added: in a dict, a Command, or a list of those."""
    if is_message(outputs):
        return [outputs] if is_news(outputs) else []
    if is_list(outputs):
        return [message for item in outputs for message in messages_of_step(item)]
    fields = _fields(outputs)
    if fields is not None and is_command(outputs):
        return messages_of_step(fields.get("update"))
    return [] if fields is None else _find_list(fields)[1]


def newest_of_state(state: object, key: str | None, count: int) -> list[BaseMessage]:
    """Return the last messages of a graph's state, as its first node is given it."""
    fields = _fields(state) or {}
    value = fields.get(key or _LIST_KEY)
    newest = value[-count:] if count and is_list(value) else ()
    return [message for message in newest if is_message(message)]


def _read_fields(outputs: object, fields: Mapping[str, Any], list_key: str | None) -> RootOutput:
    key = list_key if list_key in fields else None
    _, messages = _find_list(fields if key is None else {key: fields[key]})
    for value in fields.values():
        if is_message(value) and value not in messages:
            messages.append(value)
    texts = [value for value in fields.values() if isinstance(value, str) and value]
    answer = next((fields[k] for k in ANSWER_KEYS if isinstance(fields.get(k), str)), None)
    for key in _STRUCTURED_KEYS:
        if answer is None and fields.get(key) is not None:
            answer = _json(fields[key])
    if answer is None and not messages:
        answer = _json(outputs)
    return RootOutput(messages, texts, answer)


def _find_list(fields: Mapping[str, Any]) -> tuple[str | None, list[BaseMessage]]:
    value = fields.get(_LIST_KEY)
    if value is not None:
        messages = _as_messages(value, loosely=True)
        if messages is not None:
            return _LIST_KEY, messages
    for key, value in fields.items():
        if is_list(value) and value:
            messages = _as_messages(value, loosely=False)
            if messages is not None:
                return key, messages
    return None, []


def _as_messages(value: object, *, loosely: bool) -> list[BaseMessage] | None:
    """Messages as objects, or written as dicts with a role; loosely also tuples and strings."""
    items: Sequence[Any] = value if is_list(value) else ()
    if items and (are_plain_messages(items) or all(map(is_message, items))):
        return news_among(items)
    if is_message(value):
        return [value] if is_news(value) else []
    if loosely and _is_like_a_message(value, loosely=True):
        return _converted([value])
    if not items:
        return None
    like = all(_is_like_a_message(item, loosely=loosely) for item in items)
    return _converted(items) if like else None


def _is_like_a_message(item: object, *, loosely: bool) -> bool:
    if is_message(item):
        return True
    if is_mapping(item):
        return ("role" in item or "type" in item) and "content" in item
    return loosely and (isinstance(item, str) or _is_pair(item))


def _is_pair(item: object) -> bool:
    """Role and text, as in `("human", "Hello")`."""
    pair: Sequence[Any] = item if is_list(item) else ()
    return isinstance(item, tuple) and len(pair) == _PAIR and pair[0] in _ROLES


_PAIR: Final = 2
_ROLES: Final = ("human", "user", "ai", "assistant", "system", "developer", "tool", "function")


def _converted(items: Sequence[Any]) -> list[BaseMessage] | None:
    try:
        return [m for m in convert_to_messages(items) if is_news(m)]
    except Exception:  # noqa: BLE001 (whatever looked like messages was none)
        return None


def _fields(value: object) -> Mapping[str, Any] | None:
    """Fields of a dict, or of a state written as a dataclass or a pydantic model."""
    if is_mapping(value):
        return value
    names = getattr(value, "__dataclass_fields__", None) or getattr(
        type(value), "model_fields", None
    )
    if not is_mapping(names):
        return None
    return {name: getattr(value, name, None) for name in names}


def _json(value: object) -> str:
    return json_of(value).decode()
