"""What `threadline.log` is given, in any of its forms, as one conversation."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

from threadline.capture.scope import current_scope
from threadline.client.openai_messages import body_of as body_of_openai
from threadline.client.scopes import checked_id
from threadline.errors import ArgumentError
from threadline.model.contextai_values import refused
from threadline.model.conversation import Conversation
from threadline.model.message import Message

if TYPE_CHECKING:
    from threadline.model.message import Body

Entry = dict[str, Any]

# Where a class of messages is defined, and what in our adapter reads it: no framework is imported
# that the caller has not imported, since one of its objects is here.
_FRAMEWORKS: Final = {
    "langchain_core.messages": ("threadline.langchain.messages", "BaseMessage"),
    "haystack.dataclasses": ("threadline.haystack.messages", "ChatMessage"),
}
_ARGUMENT: Final = "messages"
_ALLOWED: Final = (
    "a Conversation, a dict with `messages`, or a list of messages: of LangChain, of Haystack,"
    " or dicts in the shape of OpenAI or Context.ai"
)
_ONE: Final = "a message of LangChain or Haystack, or a dict with a role and `content` or `message`"
_THREAD: Final = "the id of the conversation that the messages belong to"


class Told(NamedTuple):
    """A conversation to be logged. `has_ids`: it came with ids of turns that are to be kept."""

    conversation: Conversation
    has_ids: bool


def told_conversation(messages: object, thread_id: str | None) -> Told:
    """Return what is to be logged.

    Args:
        messages: What the application gave.
        thread_id: Where it belongs; by default to what it says itself, else to the scope around.

    Raises:
        ArgumentError: naming what is at fault and what is allowed there.
    """
    thread_id = None if thread_id is None else checked_id("thread_id", thread_id)
    if isinstance(messages, Conversation):
        return Told(_under(messages, thread_id), has_ids=True)
    if isinstance(messages, Mapping):
        fields = dict(cast("Mapping[str, Any]", messages))
        if "messages" not in fields:
            raise refused(_ARGUMENT, "", None, _ALLOWED)
        return _from_dict(fields, thread_id, has_ids=fields.get("turns") is not None)
    if isinstance(messages, str | bytes) or not isinstance(messages, Iterable):
        raise refused(_ARGUMENT, "", messages, _ALLOWED)
    given = list(cast("Iterable[object]", messages))
    return _from_dict({"messages": given}, thread_id, has_ids=False)


def _from_dict(fields: Entry, thread_id: str | None, *, has_ids: bool) -> Told:
    scope = current_scope.get()
    around = None if scope is None else scope.thread_id
    fields["id"] = thread_id or fields.get("id") or around
    if fields["id"] is None:
        raise ArgumentError(argument="thread_id", value=None, allowed=_THREAD)
    given = fields["messages"]
    if isinstance(given, list) and not has_ids:
        listed = cast("list[object]", given)
        fields["messages"] = [_entry(one, f"messages[{n}]") for n, one in enumerate(listed)]
    return Told(Conversation.from_dict(fields), has_ids)


def _under(conversation: Conversation, thread_id: str | None) -> Conversation:
    if thread_id is None or thread_id == conversation.thread_id:
        return conversation
    return msgspec.structs.replace(conversation, thread_id=thread_id, id_source="application")


def _entry(given: object, place: str) -> Entry:
    """Return one message as an entry of the Context.ai shape, with our own keys beside."""
    if isinstance(given, Mapping):
        fields = dict(cast("Mapping[str, Any]", given))
        if "message" in fields or "parts" in fields or fields.get("type") in {"tool", "event"}:
            return fields
        times = {k: fields[k] for k in ("event_timestamp", "at_ns") if k in fields}
        return {**_body_entry(body_of_openai(fields, place)), **times}
    if isinstance(given, Message):
        entry = _body_entry(given.body) | {"framework_id": given.framework_id}
        return entry | {"at_ns": given.at_ns, "partial": given.partial, "metadata": given.metadata}
    body, ident = _of_framework(given, place)
    return _body_entry(body) | {"framework_id": ident}


def _of_framework(given: object, place: str) -> tuple[Body, str | None]:
    for cls in type(given).__mro__:
        for package, (adapter, name) in _FRAMEWORKS.items():
            if cls.__name__ == name and cls.__module__.startswith(package):
                ident = getattr(given, "id", None)
                body = importlib.import_module(adapter).body_of(given)
                return body, ident if isinstance(ident, str) else None
    raise ArgumentError(place, type(given).__name__, _ONE)


def _body_entry(body: Body) -> Entry:
    return {"role": body.role, "name": body.name, "parts": msgspec.to_builtins(body.parts)}
