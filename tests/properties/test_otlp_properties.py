"""Whatever a turn holds, its spans are OTLP, and what they say of it is GenAI of v1.41.1."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from tests.properties import strategies
from tests.samples import all_samples
from tests.unit.gen_ai_schema import SCHEMAS, kind_of

from threadline.ingest import gen_ai, otlp_notes
from threadline.ingest.gen_ai import spans_of
from threadline.ingest.otlp_encoding import encoded
from threadline.ingest.otlp_notes import span_of_note
from threadline.model import Message, Prompt, Span, Turn, Usage
from threadline.store.outbox_records import ConversationFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.ingest.wire_span import WireSpan

NAMES = {
    value
    for name, value in vars(gen_ai_attributes).items()
    if name.startswith("GEN_AI_") and isinstance(value, str)
}
"""As the registry of v1.41.1 has them: later ones of that package only say that they moved."""

VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
FACTS = ConversationFacts(thread_id="t-1", user_id="u-1")


def check(spans: Iterable[WireSpan]) -> None:
    """Encode and decode spans; all that they say must be of the conventions, or ours by name."""
    body = encoded(spans, {"service.name": "shop"}, "1")
    [whole] = ExportTraceServiceRequest.FromString(body).resource_spans
    for span in whole.scope_spans[0].spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        for pair in [*span.attributes, *(p for event in span.events for p in event.attributes)]:
            if pair.key.startswith("gen_ai."):
                check_value(pair.key, pair.value)


def check_value(name: str, value: Any) -> None:
    assert name in NAMES
    assert value.WhichOneof("value") == kind_of(name), name
    if name in VALIDATORS:
        VALIDATORS[name].validate(json.loads(value.string_value))


@given(strategies.turns())
def test_any_turn_is_told_as_the_conventions_have_it(turn: Turn) -> None:
    """Names, types of values, and the shape of messages, tools and documents."""
    check(spans_of(turn, FACTS))


@given(strategies.messages, strategies.messages, strategies.metadata)
def test_any_model_call_is_told_as_the_conventions_have_it(
    asked: Message, answered: Message, parameters: dict[str, Any]
) -> None:
    """Prompts, answers and parameters of any kind."""
    call = Span(
        id="s",
        kind="llm",
        name="model",
        status="ok",
        started_ns=1,
        ended_ns=2,
        model="gpt-x",
        provider="openai",
        usage=Usage(input_tokens=1, output_tokens=2, reasoning_tokens=1),
        finish_reason="stop",
        first_chunk_ns=2,
        prompt=Prompt(name="p"),
        parameters=parameters,
        input_messages=(asked,),
        output_messages=(answered,),
    )
    turn = Turn(id="t", thread_id="t-1", status="ok", started_ns=1, ended_ns=3, spans=(call,))
    check(spans_of(turn, FACTS))


@given(strategies.ratings | strategies.feedback | strategies.events)
def test_any_note_is_told_as_the_conventions_have_it(note: Any) -> None:
    """Ratings are evaluations; the rest is ours."""
    check([span_of_note(note, FACTS)])


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k", "max_tokens", "seed", "n"])
@pytest.mark.parametrize("value", [0, 1, 2, 0.5, True, "high", float("nan"), None])
def test_parameters_have_the_types_of_the_conventions(name: str, value: Any) -> None:
    """A temperature of 0 is a fraction; what is no number is not told as one."""
    call = Span(
        id="s",
        kind="llm",
        name="m",
        status="ok",
        started_ns=1,
        parameters={name: value, "stop": "."},
    )
    check(spans_of(Turn(id="t", thread_id="t", status="ok", started_ns=1, spans=(call,)), None))


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}},
        {"name": "look", "description": "Look.", "input_schema": {"type": "object"}},
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "code_interpreter"},
    ],
)
def test_definitions_of_tools_are_of_one_shape(tool: dict[str, Any]) -> None:
    """Providers differ in where they put name and parameters."""
    call = Span(id="s", kind="llm", name="m", status="ok", started_ns=1, tools=(tool,))
    turn = Turn(id="t", thread_id="t", status="ok", started_ns=1, spans=(call,))
    [span] = spans_of(turn, None)
    [told] = json.loads(span.attributes["gen_ai.tool.definitions"])
    VALIDATORS["gen_ai.tool.definitions"].validate([told])
    assert told.get("parameters", {"type": "object"}) == {"type": "object"}
    assert "function" not in told


@pytest.mark.parametrize("sample", all_samples(), ids=lambda sample: sample.thread_id)
def test_samples_are_told_as_the_conventions_have_it(sample: Any) -> None:
    """Conversations with all that real ones hold."""
    for turn in sample.turns:
        check(spans_of(turn, FACTS))


def test_every_name_in_the_sources_is_of_the_conventions() -> None:
    """Also those that no example above brought about; operations too."""
    sources = inspect.getsource(gen_ai) + inspect.getsource(otlp_notes)
    told = {word for word in sources.split('"') if word.startswith("gen_ai.")}
    assert told - {"gen_ai.evaluation.result"} <= NAMES  # that one is an event
    known = {value.value for value in gen_ai_attributes.GenAiOperationNameValues}
    assert set(gen_ai._OPERATIONS.values()) <= known
