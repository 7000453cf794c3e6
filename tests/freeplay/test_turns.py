"""What a turn is at Freeplay: completions, traces of tools and steps, a trace of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import freeplay_server
from tests.samples import SECOND, START, observed, said, span, turn
from tests.shipping import client_for, ingestion

import threadline
from threadline.ingest.freeplay_ids import FreeplayIds
from threadline.ingest.freeplay_turn import turn_requests
from threadline.model import (
    BlobPart,
    Document,
    Failure,
    FilePart,
    GenericPart,
    Prompt,
    ReasoningPart,
    Status,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
    Usage,
)
from threadline.model.turn import Decision
from threadline.store.outbox_records import ConversationFacts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import FreeplayLoopback

    from threadline.model import Part, Span, Turn

IDS = FreeplayIds(freeplay_server.PROJECT)
FACTS = ConversationFacts(thread_id="t")
VERSION = "8a1c8c52-0a6d-4d5f-9a53-0f3f3a7f9b11"


def objects(of: Turn, facts: ConversationFacts | None = FACTS) -> dict[str, dict[str, Any]]:
    """By id, what is sent of a turn."""
    found = list(turn_requests(of, facts, IDS))
    return {r.body.get("completion_id", r.path.split("/")[-1]): r.body for r in found}


def own_trace(of: Turn, facts: ConversationFacts | None = FACTS) -> dict[str, Any]:
    return objects(of, facts)[IDS.turn(of.id)]


def completion(call: Span) -> dict[str, Any]:
    return objects(turn("t", 0, 9, said("user", "Hi", 0), spans=(call,)))[IDS.span(call.id)]


def content(*parts: Part) -> Any:
    call = span("llm", "m", 1, 2, input_messages=(said("user", "", 0, parts=parts),))
    return completion(call)["messages"][0]["content"]


class TestMessages:
    def test_words_are_one_text(self) -> None:
        """Also where they came in parts."""
        assert content(TextPart("Rain "), TextPart("in Rome?")) == "Rain in Rome?"

    @pytest.mark.parametrize(
        ("part", "entry"),
        [
            (
                BlobPart(b"png", mime_type="image/png"),
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
            ),
            (
                UriPart("https://a.example/1.png", modality="image"),
                {"type": "image_url", "image_url": {"url": "https://a.example/1.png"}},
            ),
            (
                BlobPart(b"wav", mime_type="audio/wav"),
                {"type": "input_audio", "input_audio": {"data": "d2F2", "format": "wav"}},
            ),
            (
                BlobPart(b"pdf", mime_type="application/pdf", extra={"filename": "a.pdf"}),
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,cGRm", "filename": "a.pdf"},
                },
            ),
            (FilePart("file-1"), {"type": "file", "file": {"file_id": "file-1"}}),
        ],
        ids=["picture", "address", "sound", "document", "file"],
    )
    def test_media_stand_beside_the_words(self, part: Part, entry: dict[str, Any]) -> None:
        """In OpenAI's form, bytes as base64."""
        assert content(TextPart("Look:"), part) == [{"type": "text", "text": "Look:"}, entry]

    def test_what_has_no_form_is_text(self) -> None:
        """Nothing that was said is left out, but what a model thought before it spoke."""
        parts = (
            ReasoningPart("Hm"),
            UriPart("https://a.example/1.mp4", mime_type="video/mp4"),
            GenericPart("widget", {"price": 3}),
            GenericPart("withheld", {"type": "text", "size": 9}),
        )
        assert content(*parts) == '[video/mp4: https://a.example/1.mp4]{"price":3}[withheld]'

    def test_calls_and_results_name_each_other(self) -> None:
        """Arguments are JSON in a text; each result is a message of its own."""
        calls = (ToolCallPart("look", {"at": "sky"}, "c1"), ToolCallPart("wait", None, "c2"))
        results = (ToolCallResponsePart({"rain": True}, "c1"), ToolCallResponsePart("ok", "c2"))
        call = span(
            "llm",
            "m",
            1,
            2,
            input_messages=(
                said("assistant", "", 0, parts=calls),
                said("tool", "", 0, parts=results, name="look"),
            ),
            output_messages=(said("assistant", "Rain", 2),),
        )
        asked, *told, answer = completion(call)["messages"]
        assert asked["content"] is None
        assert [c["function"]["arguments"] for c in asked["tool_calls"]] == ['{"at":"sky"}', "{}"]
        assert told == [
            {"role": "tool", "tool_call_id": "c1", "content": '{"rain":true}'},
            {"role": "tool", "tool_call_id": "c2", "content": "ok"},
        ]
        assert answer == {"role": "assistant", "content": "Rain"}


class TestCompletions:
    def test_a_call_that_failed_ends_with_its_error(self) -> None:
        """Else the user's words would be taken for the answer."""
        call = span(
            "llm",
            "m",
            1,
            2,
            status="error",
            error=Failure("RateLimitError", "slow down"),
            input_messages=(said("user", "Hi", 0),),
        )
        body = completion(call)
        last = {"role": "assistant", "content": "RateLimitError: slow down"}
        assert body["messages"][-1] == last
        assert body["eval_results"] == {"llm_error": True}

    def test_what_a_failing_call_had_said_is_kept(self) -> None:
        """Words that came before the error are the answer."""
        call = span(
            "llm",
            "m",
            1,
            2,
            status="error",
            error=Failure("ReadTimeout"),
            output_messages=(said("assistant", "In Rome it", 2),),
        )
        assert completion(call)["messages"] == [{"role": "assistant", "content": "In Rome it"}]

    @pytest.mark.parametrize(
        ("usage", "told"),
        [
            (
                Usage(input_tokens=3, output_tokens=0),
                {"prompt_tokens": 3, "completion_tokens": 0},
            ),
            (Usage(input_tokens=3), None),
            (None, None),
        ],
        ids=["both", "one", "none"],
    )
    def test_tokens_are_told_where_both_counts_are_known(
        self, usage: Usage | None, told: dict[str, int] | None
    ) -> None:
        """A count that nobody made is not made up."""
        assert completion(span("llm", "m", 1, 2, usage=usage))["call_info"].get("usage") == told

    @pytest.mark.parametrize(
        ("version", "told"),
        [
            (VERSION, {"prompt_template_version_id": VERSION, "environment": "prod"}),
            ("v17", None),
            (None, None),
        ],
    )
    def test_a_version_of_freeplays_is_linked(
        self, version: str | None, told: dict[str, str] | None
    ) -> None:
        """Versions of others are no UUIDs; the variables are told in any case, without nulls."""
        prompt = Prompt(
            name="p", version=version, environment="prod", variables={"tone": "kind", "none": None}
        )
        body = completion(span("llm", "m", 1, 2, prompt=prompt))
        assert body.get("prompt_info") == told
        assert body["inputs"] == {"tone": "kind"}

    def test_what_the_run_says_of_its_prompt_holds_for_calls_without_a_template(self) -> None:
        """By our keys, or by those of Freeplay's packages, which stand nowhere else then."""
        ours = {"prompt_version": VERSION, "prompt_environment": "prod"}
        theirs = {
            "freeplay.prompt_template.version.id": VERSION,
            "freeplay.environment": "prod",
            "freeplay.input_variables": '{"tone": "kind"}',
        }
        call = span("llm", "m", 1, 2)
        info = {"prompt_template_version_id": VERSION, "environment": "prod"}
        for metadata in (ours, theirs):
            of = turn("t", 0, 9, spans=(call,), metadata=metadata)
            assert objects(of)[IDS.span(call.id)]["prompt_info"] == info
        assert objects(of)[IDS.span(call.id)]["inputs"] == {"tone": "kind"}
        assert not any("freeplay" in key for key in own_trace(of)["custom_metadata"])

    def test_a_test_run_is_named_by_both_its_ids(self) -> None:
        """One alone says nothing."""
        call = span("llm", "m", 1, 2)
        ids = {"freeplay.test_run.id": "run", "freeplay.test_case.id": "case"}
        whole, part = (
            objects(turn("t", 0, 9, spans=(call,), metadata=metadata))
            for metadata in (ids, {"freeplay.test_run.id": "run"})
        )
        told = {"test_run_id": "run", "test_case_id": "case"}
        assert [body.get("test_run_info") for body in whole.values()] == [told, told]
        assert [body.get("test_run_info") for body in part.values()] == [None, None]

    def test_times_are_seconds(self) -> None:
        """A call that never ended has no length."""
        info = completion(span("llm", "m", 1, None))["call_info"]
        assert info["start_time"] == info["end_time"] == (START + SECOND) / 1e9


class TestSteps:
    def test_a_tool_that_failed_says_so(self) -> None:
        """Its error is the output, and stands in the metadata."""
        tool = span("tool", "look", 1, 2, call_id="c1", status="error", error=Failure("KeyError"))
        body = objects(turn("t", 0, 9, spans=(tool,)))[IDS.span(tool.id)]
        assert body["output"] == {"error": "KeyError"}
        assert body["custom_metadata"] == {
            "tool_call_id": "c1",
            "status": "error",
            "error": True,
            "error_type": "KeyError",
        }

    def test_a_call_that_nothing_ran_for_is_a_trace_too(self) -> None:
        """Refused by a human, below the completion that asked for it."""
        asked = said("assistant", "", 1, parts=(ToolCallPart("pay", {"cents": 1}, "c1"),))
        call = span("llm", "m", 1, 2, output_messages=(asked,))
        refused = observed(
            "pay",
            "c1",
            3,
            3,
            outcome="rejected",
            span_ids=(),
            arguments={"cents": 1},
            decision=Decision(kind="reject", message="Too dear"),
        )
        body = objects(turn("t", 0, 9, spans=(call,), tool_observations=(refused,)))[
            IDS.span(refused.id)
        ]
        assert (body["kind"], body["name"], body["input"]) == ("tool", "pay", {"cents": 1})
        assert body["parent_id"] == IDS.span(call.id)
        told = {"status": "rejected", "decision": "reject", "decision_message": "Too dear"}
        assert body["custom_metadata"] == {"tool_call_id": "c1", **told}

    def test_of_two_calls_under_one_id_the_later_one_asked(self) -> None:
        """Some models number their calls anew each time."""
        asked = said("assistant", "", 1, parts=(ToolCallPart("look", {}, "call_0"),))
        spans = (
            span("llm", "m", 1, 2, output_messages=(asked,)),
            span("tool", "look", 2, 3, call_id="call_0"),
            span("llm", "m", 3, 4, output_messages=(asked,)),
            span("tool", "look", 4, 5, call_id="call_0"),
        )
        found = objects(turn("t", 0, 9, spans=spans))
        parents = [found[IDS.span(tool.id)]["parent_id"] for tool in (spans[1], spans[3])]
        assert parents == [IDS.span(spans[0].id), IDS.span(spans[2].id)]

    def test_a_retrieval_is_a_trace_with_its_documents(self) -> None:
        """It is no tool, and its step is left out."""
        step = span("step", "retrieve", 1, 3)
        found = span(
            "retriever",
            "vectors",
            1,
            2,
            parent_id=step.id,
            query="rain",
            documents=(Document(text="It rains", score=0.5),),
        )
        told = objects(turn("t", 0, 9, spans=(step, found)))
        assert IDS.span(step.id) not in told
        body = told[IDS.span(found.id)]
        assert (body["input"], body["output"]) == ("rain", [{"text": "It rains", "score": 0.5}])
        assert "kind" not in body

    def test_what_an_agent_within_an_agent_did_stands_below_it(self) -> None:
        """It is asked and answers; the outermost agent is the turn's own trace."""
        outer = span("agent", "boss", 0, 9)
        tool = span("tool", "ask_expert", 1, 8, parent_id=outer.id)
        inner = span("agent", "expert", 1, 7, parent_id=tool.id)
        step = span("step", "model", 1, 3, parent_id=inner.id)
        call = span(
            "llm",
            "m",
            1,
            2,
            parent_id=step.id,
            input_messages=(said("system", "Be brief", 0), said("user", "Rain?", 1)),
            output_messages=(said("assistant", "Yes", 2),),
        )
        found = objects(turn("t", 0, 9, spans=(outer, tool, inner, step, call), name="boss"))
        sent = {IDS.span(s.id) for s in (tool, inner, call)}
        assert set(found) == sent | {IDS.turn(turn("t", 0, 9).id)}
        body = found[IDS.span(inner.id)]
        assert (body["agent_name"], body["input"], body["output"]) == ("expert", "Rain?", "Yes")
        assert body["parent_id"] == IDS.span(tool.id)
        assert found[IDS.span(call.id)]["parent_id"] == IDS.span(inner.id)


class TestTurns:
    def test_a_turn_that_failed_tells_its_error(self) -> None:
        """There is an output in any case."""
        of = turn(
            "t", 0, 9, said("user", "Hi", 0), status=Status.ERROR, error=Failure("KeyError", "x")
        )
        body = own_trace(of)
        assert body["output"] == {"error": "KeyError: x"}
        assert body["custom_metadata"]["turn_status"] == "error"
        assert body["custom_metadata"]["turn_error"] == "KeyError: x"

    def test_metadata_is_flat(self) -> None:
        """What is not flat is JSON; nothing of the application's is overwritten."""
        of = turn("t", 0, 9, metadata={"plan": "pro", "seats": [1, 2], "app": "theirs", "no": None})
        told = own_trace(of)["custom_metadata"]
        assert (told["plan"], told["seats"], told["app"]) == ("pro", "[1,2]", "theirs")
        assert "no" not in told

    def test_a_side_call_is_no_agent(self) -> None:
        """What is kept out of the transcript is kept out of agents' figures."""
        body = own_trace(turn("t", 0, 9, kind="trace", name="title"))
        assert "agent_name" not in body
        assert body["name"] == "title"
        assert body["custom_metadata"]["side_call"] is True

    @pytest.mark.parametrize(
        ("facts", "told"),
        [
            (FACTS, {"thread_id": "t"}),
            (
                ConversationFacts(thread_id="made-up", is_generated=True, user_id="u"),
                {"user_id": "u"},
            ),
            (
                ConversationFacts(thread_id="t", title="Rain", tags=("a", "b"), tenant="x"),
                {"thread_id": "t", "tenant": "x", "title": "Rain", "tags": "a, b"},
            ),
        ],
        ids=["given", "generated", "all"],
    )
    def test_a_session_tells_what_its_conversation_does(
        self, facts: ConversationFacts, told: dict[str, str]
    ) -> None:
        """An id that was made up here is never passed off as the application's own."""
        *_, last = turn_requests(turn("t", 0, 9), facts, IDS)
        assert (last.method, last.body) == ("PATCH", told)

    def test_the_name_of_an_agent_can_be_given(
        self, server: FreeplayLoopback, tmp_path: Path
    ) -> None:
        """So that it is the same, however graphs are named."""
        with (
            client_for(tmp_path / "chat.db", ["freeplay"], ship=False) as client,
            threadline.turn(thread_id="t", input="Hi", name="LangGraph", client=client) as turn,
        ):
            turn.output = "Hello"
        sender = ingestion(tmp_path / "chat.db", server.target(agent_name="train_bot"))
        sender.flush(20)
        sender.stop(1)
        [[trace]] = server.objects().values()
        assert trace["agent_name"] == "train_bot"

    def test_without_words_there_are_none(self, server: FreeplayLoopback, tmp_path: Path) -> None:
        """Where recording keeps no content, shapes, names and times arrive all the same."""
        with (
            client_for(tmp_path / "chat.db", ["freeplay"], ship=False, content="off") as client,
            threadline.turn(thread_id="t", input="Canary", client=client) as turn,
        ):
            turn.llm_call([{"role": "user", "content": "Canary"}], "Canary", model="gpt-x")
            turn.tool("look", {"at": "Canary"}, result="Canary")
            turn.output = "Canary"
        sender = ingestion(tmp_path / "chat.db", server.target())
        sender.flush(20)
        sender.stop(1)
        assert sender.deliveries() == (1, 0, 0)
        assert len(server.objects()) == 3
        assert "Canary" not in server.counted.read_text()
