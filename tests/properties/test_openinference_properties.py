"""Whatever a turn holds, what is said of it in OpenInference bears OpenInference's own names."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from openinference.semconv import resource, trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.properties import strategies
from tests.samples import all_samples

from threadline.ingest.openinference import note_span, spans_of
from threadline.ingest.otlp_encoding import encoded
from threadline.model import (
    BlobPart,
    Message,
    Prompt,
    ReasoningPart,
    Span,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    Turn,
    UriPart,
    Usage,
)
from threadline.store.outbox_records import ConversationFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.ingest.wire_span import WireSpan

NAMES = {
    value
    for module in (trace, resource)
    for kind in vars(module).values()
    if isinstance(kind, type)
    for name, value in vars(kind).items()
    if name.isupper() and isinstance(value, str)
}
IMAGE = f"{trace.MessageContentAttributes.MESSAGE_CONTENT_IMAGE}.{trace.ImageAttributes.IMAGE_URL}"
KINDS = {kind.value for kind in trace.OpenInferenceSpanKindValues}
OURS = ("threadline.", "exception.", "error.", "deployment.")
FACTS = ConversationFacts(thread_id="t-1", user_id="u-1")


def check(spans: Iterable[WireSpan]) -> None:
    """Each name is OpenInference's, apart from numbers; what is said beside it is ours by name."""
    spans = list(spans)
    ExportTraceServiceRequest.FromString(encoded(spans, {}, "1"))
    for span in spans:
        assert span.attributes["openinference.span.kind"] in KINDS
        for name in span.attributes:
            if not name.startswith(OURS):
                pieces = re.split(r"\.\d+\.", name)
                assert set(pieces) - {IMAGE} <= NAMES, name


@given(strategies.turns())
def test_any_turn_bears_known_names(turn: Turn) -> None:
    """Whatever its spans, messages and documents are."""
    check(spans_of(turn, FACTS))


@given(strategies.messages, strategies.messages)
def test_any_message_bears_known_names(asked: Message, answered: Message) -> None:
    """Parts of all kinds, calls and their answers."""
    check(spans_of(Turn(**TURN, spans=(call((asked,), (answered,)),)), FACTS))


@given(strategies.ratings | strategies.feedback | strategies.events)
def test_any_note_bears_known_names(note: Any) -> None:
    """Ratings are annotations of a trace or a session."""
    check([note_span(note, FACTS)])


@pytest.mark.parametrize("sample", all_samples(), ids=lambda sample: sample.thread_id)
def test_samples_bear_known_names(sample: Any) -> None:
    """Conversations with all that real ones hold."""
    for turn in sample.turns:
        check(spans_of(turn, FACTS))


TURN: dict[str, Any] = {"id": "t", "thread_id": "t-1", "status": "ok", "started_ns": 1}


def call(asked: tuple[Message, ...], said: tuple[Message, ...], **more: Any) -> Span:
    return Span(
        id="t.0",
        kind="llm",
        name="model",
        status="ok",
        started_ns=1,
        input_messages=asked,
        output_messages=said,
        **more,
    )


def test_a_model_call_says_what_it_was_sent_and_what_it_said() -> None:
    """Flat and numbered: roles, words, pictures, thoughts, tool calls and their results."""
    asked = (
        Message(id="1", role="system", parts=(TextPart("Be kind."),)),
        Message(
            id="2",
            role="user",
            parts=(TextPart("This?"), UriPart("https://x/y.png", mime_type="image/png")),
        ),
        Message(id="3", role="tool", parts=(ToolCallResponsePart({"rain": True}, "c-1"),)),
    )
    said = Message(
        id="4",
        role="assistant",
        parts=(ReasoningPart("Hm."), TextPart("Yes"), ToolCallPart("look", {"at": "sky"}, "c-2")),
    )
    span = call(
        asked,
        (said,),
        model="gpt-x",
        provider="openai",
        parameters={"temperature": 0},
        tools=({"type": "function", "function": {"name": "look"}},),
        usage=Usage(input_tokens=5, output_tokens=2, cache_read_tokens=3),
        prompt=Prompt(name="ask", version="2", variables={"what": "sky"}),
        finish_reason="tool_calls",
    )
    [told] = spans_of(Turn(**TURN, tags=("beta",), metadata={"plan": "pro"}, spans=(span,)), FACTS)
    found = told.attributes
    assert (found["session.id"], found["user.id"], found["tag.tags"]) == ("t-1", "u-1", ["beta"])
    assert json.loads(found["metadata"]) == {"plan": "pro"}
    first, second, third = (f"llm.input_messages.{n}.message" for n in range(3))
    assert (found[f"{first}.role"], found[f"{first}.content"]) == ("system", "Be kind.")
    assert found[f"{second}.contents.1.message_content.image.image.url"] == "https://x/y.png"
    assert found[f"{third}.tool_call_id"] == "c-1"
    assert found[f"{third}.content"] == '{"rain":true}'
    answer = "llm.output_messages.0.message"
    assert found[f"{answer}.contents.0.message_content.type"] == "reasoning"
    assert found[f"{answer}.tool_calls.0.tool_call.function.arguments"] == '{"at":"sky"}'
    assert found["llm.token_count.total"] == 7
    assert found["llm.token_count.prompt_details.cache_read"] == 3
    assert json.loads(found["llm.tools.0.tool.json_schema"])["function"] == {"name": "look"}
    assert not [name for name in found if name.startswith("gen_ai.")]


def test_bytes_go_along_as_an_address() -> None:
    """A picture that came inside the message."""
    asked = Message(id="1", role="user", parts=(BlobPart(b"\x89PNG", mime_type="image/png"),))
    [told] = spans_of(Turn(**TURN, spans=(call((asked,), ()),)), None)
    address = told.attributes[f"llm.input_messages.0.message.contents.0.{IMAGE}"]
    assert address == "data:image/png;base64,iVBORw=="
