"""Haystack's messages as bodies. Nothing of them is kept: bodies are copies, sealed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from haystack.dataclasses import ChatMessage, ChatRole, TextContent, ToolCall, ToolCallResult

from threadline.haystack.content import part_of
from threadline.model.message import ASSISTANT, SYSTEM, TOOL, USER, Body

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.capture.events import Ref
    from threadline.capture.recorder import Draft
    from threadline.haystack.answers import Answers


def refs_of(
    messages: Iterable[ChatMessage], draft: Draft, answers: Answers | None = None
) -> tuple[Ref, ...]:
    """Seal messages and return where they are; replayed history costs a look-up.

    Args:
        messages: Messages of any role.
        draft: The event that they go with.
        answers: Tells the ids of those that models have said.
    """
    digest_of = draft.recorder.digests.table().get
    known, bodies = draft.journal.known, draft.bodies
    refs: list[Ref] = []
    for message in messages:
        key = _key_of(message)
        digest = None if key is None else digest_of(key)
        if digest is None or (digest not in known and digest not in bodies):
            digest = draft.seal(body_of(message))
            if key is not None:
                draft.recorder.digests.put(key, digest, _size_of(message))
        is_answer = answers is not None and message.role is ChatRole.ASSISTANT
        refs.append((digest, answers.id_of(message) if is_answer and answers else None))
    return tuple(refs)


def refs_by(
    ids: Sequence[str | None], messages: Sequence[ChatMessage], draft: Draft
) -> tuple[Ref, ...]:
    """Seal messages whose ids are known."""
    refs = refs_of(messages, draft)
    return tuple((digest, name) for (digest, _), name in zip(refs, ids, strict=True))


def refs_of_rewritten(
    name: str, rewritten: Sequence[tuple[ChatMessage, ChatMessage]], draft: Draft
) -> tuple[Ref, ...]:
    """Seal words of the user and those that took their place, under one id: the last ones count.

    Args:
        name: What no other run is called.
        rewritten: Messages before and after.
        draft: The event that they go with.
    """
    return tuple(
        (digest, f"{name}-given-{place}")
        for place, pair in enumerate(rewritten)
        for digest, _ in refs_of(pair, draft)
    )


def body_of(message: ChatMessage) -> Body:
    """Return what a message says; what is not recognised is kept, never dropped."""
    role = _ROLES.get(message.role, str(message.role))
    return Body(role, tuple(part_of(part) for part in parts_of(message)), _name_of(message))


def parts_of(message: ChatMessage) -> Sequence[Any]:
    """Return the parts of a message, in their order."""
    # Its accessors each make a list of the parts of one class; no public one keeps their order.
    return message._content  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (above)


def _name_of(message: ChatMessage) -> str | None:
    """A tool's message has no name of its own: it is its tool's."""
    if message.name is None and message.role is ChatRole.TOOL:
        result = message.tool_call_result
        return None if result is None else result.origin.tool_name
    return message.name


def _key_of(message: ChatMessage) -> Any:
    """All that a message's body is made of, as a key; None where it must be looked at whole."""
    parts = parts_of(message)
    if len(parts) != 1:
        return _key_of_answer(message, parts)
    part = parts[0]
    if part.__class__ is TextContent:
        return _ROLES.get(message.role, message.role), message.name, part.text
    if part.__class__ is ToolCallResult and isinstance(part.result, str):
        origin = part.origin
        return ChatMessage, origin.tool_name, part.result, origin.id, part.error
    return _key_of_answer(message, parts)


def _key_of_answer(message: ChatMessage, parts: Sequence[Any]) -> Any:
    if message.role is not ChatRole.ASSISTANT:
        return None
    key: list[Any] = [ChatMessage, message.name]
    try:
        for part in parts:
            if part.__class__ is TextContent:
                key.append(part.text)
            elif part.__class__ is ToolCall:
                key += (part.tool_name, part.id, _encode(part.arguments))
            else:
                return None
    except Exception:  # noqa: BLE001 (arguments of any kind; looked at whole)
        return None
    return tuple(key)


def _size_of(message: ChatMessage) -> int:
    return sum(len(text) for text in message.texts)


_encode: Final = msgspec.json.Encoder().encode
_ROLES: Final = {
    ChatRole.SYSTEM: SYSTEM,
    ChatRole.USER: USER,
    ChatRole.ASSISTANT: ASSISTANT,
    ChatRole.TOOL: TOOL,
}
