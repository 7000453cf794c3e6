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
    if turn.closed is not None:
        return turn.closed.status
    for root in turn.roots:
        if root.end is not None and root.end.status != "ok":
            return root.end.status
    if turn.left_open_by_root:
        return "stopped"
    interrupted = any(
        s.end is not None and s.end.status == "interrupted" and not s.beneath("tool")
        for s in turn.spans.values()
    )
    return "interrupted" if interrupted else "ok"


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
    if turn.closed is not None and turn.closed.failure is not None:
        return encode_json(turn.closed.failure).decode()
    for root in turn.roots:
        if root.end is not None and root.end.failure is not None:
            return encode_json(root.end.failure).decode()
    return None
