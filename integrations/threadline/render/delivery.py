"""What the last tries at a destination came to, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.render.values import counted
from threadline.render.when import ago

if TYPE_CHECKING:
    from threadline.render.entries import Tone
    from threadline.store.outbox import Backlog, DestinationState


def destination_told(
    state: DestinationState | None, backlog: Backlog, *, now_ns: int
) -> tuple[str, Tone]:
    """Say how a destination answers, and how that sounds; `state` is None if it was never tried."""
    told = None if state is None else _answer_told(state, now_ns)
    if told is not None:
        return told
    if backlog.put_aside:
        return "refused all so far: `threadline outbox list` tells why", "bad"
    return "not tried yet" if state is None else "nothing delivered yet", "quiet"


def _answer_told(state: DestinationState, now_ns: int) -> tuple[str, Tone] | None:
    if state.failures:
        wait = max(0.0, (state.until_ns - now_ns) / 1e9)
        failed = counted(state.failures, "failure")
        return f"{failed} in a row, next try in {wait:.0f} s: {state.error}", "bad"
    if state.error:
        return f"answers; last error {ago(state.error_ns, now_ns=now_ns)}: {state.error}", "quiet"
    return ("answers", "good") if state.delivered else None
