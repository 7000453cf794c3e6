"""Beside other tracers: each gets everything, whichever came first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from haystack.tracing.tracer import (
    NullTracer,
    Span,
    Tracer,
    disable_tracing,
    enable_tracing,
    is_tracing_enabled,
)
from haystack.tracing.tracer import tracer as holder
from haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.haystack.applications import RAG_INPUT, agent, ask, chat, chat_input, rag

import threadline
import threadline.haystack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline import Client


class _Telemetry:
    """OpenTelemetry's tracer of Haystack's integrations, exporting into memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = OpenTelemetryTracer(provider.get_tracer("test"))

    def tree(self) -> list[tuple[str, str | None]]:
        """Each span's operation and that of its parent, in the order of their ends."""
        spans = self.exporter.get_finished_spans()
        names = {s.context.span_id: s.name for s in spans if s.context}
        return [(s.name, names.get(s.parent.span_id) if s.parent else None) for s in spans]


def _enable(order: str, theirs: Tracer) -> None:
    disable_tracing()
    steps = {"theirs": lambda: enable_tracing(theirs), "ours": threadline.haystack.attach}
    for one in order.split(" then "):
        steps[one]()


@pytest.mark.parametrize("order", ["theirs then ours", "ours then theirs"])
def test_both_get_everything(order: str, client: Client) -> None:
    """OpenTelemetry has the spans that it has without us, and we the conversation."""
    alone = _Telemetry()
    disable_tracing()
    enable_tracing(alone.tracer)
    ask(agent())
    rag().run(RAG_INPUT)
    both = _Telemetry()
    _enable(order, both.tracer)
    with threadline.conversation("t-1"):
        ask(agent())
        rag().run(RAG_INPUT)
    assert both.tree() == alone.tree()
    assert len(both.tree()) == 10
    assert client.flush().complete
    turns = client.reader().conversation("t-1").turns
    assert [[m.text for m in turn.messages] for turn in turns] == [
        ["1+2?", "So.", "3", "It is 3."],
        ["Who lives in Paris?", "Jean does."],
    ]


def test_detaching_leaves_the_other_alone(client: Client) -> None:
    """After `detach` the other tracer goes on, and nothing more is recorded."""
    telemetry = _Telemetry()
    enable_tracing(telemetry.tracer)
    threadline.detach()
    ask(agent())
    assert holder.actual_tracer is telemetry.tracer
    assert len(telemetry.tree()) == 6
    assert not client.has_started


def test_tracing_that_is_turned_off_is_off(client: Client) -> None:
    """`disable_tracing()` turns everything off, and `attach` on again."""
    disable_tracing()
    assert not is_tracing_enabled()
    chat().run(chat_input("Psst?"))
    threadline.haystack.attach()
    threadline.haystack.attach()
    chat().run(chat_input("Hello?"))
    assert [turn.input for turn in client.reader().turns()] == ["Hello?"]


def test_a_tracer_that_has_us_among_its_own_gets_each_span_once(client: Client) -> None:
    """An application's own composite, enabled over ours, neither loops nor doubles."""
    ours = holder.actual_tracer

    class Composite(Tracer):
        @contextmanager
        def trace(
            self,
            operation_name: str,
            tags: dict[str, Any] | None = None,
            parent_span: Span | None = None,
        ) -> Iterator[Span]:
            with ours.trace(operation_name, tags=tags, parent_span=parent_span) as span:
                yield span

        def current_span(self) -> Span | None:
            return ours.current_span()

    enable_tracing(Composite())
    assert ask(agent()) == "It is 3."
    [turn] = client.reader().turns(kind=None)
    assert len(turn.spans) == 6
    assert holder.current_span() is None


def test_without_another_tracer_there_is_no_span_outside(client: Client) -> None:
    """Outside of any run there is no current span; other tracers' are passed on."""
    assert holder.current_span() is None
    enable_tracing(_Outside())
    span = holder.current_span()
    assert span is not None
    assert span.raw_span() == "outside"
    assert span.get_correlation_data_for_logs() == {"trace": "1"}


class _Outside(NullTracer):
    """A tracer with a span of the request around."""

    def current_span(self) -> Span | None:
        return _OutsideSpan()


class _OutsideSpan(Span):
    def set_tag(self, key: str, value: Any) -> None:
        """Take no tags."""

    def raw_span(self) -> Any:
        return "outside"

    def get_correlation_data_for_logs(self) -> dict[str, Any]:
        return {"trace": "1"}
