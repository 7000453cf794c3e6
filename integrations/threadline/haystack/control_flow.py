"""How a span ended that an exception left: errors, pauses, cancellation, streams left early."""

from __future__ import annotations

from typing import Final

from threadline.client.scopes import failure_of

_BY_NAME: Final = {
    "BreakpointException": "interrupted",
    "CancelledError": "cancelled",
    "KeyboardInterrupt": "cancelled",
    "GeneratorExit": "stopped",
}
_WRAPPERS: Final = frozenset({"PipelineRuntimeError", "ToolInvocationError"})
_MOST_WRAPPED: Final = 4
"""An agent within a tool of an agent; causes may also go round in circles."""


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
    return "error", failure_of(cause)


def unwrapped(error: BaseException) -> BaseException:
    """Return the exception that Haystack's own ones were raised from."""
    for _ in range(_MOST_WRAPPED):
        if type(error).__name__ not in _WRAPPERS or error.__cause__ is None:
            break
        error = error.__cause__
    return error
