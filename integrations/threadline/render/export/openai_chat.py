"""A conversation as OpenAI's chat fine-tuning takes it: `messages` and `tools`, one object each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from threadline.model import Status, TextPart, ToolCallResponsePart
from threadline.model.message import ASSISTANT, SYSTEM, TOOL, USER, text_of
from threadline.model.openai_chat import call_entry, picture_entry
from threadline.render.order import asked_before, left_behind
from threadline.render.values import json_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from threadline.model import Conversation, Message, Part, ToolCallPart, Turn

Example = dict[str, Any]


def chat_example(conversation: Conversation) -> Example | None:
    """Return a conversation as one example; None where no assistant says anything in it.

    Turns that did not end well or that a newer branch left behind are left out, and so are tool
    calls that nobody answered: none of them is anything to learn from, and the format allows no
    open call. A turn that is tried again brings the question of the one that failed. Where the
    transcript has no system message, the first model call's own stands at the beginning.

    Example:
        >>> from threadline.model import Conversation, Message, Turn
        >>> asked = Message(id="1", role="user", parts=(TextPart("Tea?"),))
        >>> told = Message(id="2", role="assistant", parts=(TextPart("Yes."),))
        >>> turns = (
        ...     Turn(id="a", thread_id="t", status=Status.ERROR, started_ns=1, messages=(asked,)),
        ...     Turn(id="b", thread_id="t", status=Status.OK, started_ns=2, messages=(told,)),
        ... )
        >>> example = chat_example(Conversation(thread_id="t", turns=turns)) or {}
        >>> [(entry["role"], entry["content"]) for entry in example["messages"]]
        [('user', 'Tea?'), ('assistant', 'Yes.')]
    """
    left, before = left_behind(conversation), asked_before(conversation)
    turns = [t for t in conversation.turns if t.id not in left and _ended_well(t)]
    messages = [entry for turn in turns for entry in _turn_entries(turn, before.get(turn.id, ()))]
    if not any(entry["role"] == ASSISTANT for entry in messages):
        return None
    if messages[0]["role"] != SYSTEM:
        messages = [*_system(turns), *messages]
    tools = _tools(turns)
    return {"messages": messages, "tools": tools} if tools else {"messages": messages}


def _ended_well(turn: Turn) -> bool:
    return turn.kind == "turn" and turn.status is Status.OK


def _turn_entries(turn: Turn, asked: tuple[Message, ...]) -> Iterator[Example]:
    answered = {
        part.id: part
        for message in turn.messages
        for part in message.parts
        if isinstance(part, ToolCallResponsePart) and part.id is not None
    }
    for message in (*asked, *turn.messages):
        if message.role == ASSISTANT:
            calls = [call for call in message.tool_calls if call.id in answered]
            yield from _assistant(message, calls)
            for call in calls:
                told = value_text(answered[str(call.id)].response)
                yield {"role": TOOL, "tool_call_id": call.id, "content": told}
        elif message.role in {SYSTEM, USER}:
            yield {"role": message.role, "content": _content(message.parts)}


def _assistant(message: Message, calls: Iterable[ToolCallPart]) -> Iterator[Example]:
    entry: Example = {"role": ASSISTANT}
    if message.text:
        entry["content"] = message.text
    asked = [call_entry(call, _arguments(call.arguments)) for call in calls]
    if asked:
        entry["tool_calls"] = asked
    if len(entry) > 1:
        yield entry


def _arguments(arguments: object) -> str:
    if isinstance(arguments, str):
        return arguments
    return json_text({} if arguments is None else arguments)


def _content(parts: tuple[Part, ...]) -> str | list[Example]:
    if not any(picture_entry(part) for part in parts):
        return text_of(parts)
    return [entry for part in parts for entry in _content_part(part)]


def _content_part(part: Part) -> Iterator[Example]:
    if isinstance(part, TextPart):
        yield {"type": "text", "text": part.content}
    elif (picture := picture_entry(part)) is not None:
        yield picture


def _system(turns: list[Turn]) -> Iterator[Example]:
    calls = [call for turn in turns for call in turn.llm_calls if call.input_messages]
    first = calls[0].input_messages[0] if calls else None
    if first is not None and first.role == SYSTEM:
        yield {"role": SYSTEM, "content": first.text}


def _tools(turns: list[Turn]) -> list[Example]:
    offered: dict[str, Example] = {}
    for definition in (d for turn in turns for call in turn.llm_calls for d in call.tools):
        tool = definition.get("function", definition)
        if not isinstance(tool, dict) or not isinstance(cast("Example", tool).get("name"), str):
            continue
        known = cast("Example", tool)
        function = {"name": known["name"]}
        if known.get("description"):
            function["description"] = known["description"]
        function["parameters"] = known.get("parameters") or known.get("input_schema") or {}
        offered.setdefault(known["name"], {"type": "function", "function": function})
    return list(offered.values())
