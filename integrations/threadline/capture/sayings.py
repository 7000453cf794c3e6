"""What a transcript is made of, and what every rule about it needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from threadline.capture.events import Ref
from threadline.capture.open_turn import OpenSpan, OpenTurn
from threadline.ids import unpack_id
from threadline.model.message import ASSISTANT, Body, text_body
from threadline.store.framework_ids import run_named_by

if TYPE_CHECKING:
    from threadline.capture.branching import Branch
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
    is_logged: bool = False

    @property
    def is_turn(self) -> bool:
        """Whether anything was said that makes it a turn rather than a mere trace."""
        return self.is_logged or bool(self.calls) or any(s.role == ASSISTANT for s in self.said)


class Reading:
    """One turn, read against what its conversation holds."""

    def __init__(self, turn: OpenTurn, held: Held, body_of: BodyOf, seal: Seal) -> None:
        self.turn = turn
        self.held = held
        self.body_of = body_of
        self.seal = seal
        self.branch: Branch | None = None
        self.model_calls = [span for span in turn.spans.values() if is_spoken(span)]
        self._answers = {
            digest
            for span in turn.spans.values()
            if span.kind == "llm"
            for digest, _ in span.outputs
        }

    def role(self, ref: Ref) -> str:
        """Return who said what stands at `ref`."""
        return self.body_of(ref[0]).role

    def is_known(self, ref: Ref) -> bool:
        """Tell whether the conversation holds a message that says this, wherever."""
        return self.held.first_at(ref[0]) is not None

    def without_prefill(self, call: OpenSpan) -> tuple[Ref, ...]:
        """Return what a span was given, without the beginning of an answer at a prompt's end."""
        inputs = call.inputs
        if call.kind != "llm" or not inputs or self.role(inputs[-1]) != ASSISTANT:
            return inputs
        digest, framework_id = inputs[-1]
        is_said = framework_id is not None or digest in self._answers or self.is_known(inputs[-1])
        return inputs if is_said else inputs[:-1]

    def saying(self, ref: Ref, span: OpenSpan | None, at_ns: int) -> Saying:
        """Return a message that a span produced, or nobody in particular."""
        body = self.body_of(ref[0])
        if span is not None and span.kind == "llm" and body.role == ASSISTANT:
            return self.answer_of(span, ref)
        return Saying(ref[0], ref[1], body.role, at_ns, span)

    def was_said(self, saying: Saying) -> bool:
        """Tell whether another turn told what this very run said: hooks of its were lost.

        An id alone proves nothing: a cache repeats it.
        """
        if saying.span is None or not self.held.holds(saying.framework_id, saying.digest):
            return False
        return run_named_by(saying.framework_id) == unpack_id(saying.span.start.run)

    def answer_of(self, call: OpenSpan, ref: Ref) -> Saying:
        """Return what a model call said; a prefill at its prompt's end belongs to it."""
        detail = None if call.end is None else call.end.detail
        cut = call.end is None or (detail is not None and detail.partial)
        partial = cut or self.turn.left_open_by_root
        digest = ref[0]
        prefill = call.inputs[len(self.without_prefill(call)) :]
        for start, _ in prefill:
            words = self.body_of(start).text + self.body_of(digest).text
            digest = self.seal(text_body(ASSISTANT, words))
        return Saying(digest, ref[1], ASSISTANT, end_ns(call), call, partial=partial)


def is_spoken(span: OpenSpan) -> bool:
    """Tell whether a span is a model call that may speak in the transcript."""
    if span.kind != "llm" or span.internal or span.beneath("tool"):
        return False
    return not any(above.internal for above in span.ancestors())


def history_length(refs: Sequence[Ref], body_of: BodyOf) -> int:
    """Return how many of `refs` are history: all up to the assistant's last words."""
    for index in range(len(refs) - 1, -1, -1):
        if body_of(refs[index][0]).role == ASSISTANT:
            return index + 1
    return 0


def common_length(one: Sequence[Ref], other: Sequence[Ref]) -> int:
    """Return how many messages two lists have in common from their start."""
    for index, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine[0] != theirs[0]:
            return index
    return min(len(one), len(other))


def ended(spans: Iterable[OpenSpan]) -> list[OpenSpan]:
    """Return the spans that have ended, in the order they did."""
    return sorted((s for s in spans if s.end is not None), key=lambda s: s.ended_order)


def end_ns(span: OpenSpan) -> int:
    """Return when a span ended, or began if it has not."""
    return span.start.at_ns if span.end is None else span.end.at_ns
