"""Tool observations on a page, folded: what was asked for, what came of it, how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.render.chat import outcome_tone
from threadline.render.notes import failure_text
from threadline.render.page.markup import NOTHING, Markup, element, joined
from threadline.render.page.values import value_block, words_block
from threadline.render.printable import one_line
from threadline.render.values import call_text, counted
from threadline.render.when import duration

if TYPE_CHECKING:
    from threadline.model import ToolCallPart, ToolObservation

_CALL_WIDTH: Final = 120
_DECISIONS: Final = {
    "awaited": "waits for a human's decision",
    "approve": "approved by a human",
    "edit": "edited by a human",
    "reject": "rejected by a human",
    "respond": "answered by a human in the tool's place",
}


def tool_block(observation: ToolObservation) -> Markup:
    """Draw one tool observation; its call in one line, all of it one click away."""
    outcome = observation.outcome.replace("_", " ")
    attempts = len(observation.span_ids)
    summary = joined(
        [
            element("code", one_line(_call(observation), width=_CALL_WIDTH)),
            element("span", outcome, class_=f"outcome {outcome_tone(observation.outcome)}"),
            element("span", duration(observation.duration_ns), class_="took"),
            element("span", counted(attempts, "attempt"), class_="took") if attempts > 1 else "",
        ],
        Markup(" "),
    )
    return element(
        "details",
        element("summary", element("span", "tool ", class_="kind"), summary),
        _labelled("thought", words_block(observation.thought or "")),
        _decision(observation),
        _labelled("arguments", value_block(observation.arguments)),
        _labelled("result", value_block(observation.result)),
        _labelled("error", words_block(failure_text(observation.error)))
        if observation.error
        else NOTHING,
        class_="tool",
    )


def asked_block(call: ToolCallPart) -> Markup:
    """Draw a tool call that nothing is known of but the request."""
    line = one_line(call_text(call.name, call.arguments), width=_CALL_WIDTH)
    return element(
        "details",
        element(
            "summary", element("span", "tool ", class_="kind"), element("code", line), " asked"
        ),
        _labelled("arguments", value_block(call.arguments)),
        class_="tool",
    )


def _decision(observation: ToolObservation) -> Markup:
    decision = observation.decision
    if decision is None:
        return NOTHING
    told = _DECISIONS[decision.kind] + (f": {decision.message}" if decision.message else "")
    return element("p", told, class_="note warn", dir="auto")


def _call(observation: ToolObservation) -> str:
    return call_text(observation.name, observation.arguments)


def _labelled(label: str, block: Markup) -> Markup:
    return joined([element("p", label, class_="label"), block]) if block else NOTHING
