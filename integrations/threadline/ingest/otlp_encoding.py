"""Spans as an OTLP request, with the types that `opentelemetry-proto` brings (the extra `otlp`)."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any, Final, cast

from threadline.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

    from threadline.ingest.wire_span import WireSpan

_LARGEST: Final = 2**63
_LATEST: Final = 2**64 - 1


def check_installed() -> None:
    """Tell early what is missing.

    Raises:
        MissingExtraError: if `opentelemetry-proto` is not installed.
    """
    try:
        importlib.import_module("opentelemetry.proto.trace.v1.trace_pb2")
    except ImportError as error:
        raise MissingExtraError(extra="otlp", package="opentelemetry-proto") from error


def encoded(spans: Iterable[WireSpan], resource: Mapping[str, Any], version: str) -> bytes:
    """Return the body of an export request."""
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

    scope = ScopeSpans(
        scope=InstrumentationScope(name="threadline", version=version),
        spans=[_span(span) for span in spans],
    )
    whole = ResourceSpans(resource=Resource(attributes=_pairs(resource)), scope_spans=[scope])
    return trace_service_pb2.ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString()


def partly_refused(body: bytes) -> tuple[int, str]:
    """Return how many spans an answer says were refused, and why."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    try:
        answer = trace_service_pb2.ExportTraceServiceResponse.FromString(body)
    except DecodeError:  # a server may answer in JSON, or with nothing that is of use
        return 0, ""
    return answer.partial_success.rejected_spans, answer.partial_success.error_message


def _span(span: WireSpan) -> Span:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    return Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_id,
        name=_text(span.name),
        kind=Span.SPAN_KIND_CLIENT if span.kind == "client" else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=_time(span.started_ns),
        end_time_unix_nano=_time(max(span.started_ns, span.ended_ns)),
        attributes=_pairs(span.attributes),
        events=[
            Span.Event(
                name=_text(event.name),
                time_unix_nano=_time(event.at_ns),
                attributes=_pairs(event.attributes),
            )
            for event in span.events
        ],
        links=[Span.Link(trace_id=trace, span_id=ident) for trace, ident in span.links],
        status=_status(span),
    )


def _status(span: WireSpan) -> Status | None:
    from opentelemetry.proto.trace.v1.trace_pb2 import Status

    if not span.is_error:
        return None
    return Status(code=Status.STATUS_CODE_ERROR, message=_text(span.error))


def _pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    return [KeyValue(key=_text(name), value=_value(value)) for name, value in attributes.items()]


def _time(at_ns: int) -> int:
    """OTLP counts from 1970 on: what is told of earlier times began then."""
    return min(max(at_ns, 0), _LATEST)


def _text(text: str) -> str:
    """Texts of protobuf are UTF-8: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _value(value: Any) -> AnyValue:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        return AnyValue(int_value=value)
    if isinstance(value, float) and math.isfinite(value):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return AnyValue(array_value=ArrayValue(values=[_value(item) for item in items]))
    return AnyValue(string_value=_text(str(value)))
