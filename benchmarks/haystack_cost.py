"""`python -m benchmarks.haystack_cost`: H1 and H2, beside no tracer and OpenTelemetry's."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from haystack import Document, Pipeline
from haystack.components.agents import Agent
from haystack.components.builders import AnswerBuilder, ChatPromptBuilder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.tools import create_tool_from_function
from haystack.tracing.tracer import NullTracer, Span, Tracer
from haystack.tracing.tracer import tracer as holder
from haystack_integrations.tracing.opentelemetry import OpenTelemetryTracer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import threadline
from benchmarks.handlers import Variant
from benchmarks.measuring import Spread, measure, quiet_difference
from benchmarks.models import talk
from benchmarks.report import Figure, as_table
from threadline import Client
from threadline.haystack import ThreadlineTracer

if TYPE_CHECKING:
    from collections.abc import Iterator

_MESSAGE_SIZE = 1_500


class _Way(Variant):
    """One tracer in front of the same work."""

    def __init__(self, name: str, tracer: Tracer, client: Client | None = None) -> None:
        super().__init__(name, None, client)
        self.tracer = tracer


class _NoOpSpan(Span):
    def set_tag(self, key: str, value: Any) -> None:
        """Take nothing."""

    def set_content_tag(self, key: str, value: Any) -> None:
        """Take nothing."""


class _NoOpTracer(Tracer):
    """What Haystack itself charges for a tracer."""

    @contextlib.contextmanager
    def trace(
        self,
        operation_name: str,  # noqa: ARG002 (Haystack dictates it)
        tags: dict[str, Any] | None = None,  # noqa: ARG002 (and this)
        parent_span: Span | None = None,  # noqa: ARG002 (and this)
    ) -> Iterator[Span]:
        yield _NoOpSpan()

    def current_span(self) -> Span | None:
        return None


class AgentTurn:
    """An agent's turn with two parallel tools over a history that the caller replays."""

    name = "H1"
    limit_ms = 1.5
    turns = 10
    runs_per_turn = 1

    def __init__(self) -> None:
        calls = [
            ToolCall("look_up", {"order": "17"}, id="call-1"),
            ToolCall("refund", {"amount": 12}, id="call-2"),
        ]
        replies = [
            ChatMessage.from_assistant("Let me look.", tool_calls=calls),
            ChatMessage.from_assistant(talk(_MESSAGE_SIZE, "answer")),
        ]
        tools = [create_tool_from_function(one) for one in (_look_up, _refund)]
        for one, name in zip(tools, ("look_up", "refund"), strict=True):
            one.name = name
        self._agent = Agent(
            chat_generator=MockChatGenerator(replies), tools=tools, system_prompt="You help."
        )

    def prepare(self, first: int, turns: int) -> list[Any]:
        return [self._given(number) for number in range(first, first + turns)]

    def run(self, given: Any, way: _Way) -> None:
        thread_id, messages = given
        holder.actual_tracer = way.tracer
        with threadline.conversation(thread_id):
            self._agent.run(messages)
        holder.actual_tracer = NullTracer()

    def _given(self, number: int) -> tuple[str, list[ChatMessage]]:
        conversation, turn = divmod(number, 50)
        messages: list[ChatMessage] = []
        for back in range(5, 0, -1):
            seed = f"{conversation:04d}-{turn - back + 100:06d}"
            messages.append(ChatMessage.from_user(talk(_MESSAGE_SIZE, seed)))
            messages.append(ChatMessage.from_assistant(talk(_MESSAGE_SIZE, f"a{seed}")))
        question = talk(_MESSAGE_SIZE, f"{conversation:04d}-{turn + 100:06d}")
        return f"agent-{conversation}", [*messages, ChatMessage.from_user(question)]


class RagTurn:
    """A pipeline of a retriever, a prompt, a model and an answer."""

    name = "H2"
    limit_ms = 1.0
    turns = 10
    runs_per_turn = 1

    def __init__(self) -> None:
        store = InMemoryDocumentStore()
        store.write_documents([Document(content=talk(500, f"doc-{n}")) for n in range(10)])
        template = "{% for d in documents %}{{ d.content }}{% endfor %} Q: {{ question }}"
        pipeline = Pipeline()
        pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=3))
        prompt = ChatPromptBuilder([ChatMessage.from_user(template)], required_variables="*")
        pipeline.add_component("prompt", prompt)
        pipeline.add_component("llm", MockChatGenerator(talk(200, "answer")))
        pipeline.add_component("answer", AnswerBuilder())
        pipeline.connect("retriever.documents", "prompt.documents")
        pipeline.connect("prompt.prompt", "llm.messages")
        pipeline.connect("llm.replies", "answer.replies")
        self._pipeline = pipeline

    def prepare(self, first: int, turns: int) -> list[Any]:
        return [
            (f"rag-{number // 50}", talk(80, f"{number:06d}"))
            for number in range(first, first + turns)
        ]

    def run(self, given: Any, way: _Way) -> None:
        thread_id, question = given
        names = ("retriever", "prompt", "answer")
        data = {name: {"query": question} for name in names}
        data["prompt"] = {"question": question}
        holder.actual_tracer = way.tracer
        with threadline.conversation(thread_id):
            self._pipeline.run(data)
        holder.actual_tracer = NullTracer()


def _look_up(order: Annotated[str, "its number"]) -> str:
    """Look an order up."""
    return f"order {order}: sent on Monday, not delivered, worth 12 euros; " + "note " * 20


def _refund(amount: Annotated[int, "euros"]) -> str:
    """Pay an amount back."""
    return f"paid back {amount} euros"


def _ways(folder: Path) -> list[_Way]:
    client = Client(store=folder / "ours.db", min_free_bytes=0)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    telemetry = OpenTelemetryTracer(provider.get_tracer("bench"))
    return [
        _Way("none", NullTracer()),
        _Way("no-op", _NoOpTracer()),
        _Way("telemetry", telemetry),
        _Way("ours", ThreadlineTracer(client), client),
    ]


def _measured(case: Any, folder: Path, rounds: int) -> Iterator[Figure]:
    samples = measure(case, _ways(folder), rounds)
    none, no_op = samples["none"], samples["no-op"]
    for way, limit in (("ours", case.limit_ms), ("telemetry", None)):
        mine = samples[way]
        yield Figure(
            f"{case.name} added CPU, {way}",
            "ms",
            judged=Spread.of_differences(mine.cpu, none.cpu),
            ours=Spread.of(mine.cpu),
            none=Spread.of(none.cpu),
            no_op=Spread.of(no_op.cpu),
            limit=limit,
            quiet=quiet_difference(mine.cpu, none.cpu),
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.haystack_cost", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: only to see that it runs")
    rounds = 3 if parser.parse_args().quick else 40
    figures: list[Figure] = []
    for case in (AgentTurn, RagTurn):
        with tempfile.TemporaryDirectory(prefix="threadline-bench-") as folder:
            figures += _measured(case(), Path(folder), rounds)
    print(as_table(figures))


if __name__ == "__main__":
    main()
