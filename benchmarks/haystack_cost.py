"""H1 and H2: turns of Haystack, beside no tracer and Haystack's tracing through OpenTelemetry."""

from __future__ import annotations

import contextlib
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
from benchmarks.report import Figure
from threadline import Client
from threadline.haystack import ThreadlineTracer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MESSAGE_SIZE = 1_500


class Way(Variant):
    """One tracer in front of the same work."""

    def __init__(self, name: str, tracer: Tracer, client: Client | None = None) -> None:
        super().__init__(name, None, client)
        self.tracer = tracer
        self.shows_content = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Trace what happens inside, and nothing else."""
        holder.actual_tracer = self.tracer
        holder.is_content_tracing_enabled = self.shows_content
        yield
        holder.actual_tracer = NullTracer()
        holder.is_content_tracing_enabled = False


class _Telemetry(Way):
    """Haystack's tracing through OpenTelemetry, batched to an exporter that throws all away."""

    def __init__(self, name: str, *, shows_content: bool) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        super().__init__(name, OpenTelemetryTracer(self._provider.get_tracer("bench")))
        self.shows_content = shows_content

    def flush(self) -> None:
        self._provider.force_flush()
        self._exporter.clear()


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

    def run(self, given: Any, way: Way) -> None:
        thread_id, messages = given
        with way.watching(), threadline.conversation(thread_id):
            self._agent.run(messages)

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

    def run(self, given: Any, way: Way) -> None:
        thread_id, question = given
        names = ("retriever", "prompt", "answer")
        data = {name: {"query": question} for name in names}
        data["prompt"] = {"question": question}
        with way.watching(), threadline.conversation(thread_id):
            self._pipeline.run(data)


def _look_up(order: Annotated[str, "its number"]) -> str:
    """Look an order up."""
    return f"order {order}: sent on Monday, not delivered, worth 12 euros; " + "note " * 20


def _refund(amount: Annotated[int, "euros"]) -> str:
    """Pay an amount back."""
    return f"paid back {amount} euros"


CASES = {case.name: case for case in (AgentTurn, RagTurn)}


def our_way(store: Path) -> Way:
    client = Client(store=store, min_free_bytes=0)
    return Way("ours", ThreadlineTracer(client), client)


def measure_haystack(name: str, folder: Path, *, rounds: int) -> Iterator[Figure]:
    ways = [
        Way("none", NullTracer()),
        Way("no-op", _NoOpTracer()),
        our_way(folder / "ours.db"),
        _Telemetry("telemetry", shows_content=False),
        _Telemetry("telemetry with content", shows_content=True),
    ]
    case = CASES[name]()
    samples = measure(case, ways, rounds)
    none, no_op = samples["none"], samples["no-op"]
    for way in ways[2:]:
        mine, is_ours = samples[way.name], way.name == "ours"
        yield Figure(
            f"{name} added CPU, all threads" + ("" if is_ours else f", {way.name}"),
            "ms",
            judged=Spread.of_differences(mine.cpu, none.cpu),
            ours=Spread.of(mine.cpu),
            none=Spread.of(none.cpu),
            no_op=Spread.of(no_op.cpu),
            limit=case.limit_ms if is_ours else None,
            quiet=quiet_difference(mine.cpu, none.cpu),
        )
    for way in ways:
        way.close()
