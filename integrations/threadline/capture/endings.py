"""How turns and spans ended, truly: design 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.store.values import encode_json

if TYPE_CHECKING:
    from threadline.capture.open_turn import OpenSpan, OpenTurn


def status_of(turn: OpenTurn) -> str:
    """Return how a turn ended, or that it is under way."""
    if turn.abandoned:
        return "abandoned"
    if not turn.is_over:
        return "running"
    if turn.logged is not None:
        return turn.logged.status
    if turn.closed is not None:
        told = turn.closed.status != "ok" or turn.closed.answer is not None
        return "interrupted" if not told and _waits_for_a_human(turn) else turn.closed.status
    for root in turn.roots:
        if root.end is not None and root.end.status != "ok":
            return root.end.status
    if turn.left_open_by_root:
        return "stopped"
    return "interrupted" if _waits_for_a_human(turn) else "ok"


def _waits_for_a_human(turn: OpenTurn) -> bool:
    """Whether the last root was interrupted; an application may resume within one turn."""
    return any(
        span.end is not None and span.end.status == "interrupted" and not span.beneath("tool")
        for root in turn.roots[-1:]
        for span in root.with_beneath()
    )


def span_status(turn: OpenTurn, span: OpenSpan) -> str:
    """Return how a span ended; what was left open ended as its turn did."""
    if span.end is not None:
        return span.end.status
    if turn.abandoned:
        return "abandoned"
    if not turn.is_over:
        return "running"
    status = status_of(turn)
    return status if status != "ok" else "abandoned"


def error_of(turn: OpenTurn) -> str | None:
    """Return why a turn failed, as JSON."""
    for told in (turn.closed, turn.logged):
        if told is not None and told.failure is not None:
            return encode_json(told.failure).decode()
    if turn.logged is not None:
        return None
    for root in turn.roots:
        if root.end is not None and root.end.failure is not None:
            return encode_json(root.end.failure).decode()
    return None
