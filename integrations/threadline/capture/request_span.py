"""The span of OpenTelemetry that a call begins in, where the application uses OpenTelemetry."""

from __future__ import annotations

import contextlib
import sys


def request_span() -> str | None:
    """Return the active span as a W3C `traceparent`; None where there is none.

    OpenTelemetry is not imported for it: an application that has not, has no active span.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    # half imported, or a span of somebody's own
    with contextlib.suppress(AttributeError, TypeError, ValueError):
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return None
