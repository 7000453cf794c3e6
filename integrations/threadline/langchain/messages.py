"""LangChain's messages as bodies. Nothing of them is kept: bodies are copies, sealed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard

import msgspec
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from threadline.capture.plain import plain
from threadline.langchain.content import parts_of_content, spoken
from threadline.langchain.shapes import is_list
from threadline.model.message import ASSISTANT, SYSTEM, TOOL, USER, Body, text_body
from threadline.model.parts import (
    GenericPart,
    Part,
    ReasoningPart,
    ToolCallPart,
    ToolCallResponsePart,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from threadline.capture.events import Ref
    from threadline.capture.recorder import Draft


def refs_of(messages: Iterable[BaseMessage], draft: Draft) -> tuple[Ref, ...]:
    """Seal messages and return where they are; replayed history costs a look-up.

    Args:
        messages: Messages of any class.
        draft: The event that they go with.
    """
    digest_of = draft.recorder.digests.table().get
    known, bodies = draft.journal.known, draft.bodies
    refs: list[Ref] = []
    for message in messages:
        fields = vars(message)  # once: each look at an attribute goes through pydantic's own
        role, content = _PLAIN_ROLES.get(type(message)), fields.get("content")
        if role and content and content.__class__ is str:
            key = role, fields.get("name"), content
            digest = digest_of(key)
        else:
            key = _key_of(type(message), fields)
            digest = None if key is None else digest_of(key)
        if digest is None or (digest not in known and digest not in bodies):
            digest = _seal(message, key, draft)
        refs.append((digest, fields.get("id")))
    return tuple(refs)


def _seal(message: BaseMessage, key: Any, draft: Draft) -> bytes:
    digest = draft.seal(body_of(message))
    if key is not None:
        draft.recorder.digests.put(key, digest, len(message.content))
    return digest


def are_plain_messages(items: Iterable[object]) -> bool:
    """Tell fast whether all are messages of the usual classes."""
    return _SAID.issuperset(map(type, items))


def is_message(value: object) -> TypeGuard[BaseMessage]:
    """Tell whether `value` is a message of LangChain's."""
    kind = type(value)
    return kind in _SAID or (kind not in _PLAIN and isinstance(value, BaseMessage))


def is_news(message: BaseMessage) -> bool:
    """Tell whether a message in a list is something said, not an instruction or a summary."""
    kept = message.additional_kwargs
    if kept and kept.get("lc_source") == "summarization":
        return False
    return type(message) in _SAID or not isinstance(message, RemoveMessage)


def news_among(messages: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Return those messages of a list that say something."""
    return [
        message
        for message in messages
        if (type(message) in _SAID and not message.additional_kwargs) or is_news(message)
    ]


def body_of(message: BaseMessage) -> Body:
    """Return what a message says; what is not recognised is kept, never dropped."""
    role = _PLAIN_ROLES.get(type(message))
    if role:
        return Body(role, tuple(parts_of_content(message.content)), message.name)
    if isinstance(message, ToolMessage):
        return Body(TOOL, tuple(_tool_parts(message)), message.name)
    if isinstance(message, AIMessage):
        return Body(ASSISTANT, tuple(_assistant_parts(message)), message.name)
    return Body(role_of(message), tuple(parts_of_content(message.content)), message.name)


def role_of(message: BaseMessage) -> str:
    """Return the role in our words; a chat message's own where it has one."""
    if isinstance(message, HumanMessage):
        return USER
    if isinstance(message, SystemMessage):
        return SYSTEM
    if isinstance(message, FunctionMessage):
        return TOOL
    if isinstance(message, ChatMessage):
        return _CHAT_ROLES.get(message.role, message.role)
    return _CHAT_ROLES.get(message.type, message.type)


_CHAT_ROLES: Final = {"human": USER, "ai": ASSISTANT, "developer": SYSTEM}


def messages_in(value: object) -> list[BaseMessage] | None:
    """Return the messages that `value` is made of, or None if it is anything else."""
    if isinstance(value, BaseMessage):
        return [value]
    if is_list(value) and value and all(isinstance(item, BaseMessage) for item in value):
        return list(value)
    return None


def _key_of(kind: type[BaseMessage], fields: Mapping[str, Any]) -> Any:
    """All that the body of such a message is made of; None where it must be looked at whole."""
    content = fields.get("content")
    if type(content) is not str:
        return None
    if kind is ToolMessage:
        answer = fields.get("tool_call_id"), fields.get("status")
        return kind, fields.get("name"), content, answer
    if kind is not AIMessage or fields.get("invalid_tool_calls"):
        return None
    kept, calls = fields.get("additional_kwargs"), fields.get("tool_calls")
    if kept and not _BODY_KWARGS.isdisjoint(kept):
        return None
    if calls:
        return _key_of_caller(fields.get("name"), content, calls)
    return (ASSISTANT, fields.get("name"), content) if content else None


def _key_of_caller(name: str | None, content: str, calls: object) -> Any:
    try:
        return AIMessage, name, content, _encode_calls(calls)
    except Exception:  # noqa: BLE001 (arguments of any kind; looked at whole)
        return None


# `isinstance` asks pydantic's and abc's metaclasses, unless the class is the very one.
_PLAIN_ROLES: Final[dict[type, str]] = {HumanMessage: USER, SystemMessage: SYSTEM}
_SAID: Final = frozenset({HumanMessage, AIMessage, SystemMessage, ToolMessage, AIMessageChunk})
_PLAIN: Final = frozenset({dict, list, tuple, str, type(None)})
_BODY_KWARGS: Final = frozenset({"reasoning_content", "refusal", "audio", "function_call"})
_encode_calls: Final = msgspec.json.Encoder().encode


def _assistant_parts(message: AIMessage) -> Iterator[Part]:
    reasoning = message.additional_kwargs.get("reasoning_content")
    if isinstance(reasoning, str) and reasoning:
        yield ReasoningPart(reasoning)
    calls = [call.get("id") for call in (*message.tool_calls, *message.invalid_tool_calls)]
    yield from parts_of_content(message.content, calls)
    sound = spoken(message.additional_kwargs.get("audio"))
    if sound is not None:
        yield sound
    refusal = message.additional_kwargs.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield GenericPart("refusal", {"refusal": refusal})
    for call in message.tool_calls:
        yield ToolCallPart(call["name"], call["args"], call["id"])
    asked = message.additional_kwargs.get("function_call")
    if asked and not calls:
        yield GenericPart("function_call", plain(asked))
    for bad in message.invalid_tool_calls:
        kept = {key: value for key, value in bad.items() if key not in {"type", "index"}}
        yield GenericPart("invalid_tool_call", kept)


def _tool_parts(message: ToolMessage) -> Iterator[Part]:
    content: Any = message.content
    response = content if isinstance(content, str) else list(content)
    error = getattr(message, "status", None) == "error"
    yield ToolCallResponsePart(response, message.tool_call_id, error)


def prompts_as_bodies(prompts: Sequence[str]) -> list[Body]:
    """Return what a completion model is given: each prompt is what the user said."""
    return [text_body(USER, prompt) for prompt in prompts]
