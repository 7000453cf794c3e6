"""What came back where a root keeps no list: the model calls that lead to what it returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from threadline.capture.endings import status_of
from threadline.capture.sayings import Reading, Saying, common_length, end_ns
from threadline.model.message import ASSISTANT, TOOL

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.capture.events import Ref
    from threadline.capture.open_turn import OpenSpan


class MainLine:
    """The model calls whose inputs extend one another, up to the one whose answer was returned."""

    def __init__(self, root: OpenSpan, reading: Reading, calls: list[OpenSpan]) -> None:
        self._root = root
        self._reading = reading
        self._returned = _returned_call(root, reading, calls)
        self._last = self._returned or max(
            calls, key=lambda call: (call.ended_order, call.n), default=None
        )
        self.calls = [] if self._last is None else _line_to(self._last, calls)

    def sayings(self) -> list[Saying]:
        """Return what was said, in order."""
        sayings: list[Saying] = []
        for before, call in zip([None, *self.calls], self.calls, strict=False):
            if before is not None:
                sayings.extend(self._tool_messages_between(before, call))
            sayings.extend(self._reading.answer_of(call, ref) for ref in call.outputs)
        if self._returned is None or not self._reading.body_of(sayings[-1].digest).text:
            self._replace_answer(sayings)
        if sayings and not _returned_anything(self._root):
            sayings[-1].partial = True  # the model said it, and nobody got it
        return sayings

    def _tool_messages_between(self, before: OpenSpan, call: OpenSpan) -> list[Saying]:
        answers = {d for d, _ in before.outputs}
        inputs = call.inputs
        start = max((n for n, (d, _) in enumerate(inputs) if d in answers), default=len(inputs))
        between = [ref for ref in inputs[start + 1 :] if self._reading.role(ref) == TOOL]
        return [self._reading.saying(ref, None, call.start.at_ns) for ref in between]

    def _replace_answer(self, sayings: list[Saying]) -> None:
        """What the root returned is the answer, not what the model said to get there."""
        end = self._root.end
        if end is None or end.answer is None or status_of(self._reading.turn) == "interrupted":
            return  # what a graph holds that waits for a human is no answer
        if self._last is None and end.answer not in end.texts:
            return  # a value that no model had a part in is no answer to anybody
        words = self._reading.body_of(end.answer).text
        if self._last is not None and sayings and sayings[-1].span is self._last:
            if _is_same_json(self._reading.body_of(sayings[-1].digest).text, words):
                return
            sayings.pop()
        partial = self._reading.turn.left_open_by_root
        sayings.append(Saying(end.answer, None, ASSISTANT, end_ns(self._root), partial=partial))


def _returned_anything(root: OpenSpan) -> bool:
    end = root.end
    return end is not None and bool(end.messages or end.texts or end.answer)


def _returned_call(root: OpenSpan, reading: Reading, calls: list[OpenSpan]) -> OpenSpan | None:
    if root.end is None:
        return None
    ids = {i for _, i in root.outputs if i is not None}
    answer = root.end.answer
    digests = {d for d, _ in root.outputs} | set(root.end.texts)
    words = None if answer is None else reading.body_of(answer).text
    texts = {reading.body_of(d).text for d in digests} - {""}
    tests: tuple[Callable[[Ref], bool], ...] = (
        lambda ref: ref[1] in ids,
        lambda ref: bool(words) and reading.body_of(ref[0]).text == words,
        lambda ref: ref[0] in digests,
        lambda ref: reading.body_of(ref[0]).text in texts,
    )
    by_end = sorted(calls, key=lambda call: call.ended_order, reverse=True)
    for test in tests:
        for call in by_end:
            if any(test(ref) for ref in call.outputs):
                return call
    return None


def _line_to(last: OpenSpan, calls: list[OpenSpan]) -> list[OpenSpan]:
    """Return the calls whose inputs extend one another, up to `last`."""
    line = [last]
    earlier = [c for c in calls if c.end is not None and c.n < last.n and c.outputs]
    for call in reversed(earlier):
        inputs = line[0].inputs
        spoken = {d for d, _ in inputs[common_length(call.inputs, inputs) :]}
        if len(inputs) > len(call.inputs) and any(d in spoken for d, _ in call.outputs):
            line.insert(0, call)
    return line


def _is_same_json(text: str, other: str) -> bool:
    try:
        return bool(msgspec.json.decode(text) == msgspec.json.decode(other))
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text == other
