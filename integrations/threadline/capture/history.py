"""What a turn was told: the user's words, and what of its input is history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.capture.branching import state_at_start
from threadline.capture.interrupts import answers_to, resumed_with
from threadline.capture.sayings import Reading, Saying, Transcript, history_length
from threadline.model.message import SYSTEM, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.capture.events import Ref
    from threadline.capture.open_turn import OpenSpan


def words_of(root: OpenSpan, reading: Reading, first_call: OpenSpan | None) -> list[Saying]:
    """Return what is new in a root's input: the user's words, and what else came with them.

    Args:
        root: The root.
        reading: Its turn.
        first_call: The first model call of its main line, whose prompt is looked into where the
            input tells nothing.
    """
    tail = _tail_of(root, reading) or _edited(root, reading)
    fresh = [Saying(d, i, reading.role((d, i)), root.start.at_ns) for d, i in _fresh(tail, reading)]
    _take_ids_from_the_end(fresh, root, reading)
    if root.words and resumed_with(root) is not None:
        return [*answers_to(root, reading), *fresh]
    users = [ref for ref in tail if reading.role(ref) == USER]
    if any(not reading.held.holds(framework_id, digest) for digest, framework_id in users):
        return fresh
    if root.words:
        words = root.words[0] if len(root.words) == 1 else _likeliest(root, reading, first_call)
        if reading.held.said_since_answer() == [words]:
            return fresh  # a failed turn, tried again
        guessed = len(root.words) > 1
        return [*fresh, Saying(words, None, USER, root.start.at_ns, guessed=guessed)]
    if users or first_call is None:
        return fresh  # what the user said is known, or nobody was told
    return [*fresh, *_guessed(first_call, reading)]


def _likeliest(root: OpenSpan, reading: Reading, first_call: OpenSpan | None) -> bytes:
    """Of several texts the one that stands in what the model was asked, not in an instruction.

    Among those the most repeated, else the longest.
    """
    asked = ""
    if first_call is not None:
        users = [ref for ref in _tail_of(first_call, reading) if reading.role(ref) == USER]
        asked = "\n".join(reading.body_of(digest).text for digest, _ in users)
    texts = {digest: reading.body_of(digest).text for digest in root.words}
    shown = [digest for digest in root.words if texts[digest] in asked]
    return max(shown or root.words, key=lambda one: (root.words.count(one), len(texts[one])))


def prelude_of(transcript: Transcript, reading: Reading) -> list[Ref]:
    """Return the history in a turn's inputs that its conversation does not hold.

    Where it holds nothing yet, that is the whole history, also what was said twice in it.
    """
    found = [] if reading.held.has_begun else list(_beginning(transcript, reading))
    seen = {saying.digest for saying in transcript.said} | {digest for digest, _ in found}
    for ref in _history_in(transcript, reading):
        if ref[0] not in seen and not reading.is_known(ref):
            seen.add(ref[0])
            found.append(ref)
    return found


def _beginning(transcript: Transcript, reading: Reading) -> Iterable[Ref]:
    """History as the first root was given it; else as its first model call was told."""
    for root in reading.turn.roots[:1]:
        history = _history_of(root, reading) or _history_told(transcript, reading)
        ids = {saying.framework_id for saying in transcript.said} - {None}
        return [ref for ref in history if ref[1] not in ids]
    return ()


def _history_in(transcript: Transcript, reading: Reading) -> Iterable[Ref]:
    for root in reading.turn.roots:
        yield from _history_of(root, reading)
    yield from _history_told(transcript, reading)


def _history_told(transcript: Transcript, reading: Reading) -> Iterable[Ref]:
    for call in transcript.calls[:1]:
        aside = call.start.detail.aside if call.start.detail is not None else ()
        for ref in _history_of(call, reading):
            if ref[0] not in aside and reading.role(ref) != SYSTEM:
                yield ref


def _edited(root: OpenSpan, reading: Reading) -> Sequence[Ref]:
    """What the application itself wrote into a checkpoint that a graph goes on from."""
    if reading.branch is None or root.inputs or root.words:
        return ()
    state = state_at_start(root)
    return state[history_length(state, reading.body_of) :]


def _history_of(span: OpenSpan, reading: Reading) -> Sequence[Ref]:
    inputs = reading.without_prefill(span)
    return inputs[: history_length(inputs, reading.body_of)]


def _tail_of(span: OpenSpan, reading: Reading) -> Sequence[Ref]:
    inputs = reading.without_prefill(span)
    return inputs[history_length(inputs, reading.body_of) :]


def _fresh(tail: Sequence[Ref], reading: Reading) -> list[Ref]:
    """Leave out instructions given before, messages sent again, and those held by their id."""
    waiting = reading.held.said_since_answer()
    spoken = [digest for digest, _ in tail if reading.role((digest, None)) != SYSTEM]
    again = len(waiting) if waiting and spoken[: len(waiting)] == waiting else 0
    again = again if reading.branch is None else reading.branch.shared
    fresh: list[Ref] = []
    for digest, framework_id in tail:
        if reading.role((digest, framework_id)) == SYSTEM:
            is_news = digest not in reading.held.instructions
        else:
            again -= 1
            is_news = again < 0
        if is_news and not reading.held.holds(framework_id, digest):
            fresh.append((digest, framework_id))
    return fresh


def _take_ids_from_the_end(fresh: list[Saying], root: OpenSpan, reading: Reading) -> None:
    """A graph's reducer gives a message its id, and middleware other words, after the start."""
    given = [ref for step in root.children if step.kind == "step" for ref in step.inputs]
    both = (*given, *root.outputs)
    later = {d: i for d, i in both if i is not None and not reading.held.holds(i, d)}
    for saying in fresh:
        saying.framework_id = saying.framework_id or later.get(saying.digest)
    rewritten = {i: d for d, i in root.outputs if i is not None}
    for saying in fresh:
        if saying.framework_id is not None:
            saying.digest = rewritten.get(saying.framework_id, saying.digest)


def _guessed(call: OpenSpan, reading: Reading) -> list[Saying]:
    users = [ref for ref in _tail_of(call, reading) if reading.role(ref) == USER]
    fresh = _fresh(users, reading)
    is_rendered = call.parent is not None
    return [Saying(d, i, USER, call.start.at_ns, guessed=is_rendered) for d, i in fresh]
