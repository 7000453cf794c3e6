"""Runs of Haystack that LangChain has no counterpart of, through real pipelines and agents."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from haystack import Pipeline, SuperComponent
from haystack.components.agents import Agent
from haystack.components.generators.chat import MockChatGenerator
from haystack.core.errors import BreakpointException
from haystack.dataclasses import ChatMessage
from haystack.dataclasses.breakpoints import Breakpoint
from haystack.hooks.human_in_the_loop import ConfirmationUIResult
from haystack.tools import ComponentTool
from tests.haystack.applications import (
    QUESTION,
    RAG_INPUT,
    agent,
    ask,
    chat,
    chat_input,
    rag,
    reviewed_agent,
)
from tests.scenarios.checking import span_trees
from tests.scenarios.haystack_first_version import RESUMES_WITH_ITS_INPUT, TELLS_DECISIONS

import threadline
from haystack_integrations.components.connectors.threadline import ThreadlineConnector
from threadline.model.parts import BlobPart

if TYPE_CHECKING:
    from threadline import Client


def _texts(client: Client, thread_id: str = "t-1") -> list[list[str]]:
    conversation = client.reader().conversation(thread_id)
    assert conversation is not None
    return [[message.text for message in turn.messages] for turn in conversation.turns]


def test_a_run_that_pauses_goes_on_in_its_conversation(client: Client) -> None:
    """A breakpoint interrupts; the resumed run repeats its input, the transcript does not."""
    pipeline = rag()
    pipeline.add_component("threadline", ThreadlineConnector())
    data = {**RAG_INPUT, "threadline": {"thread_id": "t-1"}}
    with pytest.raises(BreakpointException) as paused:
        pipeline.run(data, break_point=Breakpoint("llm"), snapshot_callback=lambda _: None)
    pipeline.run({}, pipeline_snapshot=paused.value.pipeline_snapshot)
    turns = client.reader().conversation("t-1").turns
    assert [str(turn.status) for turn in turns] == ["interrupted", "ok"]
    answered = ["Jean does."]
    if not RESUMES_WITH_ITS_INPUT:
        answered = ["Be brief.", f"Jean lives in Paris Q: {QUESTION}", "Jean does."]
    assert _texts(client) == [[QUESTION], answered]


def test_the_first_chunk_of_an_agent_is_timed(client: Client) -> None:
    """Where an agent streams, its model calls tell when the first chunk came; all chunks arrive."""
    chunks: list[Any] = []
    assert ask(agent(), streaming_callback=chunks.append) == "It is 3."
    assert "".join(chunk.content for chunk in chunks) == "So.It is 3."
    calls = client.reader().last().llm_calls
    assert [call.first_chunk_ns is not None for call in calls] == [True, True]


def test_a_coroutine_callback_stays_one(client: Client) -> None:
    """An asynchronous callback is awaited as before."""
    heard: list[str] = []

    async def take(chunk: Any) -> None:
        heard.append(chunk.content)

    messages = [ChatMessage.from_user("1+2?")]
    asyncio.run(agent().run_async(messages, streaming_callback=take))
    assert "".join(heard) == "So.It is 3."
    assert client.reader().last().llm_calls[0].first_chunk_ns is not None


def test_a_generator_that_is_closed_elsewhere_silences_nobody(client: Client) -> None:
    """Its spans end, and the next run in either context is a turn of its own."""

    async def leave() -> None:
        run = rag().run_async_generator(RAG_INPUT)
        await anext(run)
        await asyncio.create_task(run.aclose())
        await rag().run_async(RAG_INPUT)

    asyncio.run(leave())
    newest, left = client.reader().turns(kind=None)
    assert (str(newest.status), newest.output) == ("ok", "Jean does.")
    assert str(left.status) == "stopped"


def test_an_agent_is_one_span_with_its_component(client: Client) -> None:
    """Pipeline, agent, steps, model calls and tools, each once, in their places."""
    pipeline = Pipeline()
    pipeline.add_component("helper", agent())
    pipeline.run({"helper": {"messages": [ChatMessage.from_user("1+2?")]}})
    [tree] = span_trees(client.reader().turns())
    assert tree.splitlines() == [
        "workflow pipeline",
        "  agent helper",
        "    step step 1",
        "      llm llm mock-model",
        "      tool add",
        "    step step 2",
        "      llm llm mock-model",
    ]


def test_a_retrieval_is_shown_with_its_documents(client: Client) -> None:
    """Query, documents, scores and metadata hang on the retriever; the prompt on the model."""
    rag().run(RAG_INPUT)
    turn = client.reader().last()
    [retrieval] = turn.retrievals
    assert (retrieval.name, retrieval.query) == ("retriever", QUESTION)
    [document] = retrieval.documents
    assert (document.text, document.metadata) == ("Jean lives in Paris", {"page": 7})
    [call] = turn.llm_calls
    assert call.prompt.variables["question"] == QUESTION
    assert call.input_messages[-1].text == f"Jean lives in Paris Q: {QUESTION}"


def test_an_agent_as_a_tool_speaks_in_spans_only(client: Client) -> None:
    """What a ComponentTool's agent says is no message; what it returned is the tool's result."""
    inner = Agent(chat_generator=MockChatGenerator("A hot drink."))
    research = ComponentTool(inner, name="research", description="Find out about something.")
    asked = {"messages": [{"role": "user", "content": [{"text": "tea?"}]}]}
    from haystack.dataclasses import ToolCall

    call = ChatMessage.from_assistant(tool_calls=[ToolCall("research", asked, id="call-1")])
    outer = Agent(chat_generator=MockChatGenerator([call, "It is."]), tools=[research])
    with threadline.conversation("t-1"):
        ask(outer, "Is tea hot?")
    turn = client.reader().last()
    assert [m.role for m in turn.messages] == ["user", "assistant", "tool", "assistant"]
    [observation] = turn.tool_observations
    assert (observation.name, observation.outcome, observation.call_id) == (
        "research",
        "ok",
        "call-1",
    )
    assert len(turn.llm_calls) == 3


def test_a_pipeline_in_a_component_is_one_turn(client: Client) -> None:
    """A SuperComponent's pipeline hangs on its component, though no argument says so."""
    inner = SuperComponent(
        rag(),
        input_mapping={"query": ["retriever.query", "prompt.question"]},
        output_mapping={"llm.replies": "replies"},
    )
    pipeline = Pipeline()
    pipeline.add_component("super", inner)
    pipeline.run({"super": {"query": QUESTION}})
    [turn] = client.reader().turns(kind=None)
    assert [m.text for m in turn.messages] == [QUESTION, "Jean does."]
    assert [s.kind for s in turn.spans][:3] == ["workflow", "workflow", "workflow"]


@pytest.mark.parametrize(
    ("result", "decision", "outcome", "arguments"),
    [
        (ConfirmationUIResult("confirm"), "approve", "ok", {"a": 1, "b": 2}),
        (
            ConfirmationUIResult("modify", new_tool_params={"a": 5, "b": 6}),
            "edit",
            "ok",
            {"a": 5, "b": 6},
        ),
        (ConfirmationUIResult("reject", feedback="no"), "reject", "rejected", {"a": 1, "b": 2}),
    ],
    ids=["confirm", "modify", "reject"],
)
def test_what_a_human_decides_is_told(
    client: Client,
    result: ConfirmationUIResult,
    decision: str,
    outcome: str,
    arguments: dict[str, int],
) -> None:
    """The model's own call stays in the transcript; the decision stands at the observation."""
    helper = reviewed_agent(result)
    ask(helper)
    turn = client.reader().last()
    [observation] = turn.tool_observations
    told = None if observation.decision is None else observation.decision.kind
    expected = (decision, outcome)
    if not TELLS_DECISIONS:
        expected = (None, "not_run" if outcome == "rejected" else outcome)
    assert (told, observation.outcome) == expected
    assert observation.arguments == arguments
    assert [m.role for m in turn.messages] == ["user", "assistant", "tool", "assistant"]
    [call] = turn.messages[1].tool_calls
    assert call.arguments == {"a": 1, "b": 2}


def test_a_file_is_kept_beside_the_words(client: Client) -> None:
    """Files are parts of their message, with their type and name."""
    from haystack.dataclasses import FileContent

    file = FileContent("JVBERi0xLjQK", mime_type="application/pdf", filename="a.pdf")
    asked = ChatMessage.from_user(content_parts=["What is it?", file])
    chat().run({"llm": {"messages": [asked]}})
    [part] = [p for p in client.reader().last().messages[0].parts if isinstance(p, BlobPart)]
    assert part.content == b"%PDF-1.4\n"
    assert (part.mime_type, part.extra) == ("application/pdf", {"filename": "a.pdf"})


def test_nobody_sees_the_users_objects_changed(client: Client) -> None:
    """Messages, their metadata and inputs are as they were."""
    messages = [ChatMessage.from_user("1+2?", meta={"mine": 1})]
    before = [message.to_dict() for message in messages]
    result = agent().run(messages)
    assert [message.to_dict() for message in messages] == before
    assert all("threadline" not in str(message.meta) for message in result["messages"])


def test_two_threads_of_one_pipeline_do_not_mix(client: Client) -> None:
    """A conversation of one context is not seen in another."""
    from concurrent.futures import ThreadPoolExecutor

    pipeline = chat()

    def one(n: int) -> None:
        with threadline.conversation(f"t-{n}"):
            pipeline.run(chat_input(f"I am {n}."))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    turns = client.reader().turns(limit=100)
    assert {(t.thread_id, t.input) for t in turns} == {(f"t-{n}", f"I am {n}.") for n in range(40)}


def test_a_stream_that_is_left_is_stopped(client: Client) -> None:
    """Who leaves `Pipeline.stream` early stops the turn; a cancelled task cancels it."""
    from tests.haystack.applications import NeverDone

    pipeline = Pipeline()
    pipeline.add_component("llm", NeverDone())

    async def leave() -> None:
        handle = pipeline.stream(chat_input("Count."))
        async for _ in handle:
            break
        await handle.aclose()
        task = asyncio.create_task(pipeline.run_async(chat_input("Count.")))
        await NeverDone.began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    cancelled, stopped = client.reader().turns(kind=None)
    assert (str(stopped.status), str(cancelled.status)) == ("stopped", "cancelled")
    assert stopped.input == "Count."
