"""What a root was given and what it returned: its messages, its words, its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from haystack.dataclasses import ChatMessage, GeneratedAnswer

from threadline.capture.plain import json_of
from threadline.capture.usual_keys import ANSWER_KEYS, MOST_TEXTS, users_words
from threadline.haystack.shapes import is_list, is_mapping, messages_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from threadline.haystack.talk import Talk

_STRUCTURED_KEYS: Final = ("structured_response", "structured_output", "parsed", "json")
_ANSWERERS: Final = ("llm", "generator", "chat_generator", "agent", "answer")
_LIST_KEY: Final = "messages"
_TEMPLATE: Final = "template"
_VARIABLES: Final = "template_variables"
_NO_WORDS: Final = frozenset({"chat_history_id", "template"})


class Given(NamedTuple):
    """A root's own messages, and the user's words beside them."""

    messages: list[ChatMessage]
    words: list[str]


class Returned(NamedTuple):
    """A root's messages at its end, its output strings, and the one that is the answer.

    `talk` is the agent's that answered, whose messages the others would be.
    """

    messages: list[ChatMessage]
    texts: list[str]
    answer: str | None
    talk: Talk | None = None


def read_input(data: object, connectors: Collection[str]) -> Given:
    """Read what a pipeline was given: inputs by the name of their component."""
    lists: dict[str, list[ChatMessage]] = {}
    strings: dict[str, str] = {}
    for name, value in _inputs_of(data, connectors):
        if isinstance(value, str):
            if value and name not in _NO_WORDS:
                strings.setdefault(name, value)
        elif name == _VARIABLES and is_mapping(value):
            strings |= {k: v for k, v in value.items() if isinstance(v, str) and v}
        else:
            found = messages_in(value)
            if found and not (name == _TEMPLATE and any(map(_is_template, found))):
                lists.setdefault(name, found)
    messages = lists.get(_LIST_KEY) or [m for found in list(lists.values())[:1] for m in found]
    return Given(messages, users_words(strings))


def read_agent_input(data: object) -> Given:
    """Read what an agent was given: its messages, and the variables of its prompts."""
    fields: Mapping[str, Any] = data if is_mapping(data) else {}
    strings = {k: v for k, v in fields.items() if isinstance(v, str) and v}
    return Given(messages_in(fields.get(_LIST_KEY)), users_words(strings))


def read_output(data: object, connectors: Collection[str], talks: Mapping[str, Talk]) -> Returned:
    """Read what a pipeline returned: outputs by the name of their component.

    Args:
        data: The output.
        connectors: Names of components whose output says nothing.
        talks: What the agents among the components said, by their name.
    """
    components: Mapping[str, Any] = data if is_mapping(data) else {}
    said: dict[str, list[ChatMessage]] = {}
    texts: list[str] = []
    answers: list[str] = []
    for name, outputs in components.items():
        if name in connectors or not is_mapping(outputs):
            continue
        replies = messages_in(outputs.get("replies"))
        if name in talks or replies:
            said[name] = replies[:1]
        for text, is_answer in _texts_of(outputs):
            texts.append(text)
            if is_answer:
                answers.append(text)
    if answers:
        return Returned([], texts[:MOST_TEXTS], answers[-1])
    answerer = answerer_of(said)
    messages = said[answerer] if answerer is not None else []
    return Returned(messages, texts[:MOST_TEXTS], None, talks.get(answerer or ""))


def structured_in(outputs: object) -> str | None:
    """Return the answer in a schema that an agent's output holds beside its messages."""
    fields: Mapping[str, Any] = outputs if is_mapping(outputs) else {}
    found = [fields[key] for key in _STRUCTURED_KEYS if fields.get(key) is not None]
    return json_of(found[0]).decode() if found else None


def answerer_of(names: Collection[str]) -> str | None:
    """Of several components that answered the one whose name says so, else the last."""
    for name in _ANSWERERS:
        if name in names:
            return name
    return list(names)[-1] if names else None


def _inputs_of(data: object, connectors: Collection[str]) -> Iterator[tuple[str, Any]]:
    components: Mapping[str, Any] = data if is_mapping(data) else {}
    for name, inputs in components.items():
        if name not in connectors and is_mapping(inputs):
            for key, value in inputs.items():
                yield str(key), value


def _is_template(message: ChatMessage) -> bool:
    return any("{{" in text or "{%" in text for text in message.texts)


def _texts_of(outputs: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield output strings, and whether each is an answer to somebody."""
    for key, value in outputs.items():
        if isinstance(value, str) and value:
            yield value, key in ANSWER_KEYS
        elif key in _STRUCTURED_KEYS and value is not None:
            yield json_of(value).decode(), True
        elif is_list(value) and value:
            first: Any = value[0]
            if isinstance(first, GeneratedAnswer):
                yield first.data, True
            elif isinstance(first, str) and key == "replies":
                yield first, True
