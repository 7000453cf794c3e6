"""In which order the entries of the Context.ai shape stand: messages, observations, events."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from threadline.model.message import TOOL, USER, Message
from threadline.model.parts import ToolCallResponsePart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.model.turn import ToolObservation, Turn

T = TypeVar("T")


class Place(NamedTuple):
    """One thing to tell: a message, or an observation with the tool message that it stands for.

    `position` is where that tool message belongs among the turn's messages, if not just here.
    """

    told: Message | ToolObservation
    answer: Message | None = None
    position: int | None = None


def places_of(turn: Turn) -> list[Place]:
    """Put each tool observation after the message that asked for it, in call order.

    An observation that nobody asked for stands by its time. A tool message all of whose responses
    were observed is told with the first of these observations instead of on its own.
    """
    observed = _in_call_order(turn)
    answers = _answers(turn, observed)
    hidden = set(answers.values())
    things: list[tuple[tuple[int, int], Place]] = [
        ((index, -1), Place(message))
        for index, message in enumerate(turn.messages)
        if index not in hidden
    ]
    for number, (anchor, observation) in enumerate(observed):
        index = answers.get(number)
        answer = None if index is None else turn.messages[index]
        things.append(((anchor, number), Place(observation, answer, index)))
    places = [place for _, place in sorted(things, key=itemgetter(0))]
    return _without_needless_positions(turn, places)


def happened_ns(observation: ToolObservation) -> int | None:
    """Return when an observation began; where that is not known, when it ended."""
    return observation.ended_ns if observation.started_ns is None else observation.started_ns


def told_by_time(
    entries: Sequence[tuple[int | None, T]], later: Sequence[tuple[int, T]]
) -> list[tuple[int | None, T]]:
    """Put each of `later` before the first entry that happened after it, keeping their order."""
    merged = list(entries)
    start = 0
    for at_ns, entry in later:
        start = _first_after(merged, at_ns, start)
        merged.insert(start, (at_ns, entry))
        start += 1
    return merged


def _first_after(entries: Sequence[tuple[int | None, Any]], at_ns: int, start: int) -> int:
    for index in range(start, len(entries)):
        other = entries[index][0]
        if other is not None and other > at_ns:
            return index
    return len(entries)


class _Call(NamedTuple):
    message_index: int
    number: int
    message_id: str
    call_id: str | None


def _in_call_order(turn: Turn) -> list[tuple[int, ToolObservation]]:
    """Return each observation with the index of the message that it stands after."""
    calls = [
        _Call(index, number, message.id, part.id)
        for index, message in enumerate(turn.messages)
        for number, part in enumerate(message.tool_calls)
    ]
    free = set(calls)
    spots: list[tuple[tuple[int, int], ToolObservation]] = []
    for observation in turn.tool_observations:
        call = _call_of(observation, calls, free)
        if call is None:
            spots.append(((_uncalled_anchor(turn, observation), len(calls)), observation))
        else:
            free.discard(call)
            spots.append(((call.message_index, call.number), observation))
    return [(anchor, o) for (anchor, _), o in sorted(spots, key=itemgetter(0))]


def _call_of(
    observation: ToolObservation, calls: Sequence[_Call], free: set[_Call]
) -> _Call | None:
    """Find the call by its id, within its message if that is known: providers repeat call ids."""
    if observation.call_id is None:
        return None
    same = [call for call in calls if call.call_id == observation.call_id]
    nearest = [call for call in same if call.message_id == observation.message_id] or same
    return next((call for call in nearest if call in free), nearest[-1] if nearest else None)


def _uncalled_anchor(turn: Turn, observation: ToolObservation) -> int:
    named = [n for n, m in enumerate(turn.messages) if m.id == observation.message_id]
    if named:
        return named[0]
    at_ns = happened_ns(observation)
    if at_ns is not None:
        times = [(n, m.at_ns) for n, m in enumerate(turn.messages) if m.at_ns is not None]
        if before := [n for n, told_ns in times if told_ns <= at_ns]:
            return before[-1]
    asked = [n for n, m in enumerate(turn.messages) if m.role == USER]
    return asked[0] if asked else 0


def _answers(turn: Turn, observed: Sequence[tuple[int, ToolObservation]]) -> dict[int, int]:
    """Return which observation (by number) tells which tool message (by index)."""
    answers: dict[int, int] = {}
    free = dict(enumerate(observed))
    for index, message in enumerate(turn.messages):
        numbers = _observed_in(message, index, free) if message.role == TOOL else []
        for number in numbers:
            del free[number]
        if numbers:
            answers[numbers[0]] = index
    return answers


def _observed_in(
    message: Message, index: int, free: dict[int, tuple[int, ToolObservation]]
) -> list[int]:
    """Return the observations of all the message's responses, or none at all."""
    found: list[int] = []
    for part in message.parts:
        if isinstance(part, ToolCallResponsePart):
            number = _observation_of(part, index, free, found)
            if number is None:
                return []
            found.append(number)
    return found


def _observation_of(
    part: ToolCallResponsePart,
    index: int,
    free: dict[int, tuple[int, ToolObservation]],
    found: Sequence[int],
) -> int | None:
    if part.id is None:
        return None
    for number, (anchor, observation) in free.items():
        if observation.call_id == part.id and anchor <= index and number not in found:
            return number
    return None


def _without_needless_positions(turn: Turn, places: list[Place]) -> list[Place]:
    """Drop the positions if the messages come out in their order anyway."""
    told = [place.answer or place.told for place in places]
    indexes = {id(message): index for index, message in enumerate(turn.messages)}
    order = [indexes[id(thing)] for thing in told if isinstance(thing, Message)]
    if order == sorted(order):
        return [place._replace(position=None) for place in places]
    return places
