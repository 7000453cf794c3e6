"""What an OTLP request holds, decoded with the types of OpenTelemetry itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.shipping import client_for

import threadline
from threadline.clock import SystemClock
from threadline.destinations import Otlp
from threadline.errors import SettingError
from threadline.ingest.shipping import open_outbox
from threadline.ingest.trying import item_of

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "sk-very-secret-0123456789"


def exported(client: threadline.Client, target: Otlp) -> tuple[dict[str, Any], list[Span]]:
    """Return the resource and the spans of everything that waits."""
    client.close()
    outbox = open_outbox(client.settings.store, SystemClock())
    rows = outbox.plan("otlp", 100)
    found = outbox.records(rows)
    body = target._body(
        [span for row in rows for span in target._spans(item_of(row, found[row]), {})]
    )
    [whole] = ExportTraceServiceRequest.FromString(body).resource_spans
    return told(whole.resource), list(whole.scope_spans[0].spans)


def told(thing: Any) -> dict[str, Any]:
    values = {pair.key: pair.value for pair in thing.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}


@pytest.fixture
def client(tmp_path: Path) -> threadline.Client:
    return client_for(tmp_path / "chat.db", ["otlp"], ship=False)


def ask(client: threadline.Client, thread_id: str | None = "t-1") -> str:
    """One turn with a model call and a tool that fails; returns the turn's id."""
    with threadline.turn(
        thread_id=thread_id, user_id="u-1", input="Rain?", name="weather", client=client
    ) as turn:
        turn.llm_call(
            [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Rain?"}],
            "Let me see",
            model="gpt-x",
        )
        turn.tool("look", {"at": "sky"}, result={"rain": True})
        turn.output = "Yes"
    return turn.id


def test_a_turn_is_one_trace_whose_spans_hang_together(client: threadline.Client) -> None:
    """The trace's id is the turn's; each span has a parent in the trace, apart from one."""
    turn_id = ask(client)
    _, spans = exported(client, Otlp())
    assert {span.trace_id.hex() for span in spans} == {turn_id.replace("-", "")}
    ids = [span.span_id for span in spans]
    assert len(set(ids)) == len(ids)
    assert [span.parent_span_id in ids for span in spans].count(False) == 1
    assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


def test_model_calls_and_tools_speak_gen_ai(client: threadline.Client) -> None:
    """Messages, instructions, arguments and results stand under the names of the conventions."""
    ask(client)
    _, spans = exported(client, Otlp())
    by_name = {span.name: span for span in spans}
    call = told(by_name["chat gpt-x"])
    assert call["gen_ai.operation.name"] == "chat"
    assert call["gen_ai.request.model"] == "gpt-x"
    assert by_name["chat gpt-x"].kind == Span.SPAN_KIND_CLIENT
    said = {"type": "text", "content": "Rain?"}
    assert json.loads(call["gen_ai.input.messages"]) == [{"role": "user", "parts": [said]}]
    [answer] = json.loads(call["gen_ai.output.messages"])
    assert (answer["role"], answer["finish_reason"]) == ("assistant", "stop")
    [instruction] = json.loads(call["gen_ai.system_instructions"])
    assert instruction == {"type": "text", "content": "Be kind"}
    tool = told(by_name["execute_tool look"])
    assert tool["gen_ai.tool.name"] == "look"
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"at": "sky"}
    assert json.loads(tool["gen_ai.tool.call.result"]) == {"rain": True}


def test_the_turn_itself_is_told_on_the_root(client: threadline.Client) -> None:
    """Who asked what, and what came back, as a person would say it."""
    turn_id = ask(client)
    _, spans = exported(client, Otlp())
    [root] = [told(span) for span in spans if not span.parent_span_id]
    assert (root["threadline.turn.id"], root["user.id"]) == (turn_id, "u-1")
    assert root["threadline.turn.status"] == "ok"
    assert json.loads(root["gen_ai.output.messages"])[0]["parts"][0]["content"] == "Yes"


def test_only_an_id_of_the_application_is_a_conversation_id(client: threadline.Client) -> None:
    """An id that was made up here is never exported as the application's own."""
    ask(client, "t-1")
    ask(client, None)
    _, spans = exported(client, Otlp())
    by_trace: dict[bytes, set[Any]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, set()).add(told(span).get("gen_ai.conversation.id"))
    assert sorted(by_trace.values(), key=str) == [{"t-1"}, {None}]


def test_an_error_is_a_status_and_an_exception(client: threadline.Client) -> None:
    """The turn's error stands on the span that failed, with its type."""
    with (
        pytest.raises(KeyError),
        threadline.turn(thread_id="t-1", input="Rain?", client=client),
    ):
        raise KeyError("sky")
    _, spans = exported(client, Otlp())
    [failed] = [span for span in spans if span.status.code == Status.STATUS_CODE_ERROR]
    [exception] = failed.events
    assert (exception.name, told(exception)["exception.type"]) == ("exception", "KeyError")
    assert told(failed)["error.type"] == "KeyError"


def test_an_error_beside_all_spans_is_told_too(client: threadline.Client) -> None:
    """Where the only step went well, the turn that failed all the same has a span of its own."""

    def fail() -> None:
        with threadline.turn(thread_id="t-1", input="Rain?", client=client) as turn:
            turn.tool("look", {"at": "sky"}, result={"rain": True})
            raise KeyError("sky")

    with pytest.raises(KeyError):
        fail()
    _, [root, tool] = exported(client, Otlp())
    assert (root.status.code, tool.status.code) == (Status.STATUS_CODE_ERROR, 0)
    assert tool.parent_span_id == root.span_id
    assert told(root)["error.type"] == "KeyError"


def test_a_rating_is_an_evaluation_in_the_trace_of_its_turn(client: threadline.Client) -> None:
    """It names score, label, words and source, and hangs on a span of the trace."""
    turn_id = ask(client)
    threadline.rate(0.5, turn_id=turn_id, name="tone", comment="dry", client=client)
    threadline.rate("bad", turn_id=turn_id, name="style", client=client)
    threadline.feedback("Hm", turn_id=turn_id, client=client)
    threadline.event("Checkout", turn_id=turn_id, metadata={"total": 12}, client=client)
    _, spans = exported(client, Otlp())
    trace, notes = spans[:-4], spans[-4:]
    assert {span.trace_id for span in notes} == {trace[0].trace_id}
    assert {span.parent_span_id for span in notes} <= {span.span_id for span in trace}
    [score, label, words, event] = [note.events[0] for note in notes]
    assert score.name == "gen_ai.evaluation.result"
    assert told(score)["gen_ai.evaluation.score.value"] == 0.5
    assert told(score)["gen_ai.evaluation.explanation"] == "dry"
    assert told(label)["gen_ai.evaluation.score.label"] == "bad"
    assert told(words)["threadline.feedback.text"] == "Hm"
    assert (event.name, told(event)["threadline.metadata.total"]) == ("Checkout", 12)


def test_ids_are_the_same_in_every_try(client: threadline.Client) -> None:
    """What is sent twice is the same spans."""
    ask(client)
    first, second = exported(client, Otlp())[1], exported(client, Otlp())[1]
    assert [span.span_id for span in first] == [span.span_id for span in second]


def test_the_standard_variables_are_read(
    client: threadline.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Endpoint, headers and resource come from where OpenTelemetry looks for them."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9/base/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={SECRET}, x=a%20b")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=tea")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    target = Otlp()
    assert target._target.url == "http://127.0.0.1:9/base/v1/traces"
    assert target._target._secrets == {"api-key": SECRET, "x": "a b"}
    ask(client)
    assert exported(client, target)[0] == {"service.name": "shop", "team": "tea"}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/own")
    assert Otlp()._target.url == "http://127.0.0.1:9/own"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(SettingError, match="http/protobuf"):
        Otlp()


@pytest.mark.parametrize(
    ("endpoint", "headers", "words"),
    [
        ("http://collector.example:4318/v1/traces", {"api-key": SECRET}, "https://"),
        ("collector:4318", {}, "begins with"),
        ("https://me:pass-word@collector.example", {}, "without a user"),
        ("https://collector.example", {"api-key": f"{SECRET}\n"}, "printable"),
    ],
)
def test_what_would_give_a_secret_away_is_refused_and_not_told(
    endpoint: str, headers: dict[str, str], words: str
) -> None:
    """Credentials go over TLS, or nowhere; the sentence that says so holds none."""
    with pytest.raises(SettingError, match=words) as refused:
        Otlp(endpoint, headers=headers)
    assert SECRET not in str(refused.value)
    assert "pass-word" not in str(refused.value)


def test_plain_http_is_fine_where_nothing_secret_goes() -> None:
    """A collector in the cluster, without credentials; or any, if it is allowed by name."""
    address = "http://collector.example:4318/v1/traces"
    assert Otlp(address).name == "otlp"
    assert Otlp(address, headers={"api-key": SECRET}, allow_plain_http=True).name == "otlp"


def test_the_names_are_those_of_openinference_by_choice(
    client: threadline.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same trace in the other words, notes included; in code or by environment."""
    turn_id = ask(client)
    threadline.rate(1, turn_id=turn_id, comment="dry", client=client)
    monkeypatch.setenv("THREADLINE_OTLP_CONVENTION", "openinference")
    _, spans = exported(client, Otlp())
    assert exported(client, Otlp(convention="openinference"))[1] == spans
    kinds = {told(span)["openinference.span.kind"] for span in spans}
    assert kinds == {"CHAIN", "LLM", "TOOL", "EVALUATOR"}
    assert {told(span)["session.id"] for span in spans} == {"t-1"}
    [root] = [told(span) for span in spans if not span.parent_span_id]
    assert (root["input.value"], root["output.value"]) == ("Rain?", "Yes")
    judged = told(spans[-1])
    assert judged["trace.annotations.0.annotation.score"] == 1
    assert judged["trace.annotations.0.annotation.annotator_kind"] == "HUMAN"
    monkeypatch.setenv("THREADLINE_OTLP_CONVENTION", "other")
    with pytest.raises(SettingError, match="gen_ai, openinference"):
        Otlp()
