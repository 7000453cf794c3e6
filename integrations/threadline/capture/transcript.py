"""What the transcript of a turn is: each thing said, once, in order.

History is judged by position in the root's own input and by what the conversation holds, never by
text; `docs/recorded.md` tells the rules in words. Pure: nothing here touches the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from threadline.capture.events import Ref
from threadline.capture.open_turn import OpenSpan, OpenTurn
from threadline.model.message import ASSISTANT, SYSTEM, TOOL, USER, Body
from threadline.model.parts import TextPart, ToolCallPart

if TYPE_CHECKING:
    from threadline.store.held import Held

BodyOf = Callable[[bytes], Body]
Seal = Callable[[Body], bytes]


@dataclass(slots=True)
class Saying:
    """One message of the transcript: its body, the framework's id, and the span it came from."""

    digest: bytes
    framework_id: str | None
    role: str
    at_ns: int
    span: OpenSpan | None = None
    partial: bool = False
    guessed: bool = False
    position: int = -1


@dataclass(slots=True)
class Transcript:
    """What a turn said, the history it revealed, and the model calls that carried it."""

    said: list[Saying] = field(default_factory=list[Saying])
    prelude: list[Ref] = field(default_factory=list[Ref])
    calls: list[OpenSpan] = field(default_factory=list[OpenSpan])

    @property
    def is_turn(self) -> bool:
        """Whether anything was said that makes it a turn rather than a mere trace."""
        return bool(self.calls) or any(s.role == ASSISTANT for s in self.said)


class TranscriptReader:
    """Reads the transcript of one turn against what its conversation holds."""

    def __init__(self, turn: OpenTurn, held: Held, body_of: BodyOf, seal: Seal) -> None:
        self.turn = turn
        self._held = held
        self._body_of = body_of
        self._seal = seal
        self._model_calls = [s for s in turn.spans.values() if is_spoken(s)]

    def read(self) -> Transcript:
        """Return the transcript."""
        transcript = Transcript()
        for root in self.turn.roots:
            if not root.internal:
                self._read_root(root, transcript)
        if self.turn.opened is not None:
            self._settle_by_hand(transcript)
        self._find_prelude(transcript)
        return transcript

    def _read_root(self, root: OpenSpan, transcript: Transcript) -> None:
        calls = [c for c in self._model_calls if c is root or root in c.ancestors()]
        words = self._words(root)
        steps = [s for s in _ended(root.children) if s.kind in _CARRIES_MESSAGES and s.outputs]
        if len(root.outputs) > 1 or (steps and not root.outputs and not _texts(root)):
            produced = self._from_list(root, calls, steps)
            line = [s.span for s in produced if s.span is not None and s.span.kind == "llm"]
        else:
            produced, line = self._from_main_line(root, calls)
        if not words and calls:
            words = self._guessed_words(line[0] if line else calls[0])
        if (
            transcript.said
        ):  # several roots in one turn: the first one's question, the last one's answer
            asked = [s for s in transcript.said if s.role in {USER, SYSTEM}]
            words = [] if any(s.role == USER for s in asked) else words
            transcript.said = asked if produced else transcript.said
        transcript.said.extend(words)
        transcript.said.extend(produced)
        transcript.calls.extend(line or calls)

    # -- what the user said -------------------------------------------------------------------

    def _words(self, root: OpenSpan) -> list[Saying]:
        tail = self._fresh_tail(root)
        if any(self._body_of(digest).role == USER for digest, _ in tail) or not root.words:
            return [self._saying(ref, root, root.start.at_ns) for ref in tail]
        if self._held.said_since_answer() == [root.words]:
            return []  # a failed turn, tried again
        return [
            *(self._saying(ref, root, root.start.at_ns) for ref in tail),
            Saying(root.words, None, USER, root.start.at_ns),
        ]

    def _fresh_tail(self, root: OpenSpan) -> list[Ref]:
        inputs = self._without_prefill(root)
        tail = inputs[_history_length(inputs, self._body_of) :]
        tail = [ref for ref in tail if not self._held.holds(ref[1], ref[0])]
        waiting = self._held.said_since_answer()
        if waiting and [digest for digest, _ in tail[: len(waiting)]] == waiting:
            tail = tail[len(waiting) :]
        return self._with_ids_from_the_end(root, tail)

    def _with_ids_from_the_end(self, root: OpenSpan, tail: list[Ref]) -> list[Ref]:
        """A graph's reducer gives a message its id only after the root has started."""
        later = {d: i for d, i in root.outputs if i is not None and not self._held.holds(i, d)}
        return [(digest, own or later.get(digest)) for digest, own in tail]

    def _without_prefill(self, call: OpenSpan) -> tuple[Ref, ...]:
        inputs = call.inputs
        if call.kind == "llm" and inputs and self._body_of(inputs[-1][0]).role == ASSISTANT:
            return inputs[:-1]
        return inputs

    def _guessed_words(self, call: OpenSpan) -> list[Saying]:
        inputs = self._without_prefill(call)
        tail = inputs[_history_length(inputs, self._body_of) :]
        users = [ref for ref in tail if self._body_of(ref[0]).role == USER]
        if [d for d, _ in users] == self._held.said_since_answer():
            return []
        return [
            Saying(d, i, USER, call.start.at_ns, guessed=call.parent is not None) for d, i in users
        ]

    # -- what came back -----------------------------------------------------------------------

    def _from_list(
        self, root: OpenSpan, calls: list[OpenSpan], steps: list[OpenSpan]
    ) -> list[Saying]:
        """The messages that were produced beneath the root and stood in its list at any time."""
        producers = _Producers(calls, self._tools_of(root), self._steps_beneath(root))
        produced = [
            self._saying(ref, producers.span_of(ref), producers.time_of(ref, root))
            for ref in self._new_in_list(root, producers)
        ]
        present = {s.framework_id for s in produced} | {s.digest for s in produced}
        asked = {digest for digest, _ in root.inputs}
        for step in steps:
            for ref in self._new_of_step(step, asked):
                if ref[1] not in present and ref[0] not in present:
                    present.update(ref)
                    saying = self._saying(ref, producers.span_of(ref), _end_ns(step))
                    _insert_by_time(produced, saying)
        if not root.outputs:
            self._add_unlisted_answer(produced, calls, present)
        return self._in_call_order(produced)

    def _new_in_list(self, root: OpenSpan, producers: _Producers) -> Iterable[Ref]:
        outputs, inputs = root.outputs, root.inputs
        start = len(inputs) if _starts_with(outputs, inputs) else 0
        for index, ref in enumerate(outputs):
            if self._held.holds(ref[1], ref[0]):
                continue
            if (ref[1] is not None and ref[1] in producers.ids) or (
                index >= start and producers.made(ref)
            ):
                yield ref

    def _new_of_step(self, step: OpenSpan, asked: set[bytes]) -> list[Ref]:
        """What a step added; a step may hand back the whole list, history and all."""
        refs = list(step.outputs)
        while len(refs) > 1 and (refs[0][0] in asked or self._is_held(refs[0])):
            refs.pop(0)
        return [r for r in refs if not self._held.holds(r[1], r[0]) and r[0] not in asked]

    def _add_unlisted_answer(
        self, produced: list[Saying], calls: list[OpenSpan], present: set[bytes | str | None]
    ) -> None:
        """A graph that failed or was left early: what its model said last may be in no list."""
        for call in calls:
            for ref in call.outputs:
                if ref[0] not in present and ref[1] not in present and call.children == []:
                    produced.append(self._answer_of(call, ref))

    def _from_main_line(
        self, root: OpenSpan, calls: list[OpenSpan]
    ) -> tuple[list[Saying], list[OpenSpan]]:
        """No list: the model calls that lead to what the root returned."""
        main = self._main_call(root, calls)
        last = main or max(calls, key=lambda c: (c.ended_order, c.n), default=None)
        line = self._line_to(last, calls) if last is not None else []
        sayings: list[Saying] = []
        for before, call in zip([None, *line], line, strict=False):
            if before is not None:
                sayings.extend(self._tool_messages_between(before, call))
            sayings.extend(self._answer_of(call, ref) for ref in call.outputs)
        if main is None and root.end is not None and root.end.answer is not None:
            self._replace_answer(sayings, root, last)
        return sayings, line

    def _main_call(self, root: OpenSpan, calls: list[OpenSpan]) -> OpenSpan | None:
        if root.end is None:
            return None
        ids = {i for _, i in root.outputs if i is not None}
        digests = {d for d, _ in root.outputs} | set(root.end.texts)
        texts = {self._body_of(d).text for d in digests} - {""}
        by_end = sorted(calls, key=lambda c: c.ended_order, reverse=True)
        for test in (
            lambda ref: ref[1] in ids,
            lambda ref: ref[0] in digests,
            lambda ref: self._body_of(ref[0]).text in texts,
        ):
            for call in by_end:
                if any(test(ref) for ref in call.outputs):
                    return call
        return None

    def _line_to(self, last: OpenSpan, calls: list[OpenSpan]) -> list[OpenSpan]:
        """The calls whose inputs extend one another, up to `last`."""
        line = [last]
        earlier = [c for c in calls if c.end is not None and c.n < last.n and c.outputs]
        for call in reversed(earlier):
            inputs = line[0].inputs
            spoken = {d for d, _ in inputs[_common_length(call.inputs, inputs) :]}
            if len(inputs) > len(call.inputs) and any(d in spoken for d, _ in call.outputs):
                line.insert(0, call)
        return line

    def _tool_messages_between(self, before: OpenSpan, call: OpenSpan) -> list[Saying]:
        answers = {d for d, _ in before.outputs}
        inputs = call.inputs
        start = max((n for n, (d, _) in enumerate(inputs) if d in answers), default=len(inputs))
        between = inputs[start + 1 :]
        refs = [ref for ref in between if self._body_of(ref[0]).role == TOOL]
        return [self._saying(ref, None, call.start.at_ns) for ref in refs]

    def _answer_of(self, call: OpenSpan, ref: Ref) -> Saying:
        detail = None if call.end is None else call.end.detail
        partial = (detail is not None and detail.partial) or self.turn.left_open_by_root
        digest = ref[0]
        prefill = call.inputs[-1:] if len(self._without_prefill(call)) < len(call.inputs) else ()
        for start, _ in prefill:
            words = self._body_of(start).text + self._body_of(digest).text
            digest = self._seal(Body(ASSISTANT, (TextPart(words),)))
        return Saying(digest, ref[1], ASSISTANT, _end_ns(call), call, partial=partial)

    def _replace_answer(self, sayings: list[Saying], root: OpenSpan, last: OpenSpan | None) -> None:
        """What the root returned is the answer, not what the model said to get there."""
        assert root.end is not None and root.end.answer is not None  # noqa: PT018, S101 (by the caller)
        words = self._body_of(root.end.answer).text
        if last is not None and sayings and sayings[-1].span is last:
            if _same_json(self._body_of(sayings[-1].digest).text, words):
                return
            sayings.pop()
        partial = self.turn.left_open_by_root
        sayings.append(Saying(root.end.answer, None, ASSISTANT, _end_ns(root), partial=partial))

    def _in_call_order(self, produced: list[Saying]) -> list[Saying]:
        """Parallel tools end in any order; their messages stand in the order of the calls."""
        order: dict[str, int] = {}
        for saying in produced:
            for part in self._body_of(saying.digest).parts:
                if isinstance(part, ToolCallPart) and part.id is not None:
                    order.setdefault(part.id, len(order))
        start = 0
        while start < len(produced):
            stop = start
            while stop < len(produced) and produced[stop].role == TOOL:
                stop += 1
            produced[start:stop] = sorted(
                produced[start:stop], key=lambda s: order.get(self._call_id(s) or "", len(order))
            )
            start = stop + 1
        return produced

    def _call_id(self, saying: Saying) -> str | None:
        ids = [getattr(part, "id", None) for part in self._body_of(saying.digest).parts]
        return next((i for i in ids if i), None)

    # -- a turn settled by hand, prelude ------------------------------------------------------

    def _settle_by_hand(self, transcript: Transcript) -> None:
        opened, closed = self.turn.opened, self.turn.closed
        if opened is not None and opened.words is not None:
            transcript.said = [s for s in transcript.said if s.role not in {USER, SYSTEM}]
            transcript.said.insert(0, Saying(opened.words, None, USER, opened.at_ns))
        if closed is not None and closed.answer is not None:
            transcript.said = [s for s in transcript.said if s.role in {USER, SYSTEM}]
            same = [c for c in transcript.calls for d, _ in c.outputs if d == closed.answer]
            span = same[-1] if same else None
            answer = Saying(closed.answer, None, ASSISTANT, closed.at_ns, span)
            if span is not None:
                answer.framework_id = span.outputs[0][1]
            transcript.said.append(answer)

    def _find_prelude(self, transcript: Transcript) -> None:
        histories: list[Sequence[Ref]] = []
        for root in self.turn.roots:
            inputs = self._without_prefill(root)
            histories.append(inputs[: _history_length(inputs, self._body_of)])
        for call in transcript.calls[:1]:
            inputs = self._without_prefill(call)
            history = inputs[: _history_length(inputs, self._body_of)]
            histories.append([r for r in history if self._body_of(r[0]).role != SYSTEM])
        seen = {saying.digest for saying in transcript.said}
        for ref in (ref for history in histories for ref in history):
            if ref[0] not in seen and not self._is_held(ref):
                seen.add(ref[0])
                transcript.prelude.append(ref)

    # -- small things -------------------------------------------------------------------------

    def _saying(self, ref: Ref, span: OpenSpan | None, at_ns: int) -> Saying:
        body = self._body_of(ref[0])
        if span is not None and span.kind == "llm" and body.role == ASSISTANT:
            return self._answer_of(span, ref)
        return Saying(ref[0], ref[1], body.role, at_ns, span)

    def _is_held(self, ref: Ref) -> bool:
        return ref[0] in self._held.first_at

    def _tools_of(self, root: OpenSpan) -> list[OpenSpan]:
        return [
            s
            for s in self.turn.spans.values()
            if s.kind == "tool" and not s.beneath("tool") and root in s.ancestors()
        ]

    def _steps_beneath(self, root: OpenSpan) -> list[OpenSpan]:
        return [
            s
            for s in self.turn.spans.values()
            if s.kind in _CARRIES_MESSAGES and not s.beneath("tool") and root in s.ancestors()
        ]


class _Producers:
    """Which span produced a message, by its id or its body."""

    def __init__(self, calls: list[OpenSpan], tools: list[OpenSpan], steps: list[OpenSpan]) -> None:
        self.ids: dict[str, OpenSpan] = {}
        self._digests: dict[bytes, OpenSpan] = {}
        for span in (*steps, *tools, *calls):  # the nearest producer last, so that it wins
            for digest, framework_id in span.outputs:
                if framework_id is not None:
                    self.ids[framework_id] = span
                else:
                    self._digests[digest] = span

    def made(self, ref: Ref) -> bool:
        return ref[0] in self._digests

    def span_of(self, ref: Ref) -> OpenSpan | None:
        span = self.ids.get(ref[1]) if ref[1] is not None else None
        return span or self._digests.get(ref[0])

    def time_of(self, ref: Ref, root: OpenSpan) -> int:
        span = self.span_of(ref)
        return _end_ns(span or root)


_CARRIES_MESSAGES = frozenset({"step", "workflow", "agent"})


def is_spoken(span: OpenSpan) -> bool:
    """Tell whether a span is a model call that may speak in the transcript."""
    if span.kind != "llm" or span.internal or span.beneath("tool"):
        return False
    return not any(above.internal for above in span.ancestors())


def _history_length(refs: Sequence[Ref], body_of: BodyOf) -> int:
    for index in range(len(refs) - 1, -1, -1):
        if body_of(refs[index][0]).role == ASSISTANT:
            return index + 1
    return 0


def _texts(root: OpenSpan) -> bool:
    return root.end is not None and bool(root.end.texts or root.end.answer)


def _ended(spans: Iterable[OpenSpan]) -> list[OpenSpan]:
    return sorted((s for s in spans if s.end is not None), key=lambda s: s.ended_order)


def _end_ns(span: OpenSpan) -> int:
    return span.start.at_ns if span.end is None else span.end.at_ns


def _starts_with(refs: Sequence[Ref], start: Sequence[Ref]) -> bool:
    return [d for d, _ in refs[: len(start)]] == [d for d, _ in start]


def _common_length(one: Sequence[Ref], other: Sequence[Ref]) -> int:
    for index, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine[0] != theirs[0]:
            return index
    return min(len(one), len(other))


def _insert_by_time(sayings: list[Saying], saying: Saying) -> None:
    index = len(sayings)
    while index > 0 and sayings[index - 1].at_ns > saying.at_ns:
        index -= 1
    sayings.insert(index, saying)


def _same_json(text: str, other: str) -> bool:
    try:
        return bool(msgspec.json.decode(text) == msgspec.json.decode(other))
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text == other
