"""Exceptions that are not errors: interrupts, hand-offs, cancellation, streams left early."""

from __future__ import annotations

from typing import Final

_BY_NAME: Final = {
    "GraphInterrupt": "interrupted",
    "NodeInterrupt": "interrupted",
    "GraphBubbleUp": "ok",
    "CancelledError": "cancelled",
    "GeneratorExit": "stopped",
    "KeyboardInterrupt": "cancelled",
}


def status_of(error: BaseException) -> str:
    """Return how a run ended that was left by `error`.

    LangGraph's control flow arrives as errors; it is told by the names of the classes, so that
    langgraph need not be imported.
    """
    for cls in type(error).__mro__:
        status = _BY_NAME.get(cls.__name__)
        if status is not None:
            return status
    return "error"


def failure_of(error: BaseException, status: str) -> tuple[str, str] | None:
    """Return the type and the words of an error; None where it is none."""
    if status != "error":
        return None
    try:
        words = str(error)
    except Exception:  # noqa: BLE001 (an exception of the application's own)
        words = ""
    return type(error).__name__, words[:4000]
