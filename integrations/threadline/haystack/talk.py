"""What is said in one agent run: its input, what its model said, what its tools answered."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from haystack.dataclasses import ChatMessage, ChatRole, ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.haystack.runs import LiveRun

_MOST_LOOKED_AT: Final = 512


class Waiting(NamedTuple):
    """A step that has ended, and whose tools' messages are yet to be seen."""

    step: LiveRun
    at_ns: int


class Decision(NamedTuple):
    """What a human decided of one tool call: the arguments that it is executed with."""

    call_id: str | None
    arguments: Any


class Talk:
    """One agent run. Its steps follow one another; only its tools run side by side.

    Haystack's spans name no tool call, and show a tool's message only in the next model call's
    input: this joins them.
    """

    __slots__ = (
        "asked",
        "decided",
        "given",
        "ids",
        "pending",
        "produced",
        "request",
        "rewritten",
        "waiting",
    )

    def __init__(self) -> None:
        self.given: list[ChatMessage] = []
        self.rewritten: list[tuple[ChatMessage, ChatMessage]] = []
        self.produced: list[ChatMessage] = []
        self.ids: list[str | None] = []
        self.asked: list[ToolCall] = []
        self.pending: list[ToolCall] = []
        self.decided: list[Decision] = []
        self.waiting: Waiting | None = None
        self.request: tuple[Any, Any, bytes] | None = None

    def hear(self, replies: Sequence[ChatMessage], ids: Sequence[str]) -> None:
        """Take note of what the model said, and of the ids that its answers have here."""
        self.produced.extend(replies)
        self.ids.extend(ids)
        self.asked = [call for reply in replies for call in reply.tool_calls]
        self.pending = list(self.asked)
        self.decided = []

    def call_id_of(self, name: str, arguments: Any) -> str | None:
        """Return the id of the call that a tool is executed for.

        Its arguments are the very object of the pending call; those that a human changed are told
        by the decision. Where all were copied, the first call that says the same is meant.
        """
        for same in (_is_same_object, _is_equal):
            for decision in list(self.decided):
                if same(decision.arguments, arguments):
                    return decision.call_id
            for call in list(self.pending):
                if call.tool_name == name and same(call.arguments, arguments):
                    _remove(self.pending, call)
                    return call.id
        named = [call for call in list(self.pending) if call.tool_name == name]
        if len(named) == 1:  # changed by a human whom Haystack 3.0 tells no tracer of
            _remove(self.pending, named[0])
            return named[0].id
        return None

    def take_changes(self, prompt: Sequence[ChatMessage]) -> list[ChatMessage]:
        """Look at the agent's first prompt for what hooks did to its input before.

        Words of the user that stand in the place of others are remembered as rewritten.

        Returns:
            The messages that nobody said, such as a summary of older ones.
        """
        given, more = self.given, len(prompt) - len(self.given)
        if self.produced or (more in {0, 1} and all(map(is_, prompt[more:], given))):
            return []  # as it was given, perhaps behind the agent's own instructions
        before = [one for one in given if one.role is not ChatRole.SYSTEM]
        now = [one for one in prompt if one.role is not ChatRole.SYSTEM]
        if len(before) == len(now):
            now = self._without_rewritten(before, now)
        known = {id(one) for one in before}
        return [one for one in now if id(one) not in known]

    def _without_rewritten(
        self, before: list[ChatMessage], now: list[ChatMessage]
    ) -> list[ChatMessage]:
        """Leave out messages that are only other objects, and those that the user would know."""
        others: list[ChatMessage] = []
        spoke = max((n for n, m in enumerate(before) if m.role is ChatRole.ASSISTANT), default=-1)
        for place, (old, new) in enumerate(zip(before, now, strict=True)):
            if _is_equal(old, new):
                continue
            if place > spoke and old.role is ChatRole.USER and new.role is ChatRole.USER:
                self.rewritten.append((old, new))
            else:
                others.append(new)
        return others

    def take_results(self, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
        """Return the messages that answer the calls of the last reply, in the order of the calls.

        Args:
            messages: The agent's list now; what it was before may have been rewritten.
        """
        asked, self.asked, self.pending = self.asked, [], []
        wanted = {index: call for index, call in enumerate(asked)}  # noqa: C416 (it loses items below)
        found: dict[int, ChatMessage] = {}
        for message in messages[: -_MOST_LOOKED_AT - 1 : -1]:
            if not wanted:
                break
            for index in [i for i, call in wanted.items() if _answers(message, call)]:
                del wanted[index]
                found[index] = message
        ordered = [found[index] for index in sorted(found)]
        unique = [one for n, one in enumerate(ordered) if all(one is not o for o in ordered[:n])]
        self.produced.extend(unique)
        self.ids.extend([None] * len(unique))
        return unique

    def take_own_words(self, messages: Sequence[ChatMessage]) -> ChatMessage | None:
        """Return the answer that a hook put in place of the model's, if one did."""
        last = messages[-1] if messages else None
        if last is None or last.role is not ChatRole.ASSISTANT or last.tool_calls or not last.text:
            return None
        said = self.produced[-1] if self.produced else None
        if said is None or said.text == last.text or any(last is one for one in self.given):
            return None
        if said.role is ChatRole.ASSISTANT and not any(said is one for one in messages):
            self.produced.pop()
            self.ids.pop()
        self.produced.append(last)
        self.ids.append(None)
        return last


def _answers(message: ChatMessage, call: ToolCall) -> bool:
    return message.role is ChatRole.TOOL and any(
        result.origin.id == call.id if call.id is not None else result.origin == call
        for result in message.tool_call_results
    )


def _is_same_object(one: object, other: object) -> bool:
    return one is other


def _is_equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 (arguments of any kind)
        return False


def _remove(calls: list[ToolCall], call: ToolCall) -> None:
    for index, one in enumerate(calls):
        if one is call:
            del calls[index]
            return
