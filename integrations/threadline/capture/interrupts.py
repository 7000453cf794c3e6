"""A human in the loop: what interrupts asked in words, what was answered, what is said again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from threadline.capture.sayings import Saying
from threadline.model.message import ASSISTANT, USER
from threadline.store.held import INTERRUPT

if TYPE_CHECKING:
    from threadline.capture.open_turn import OpenSpan, OpenTurn
    from threadline.capture.sayings import Reading


def attributes_of(span: OpenSpan) -> dict[str, Any]:
    """Return what the adapter says of a span in words of its own, start and end together."""
    known: dict[str, Any] = {}
    for one in (span.start.detail, None if span.end is None else span.end.detail):
        if one is not None and one.attributes is not None:
            known.update(msgspec.json.decode(one.attributes))
    return known


def resumed_with(root: OpenSpan) -> Any:
    """Return what a human's answer resumed this run with; None if it was not resumed so."""
    return attributes_of(root).get("resume")


def was_resumed(turn: OpenTurn) -> bool:
    """Tell whether a human's answer let an interrupted turn go on, wherever that led."""
    return any(resumed_with(root) is not None for root in turn.roots)


def is_interrupt_id(key: object) -> bool:
    """Tell whether a key of a resume names the interrupt that it answers."""
    digits = "0123456789abcdef"
    return isinstance(key, str) and len(key) == len(digits) * 2 and set(key) <= set(digits)


def interrupts_in(span: OpenSpan) -> list[dict[str, Any]]:
    """Return the id and the value of each interrupt that a span was left by."""
    if span.end is None or span.end.status != "interrupted":
        return []  # and a tool's artifact need not be decoded
    found: list[dict[str, Any]] = attributes_of(span).get("interrupts") or []
    return found


def answers_to(root: OpenSpan, reading: Reading) -> list[Saying]:
    """Return what a human answered in words; once, if a turn that failed is resumed again."""
    if list(root.words) == reading.held.said_since_answer():
        return []
    steps = reading.turn.beneath(root)
    later = [ref for span in (*steps, root) for ref in span.outputs]
    ids = {d: i for d, i in later if i is not None and not reading.held.holds(i, d)}
    at_ns = root.start.at_ns
    return [Saying(words, ids.get(words), USER, at_ns) for words in root.words]


def questions_of(root: OpenSpan, reading: Reading) -> list[Saying]:
    """Return what this run asked a human in words; each once, whoever passed it on.

    Nodes that ask side by side stand in the order that they started in.
    """
    resumed = resumed_with(root)
    asked: dict[tuple[bytes, str | None], Saying] = {}
    for span in root.with_beneath():
        for digest, ident in span.end.asked if span.end is not None else ():
            framework_id = None if ident is None else INTERRUPT + ident
            if reading.held.holds(framework_id, digest) and not _answers(resumed, ident):
                continue  # it has waited since an earlier turn
            at_ns = root.start.at_ns if span.end is None else span.end.at_ns
            saying = Saying(digest, framework_id, ASSISTANT, at_ns)
            asked.setdefault((digest, ident), saying)
    return list(asked.values())


def without_repeats(
    produced: list[Saying], answers: list[Saying], reading: Reading
) -> list[Saying]:
    """Leave out what a node wrote into its list of the dialogue that its interrupts were."""
    said = Counter([*reading.held.dialogue(), *(saying.digest for saying in answers)])
    kept: list[Saying] = []
    for saying in produced:
        is_copy = saying.span is None or saying.span.kind != "llm"
        if is_copy and said[saying.digest] > 0:
            said[saying.digest] -= 1
        else:
            kept.append(saying)
    return kept


def _answers(resumed: Any, ident: str | None) -> bool:
    """Whether an interrupt that is raised now is another one than that which was answered."""
    if resumed is None:
        return False
    keys: list[object] = list(resumed) if isinstance(resumed, dict) else []  # pyright: ignore[reportUnknownArgumentType] (of JSON: values of any kind)
    by_id = bool(keys) and all(map(is_interrupt_id, keys))
    return not by_id or ident in keys
