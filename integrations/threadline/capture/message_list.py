"""What came back where a root keeps a list of messages, as agents and chat graphs do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from threadline.capture.sayings import Reading, Saying, end_ns, ended, history_length
from threadline.model.message import ASSISTANT, TOOL
from threadline.model.parts import ToolCallPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.capture.events import Ref
    from threadline.capture.open_turn import OpenSpan

_CARRIES_MESSAGES = frozenset({"step", "workflow", "agent"})


def steps_with_messages(root: OpenSpan) -> list[OpenSpan]:
    """Return the steps right below a root that gave messages to its list."""
    return [s for s in ended(root.children) if s.kind in _CARRIES_MESSAGES and s.outputs]


class MessageList:
    """A root's list: the messages that were produced beneath it and stood in it at any time."""

    def __init__(
        self, root: OpenSpan, reading: Reading, calls: list[OpenSpan], words: list[Saying]
    ) -> None:
        self._root = root
        self._reading = reading
        self._calls = calls
        self._producers = _Producers(root, reading, calls)
        self._asked = {s.framework_id for s in words} | {s.digest for s in words}
        self._old = {digest for digest, _ in root.inputs}
        for call in calls[:1]:
            history = history_length(call.inputs, reading.body_of)
            self._old.update(
                ref[0]
                for n, ref in enumerate(call.inputs)
                if n < history or reading.role(ref) != TOOL  # a human let a tool run first
            )

    def sayings(self) -> list[Saying]:
        """Return what was said, in order."""
        reading, producers = self._reading, self._producers
        produced = [
            reading.saying(ref, producers.span_of(ref), producers.time_of(ref))
            for ref in self._new_at_the_end()
        ]
        present = {s.framework_id for s in produced} | {s.digest for s in produced}
        for step in steps_with_messages(self._root):
            for ref in step.outputs:
                again = self._is_run_again(ref, produced, present)
                if again or (self._is_new(ref) and not self._is_among(ref, present)):
                    present.update(ref)
                    saying = reading.saying(ref, producers.span_of(ref), end_ns(step))
                    _insert_by_time(produced, saying)
        if not self._root.outputs:
            self._add_unlisted(produced, present)
        self._add_structured(produced)
        return _in_call_order(produced, reading)

    def _new_at_the_end(self) -> Iterable[Ref]:
        """What follows the user's words; where no run made it, LangGraph had kept it."""
        outputs = self._root.outputs
        start = self._start_of_the_new(outputs)
        is_made_by_nobody = start > 0 and not self._calls and not steps_with_messages(self._root)
        for index, ref in enumerate(outputs):
            if self._reading.held.holds(ref[1], ref[0]) or ref[1] in self._asked - {None}:
                continue
            is_made = is_made_by_nobody or self._producers.made(ref)
            if self._producers.spoke(ref) or (index >= start and is_made):
                yield ref

    def _start_of_the_new(self, outputs: Sequence[Ref]) -> int:
        """Behind what the user said; a step hands back history too, which nobody produced."""
        inputs = self._root.inputs
        if [d for d, _ in outputs[: len(inputs)]] == [d for d, _ in inputs]:
            return len(inputs)
        asked = [n for n, (_, i) in enumerate(outputs) if i is not None and i in self._asked]
        return asked[-1] + 1 if asked else 0

    def _is_new(self, ref: Ref) -> bool:
        """Whether a step added a message; it may hand back the whole list, history and all."""
        if self._reading.held.holds(ref[1], ref[0]):
            return False
        if self._producers.spoke(ref):
            return True
        asked = ref[1] in self._asked - {None} or ref[0] in self._asked
        return not asked and ref[0] not in self._old and not self._reading.is_known(ref)

    def _is_run_again(
        self, ref: Ref, produced: list[Saying], present: set[bytes | str | None]
    ) -> bool:
        """Tell a tool's message from another run's that says the same under the same call id."""
        digest, framework_id = ref
        if framework_id is None or framework_id in present:
            return False
        if self._reading.held.holds(framework_id, digest):
            return False
        runs = self._producers.runs_that_said(digest)
        return runs > 0 and runs > sum(saying.digest == digest for saying in produced)

    def _is_among(self, ref: Ref, present: set[bytes | str | None]) -> bool:
        """Tell by its id whether a message is there already; by its words where it has none."""
        digest, framework_id = ref
        if framework_id is not None and self._producers.spoke(ref):
            return framework_id in present
        return digest in present or (framework_id is not None and framework_id in present)

    def _add_unlisted(self, produced: list[Saying], present: set[bytes | str | None]) -> None:
        """A graph that failed or was left early: what its model said last may be in no list."""
        for call in self._calls:
            produced.extend(
                self._reading.answer_of(call, ref)
                for ref in call.outputs
                if not self._is_among(ref, present) and not call.children
            )

    def _add_structured(self, produced: list[Saying]) -> None:
        """A structured response is the answer where the assistant said nothing in words."""
        end = self._root.end
        if end is None or end.answer is None or not produced or not self._root.outputs:
            return
        last = [s for s in produced if s.role == ASSISTANT][-1:]
        if not any(self._reading.body_of(saying.digest).text for saying in last):
            produced.append(Saying(end.answer, None, ASSISTANT, end.at_ns))


class _Producers:
    """Which span produced a message, by its id or its body."""

    def __init__(self, root: OpenSpan, reading: Reading, calls: list[OpenSpan]) -> None:
        self._root = root
        self._ids: dict[str, OpenSpan] = {}
        self._digests: dict[bytes, OpenSpan] = {}
        below = [s for s in reading.turn.beneath(root) if not s.beneath("tool")]
        self._tool_results = Counter(d for s in below if s.kind == "tool" for d, _ in s.outputs)
        steps = [s for s in below if s.kind in _CARRIES_MESSAGES]
        tools = [s for s in below if s.kind == "tool"]
        for span in (*steps, *tools, *calls):  # the nearest producer last, so that it wins
            for digest, framework_id in span.outputs:
                if framework_id is not None:
                    self._ids[framework_id] = span
                else:
                    self._digests[digest] = span

    def spoke(self, ref: Ref) -> bool:
        """Tell whether a model or a tool produced the message, known by its id."""
        span = None if ref[1] is None else self._ids.get(ref[1])
        return span is not None and span.kind not in _CARRIES_MESSAGES

    def runs_that_said(self, digest: bytes) -> int:
        """Return how many tool runs answered with this."""
        return self._tool_results[digest]

    def made(self, ref: Ref) -> bool:
        """Tell whether anything beneath the root gave the message to its list."""
        return self.span_of(ref) is not None

    def span_of(self, ref: Ref) -> OpenSpan | None:
        """Return what produced a message."""
        span = self._ids.get(ref[1]) if ref[1] is not None else None
        return span or self._digests.get(ref[0])

    def time_of(self, ref: Ref) -> int:
        """Return when a message was produced."""
        return end_ns(self.span_of(ref) or self._root)


def _insert_by_time(sayings: list[Saying], saying: Saying) -> None:
    index = len(sayings)
    while index > 0 and sayings[index - 1].at_ns > saying.at_ns:
        index -= 1
    sayings.insert(index, saying)


def _in_call_order(produced: list[Saying], reading: Reading) -> list[Saying]:
    """Parallel tools end in any order; their messages stand in the order of the calls."""
    order: dict[str, int] = {}
    for saying in produced:
        for part in reading.body_of(saying.digest).parts:
            if isinstance(part, ToolCallPart) and part.id is not None:
                order.setdefault(part.id, len(order))
    start = 0
    while start < len(produced):
        stop = start
        while stop < len(produced) and produced[stop].role == TOOL:
            stop += 1
        produced[start:stop] = sorted(
            produced[start:stop],
            key=lambda s: order.get(_call_id(s, reading) or "", len(order)),
        )
        start = stop + 1
    return produced


def _call_id(saying: Saying, reading: Reading) -> str | None:
    ids = [getattr(part, "id", None) for part in reading.body_of(saying.digest).parts]
    return next((i for i in ids if i), None)
