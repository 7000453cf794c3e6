"""How a span ended that an exception left: errors, pauses, cancellation, streams left early."""

from __future__ import annotations

from typing import Final

_BY_NAME: Final = {
    "BreakpointException": "interrupted",
    "CancelledError": "cancelled",
    "KeyboardInterrupt": "cancelled",
    "GeneratorExit": "stopped",
}
_WRAPPERS: Final = frozenset({"PipelineRuntimeError", "ToolInvocationError"})
_LONGEST: Final = 4_000


def ending_of(error: BaseException | None) -> tuple[str, tuple[str, str] | None]:
    """Return the status of a span that `error` left, and why it failed if it did.

    What Haystack wraps around an exception of the application's own is looked through.
    """
    if error is None:
        return "ok", None
    cause = unwrapped(error)
    for cls in type(cause).__mro__:
        status = _BY_NAME.get(cls.__name__)
        if status is not None:
            return status, None
    return "error", (type(cause).__name__, _words_of(cause))


def unwrapped(error: BaseException) -> BaseException:
    """Return the exception that Haystack's own ones were raised from."""
    seen = 0
    while (
        type(error).__name__ in _WRAPPERS and error.__cause__ is not None and seen < len(_BY_NAME)
    ):
        error, seen = error.__cause__, seen + 1
    return error


def _words_of(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST]
    except Exception:  # noqa: BLE001 (an exception of the application's own)
        return ""
