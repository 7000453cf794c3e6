"""The span of OpenTelemetry that a turn begins in: kept with the turn, and told over OTLP."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from haystack.components.generators.chat import MockChatGenerator
from haystack.core.pipeline import Pipeline
from haystack.dataclasses import ChatMessage
from haystack.tracing.tracer import NullTracer, tracer
from langchain_core.language_models import FakeListChatModel
from opentelemetry.sdk.trace import TracerProvider
from tests.faults.loopbacks import OtlpLoopback
from tests.shipping import client_for, ingestion

import threadline
import threadline.haystack
from threadline.client.defaults import serving_as_default
from threadline.destinations import Otlp
from threadline.errors import SettingError
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.trace import SpanContext

WEB = TracerProvider().get_tracer("web")
MODEL = FakeListChatModel(responses=["Hi."])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[threadline.Client]:
    client = client_for(tmp_path / "chat.db", ["otlp"], ship=False)
    yield client
    client.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OtlpLoopback]:
    with OtlpLoopback(tmp_path) as loopback:
        yield loopback


def kept(client: threadline.Client) -> str | None:
    """What the store has of the newest turn."""
    client.store_recorded()
    [turn, *_] = threadline.open(client.settings.store).turns()
    return turn.request_span


def traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def test_a_chain_keeps_the_span_that_it_began_in(client: threadline.Client) -> None:
    """Called and awaited; not what began within it."""
    config: Any = {"callbacks": [ThreadlineCallbackHandler(client, thread_id="t-1")]}
    with WEB.start_as_current_span("POST /chat") as span:
        MODEL.invoke("Hello", config)
    assert kept(client) == traceparent(span.get_span_context())
    with WEB.start_as_current_span("POST /chat") as span:
        asyncio.run(MODEL.ainvoke("Hello", config))
    assert kept(client) == traceparent(span.get_span_context())
    MODEL.invoke("Hello", config)
    assert kept(client) is None


def test_a_turn_of_ones_own_keeps_the_span_that_it_began_in(client: threadline.Client) -> None:
    """The one around the turn, not one inside it."""
    with (
        WEB.start_as_current_span("POST /chat") as span,
        threadline.turn(thread_id="t-1", input="Hello", client=client),
        WEB.start_as_current_span("inside"),
    ):
        MODEL.invoke("Hello", {"callbacks": [ThreadlineCallbackHandler(client)]})
    assert kept(client) == traceparent(span.get_span_context())


def test_a_pipeline_keeps_the_span_that_it_began_in(client: threadline.Client) -> None:
    """Haystack's own tracing beside makes no difference."""
    pipeline = Pipeline()
    pipeline.add_component("llm", MockChatGenerator("Hi."))
    with serving_as_default(client):
        threadline.haystack.attach()
        with WEB.start_as_current_span("POST /chat") as span:
            pipeline.run({"llm": {"messages": [ChatMessage.from_user("Hello")]}})
        threadline.haystack.detach()
    tracer.actual_tracer = NullTracer()
    assert kept(client) == traceparent(span.get_span_context())


def test_opentelemetry_is_not_loaded_for_it() -> None:
    """An application that does not use it pays nothing."""
    program = (
        "import sys, threadline\n"
        "client = threadline.Client(store='memory')\n"
        "with threadline.turn(thread_id='t', input='q', client=client) as turn:\n"
        "    turn.output = 'a'\n"
        "client.store_recorded()\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)


def told(client: threadline.Client, server: OtlpLoopback, **settings: Any) -> Any:
    """A rated turn within a request, and what a collector gets of it."""
    with (
        WEB.start_as_current_span("POST /chat") as span,
        threadline.turn(thread_id="t-1", input="Hello", client=client) as turn,
    ):
        turn.tool("look", {}, result="nothing")
        turn.output = "Hi."
    threadline.rate(1, turn_id=turn.id, client=client)
    client.store_recorded()
    sender = ingestion(client.settings.store, server.target(**settings))
    sender.flush(20)
    sender.stop(1)
    assert sender.deliveries() == (2, 0, 0)
    return span.get_span_context(), turn.id, server.spans()


def test_the_turns_trace_is_linked_to_the_request(
    client: threadline.Client, server: OtlpLoopback
) -> None:
    """By default it is a trace of its own; its outermost span names the request."""
    request, turn_id, spans = told(client, server)
    assert {span.trace_id.hex() for span in spans} == {turn_id.replace("-", "")}
    [linked] = [span for span in spans if span.links]
    assert linked.parent_span_id == b""
    [link] = linked.links
    assert int.from_bytes(link.trace_id, "big") == request.trace_id
    assert int.from_bytes(link.span_id, "big") == request.span_id


def test_the_turn_is_part_of_the_requests_trace_by_choice(
    client: threadline.Client, server: OtlpLoopback
) -> None:
    """So is what judges it later; everything hangs below the request."""
    request, _, spans = told(client, server, request_span="parent")
    assert {int.from_bytes(span.trace_id, "big") for span in spans} == {request.trace_id}
    known = {span.span_id for span in spans} | {request.span_id.to_bytes(8, "big")}
    assert {span.parent_span_id for span in spans} <= known
    assert [bool(span.links) for span in spans] == [False] * len(spans)
    [judged] = [span for span in spans if span.name.startswith("evaluation")]
    assert judged.events[0].name == "gen_ai.evaluation.result"


def test_the_request_is_left_out_by_choice(client: threadline.Client, server: OtlpLoopback) -> None:
    """Neither link nor parent."""
    _, _, spans = told(client, server, request_span="none")
    assert [bool(span.links) for span in spans] == [False] * len(spans)


def test_the_choice_is_one_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the environment makes it."""
    monkeypatch.setenv("THREADLINE_OTLP_REQUEST_SPAN", "child")
    with pytest.raises(SettingError, match="link, parent, none"):
        Otlp()
