"""In which order the things of one turn are read: what was said, what was done for it between."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from threadline.model import (
    Conversation,
    Message,
    Retrieval,
    Span,
    Status,
    ToolCallPart,
    ToolCallResponsePart,
    ToolObservation,
    Turn,
)
from threadline.model.message import ASSISTANT, TOOL, USER

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = Message | ToolObservation | ToolCallPart | Retrieval

_FAILED: Final = frozenset({Status.ERROR, Status.STOPPED, Status.CANCELLED, Status.ABANDONED})


def reading_order(turn: Turn) -> Iterator[Item]:
    """Yield what a turn consists of, in the order in which a person wants to read it.

    Tool observations follow the message that asked for them, in call order. What nobody asked for
    (retrievals, tools that the application ran by itself) comes before the answer that followed
    it. Tool messages are left out where a tool observation says the same.
    """
    messages = [message for message in turn.messages if not _is_folded(message, turn)]
    asked = _observations_by_message(messages, turn)
    unasked = _unasked_by_place(messages, asked, turn)
    for place, message in enumerate(messages):
        yield from unasked[place]
        yield message
        yield from asked[place]
    yield from unasked[len(messages)]


def asked_again(conversation: Conversation) -> frozenset[str]:
    """Return the ids of turns without the user's words, because a failed turn before has them."""
    return frozenset(asked_before(conversation))


def asked_before(conversation: Conversation) -> dict[str, tuple[Message, ...]]:
    """Return the user's words of turns that are tried again, which a failed turn before has."""
    found: dict[str, tuple[Message, ...]] = {}
    waiting: tuple[Message, ...] = ()
    for turn in conversation.turns:
        if turn.kind != "turn":
            continue
        own = tuple(message for message in turn.messages if message.role == USER)
        if waiting and not own and turn.continues is None:
            own = found[turn.id] = waiting
        waiting = own if turn.status in _FAILED else ()
    return found


def left_behind(conversation: Conversation) -> frozenset[str]:
    """Return the ids of turns of which a newer branch left something behind."""
    left = frozenset(conversation.superseded)
    return frozenset(
        turn.id
        for turn in conversation.turns
        if any(message.id in left for message in turn.messages)
    )


def _is_folded(message: Message, turn: Turn) -> bool:
    if message.role != TOOL:
        return False
    known = {observation.call_id for observation in turn.tool_observations} - {None}
    answers = [part.id for part in message.parts if isinstance(part, ToolCallResponsePart)]
    return bool(answers) and all(answer in known for answer in answers)


def _observations_by_message(
    messages: list[Message], turn: Turn
) -> defaultdict[int, list[ToolObservation | ToolCallPart]]:
    left = list(turn.tool_observations)
    found: defaultdict[int, list[ToolObservation | ToolCallPart]] = defaultdict(list)
    for place, message in enumerate(messages):
        if message.role != ASSISTANT:
            continue
        for call in message.tool_calls:
            match = next((o for o in left if _answers(o, call, message)), None)
            found[place].append(match or call)
            if match:
                left.remove(match)
        others = [o for o in left if o.message_id == message.id]
        found[place].extend(others)
        left = [o for o in left if o not in others]
    return found


def _answers(observation: ToolObservation, call: ToolCallPart, message: Message) -> bool:
    if call.id is None or observation.call_id != call.id:
        return False
    return observation.message_id in {None, message.id}


def _unasked_by_place(
    messages: list[Message],
    asked: defaultdict[int, list[ToolObservation | ToolCallPart]],
    turn: Turn,
) -> defaultdict[int, list[ToolObservation | Retrieval]]:
    placed = {item.id for items in asked.values() for item in items if not _is_call(item)}
    starts: dict[str, Span] = {span.id: span for span in turn.spans}
    unasked: list[tuple[int, ToolObservation | Retrieval]] = [
        (o.started_ns or 0, o) for o in turn.tool_observations if o.id not in placed
    ]
    unasked += [(starts[r.span_id].started_ns, r) for r in turn.retrievals]
    found: defaultdict[int, list[ToolObservation | Retrieval]] = defaultdict(list)
    for started_ns, item in sorted(unasked, key=lambda pair: pair[0]):
        found[_place_before_answer(messages, started_ns)].append(item)
    return found


def _is_call(item: ToolObservation | ToolCallPart) -> bool:
    return isinstance(item, ToolCallPart)


def _place_before_answer(messages: list[Message], started_ns: int) -> int:
    answers = [place for place, message in enumerate(messages) if message.role == ASSISTANT]
    for place in answers:
        at_ns = messages[place].at_ns
        if at_ns is not None and at_ns >= started_ns:
            return place
    if answers and not messages[answers[-1]].tool_calls:
        return answers[-1]
    return len(messages)
