"""Small applications that tests of the Haystack adapter run.

Annotations are not postponed: Haystack 3.0 could not read those of tools.
"""

import asyncio
from typing import Annotated, Any

from haystack import Document, Pipeline, component
from haystack.components.agents import Agent
from haystack.components.builders import ChatPromptBuilder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage, StreamingChunk, ToolCall
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.hooks.human_in_the_loop import (
    AlwaysAskPolicy,
    BlockingConfirmationStrategy,
    ConfirmationHook,
    ConfirmationUIResult,
)
from haystack.tools import tool


@tool
def add(a: Annotated[int, "one"], b: Annotated[int, "other"]) -> int:
    """Add two numbers."""
    return a + b


def agent(**more: Any) -> Agent:
    """An agent that adds, then answers."""
    call = ToolCall("add", {"a": 1, "b": 2}, id="call-1")
    replies = [ChatMessage.from_assistant("So.", tool_calls=[call]), "It is 3."]
    generator = MockChatGenerator(replies)
    return Agent(chat_generator=generator, tools=[add], system_prompt="Help.", **more)


def ask(app: Agent, text: str = "1+2?", **more: Any) -> str:
    """Ask an agent and return its answer."""
    return str(app.run([ChatMessage.from_user(text)], **more)["last_message"].text)


class Says:
    """A user interface that answers by itself."""

    def __init__(self, result: ConfirmationUIResult) -> None:
        self.result = result

    def get_user_confirmation(self, *args: Any, **kwargs: Any) -> ConfirmationUIResult:
        return self.result


def reviewed_agent(result: ConfirmationUIResult) -> Agent:
    """The same agent, of whose calls a human says this."""
    strategy = BlockingConfirmationStrategy(
        confirmation_policy=AlwaysAskPolicy(), confirmation_ui=Says(result)
    )
    return agent(hooks={"before_tool": [ConfirmationHook({add.name: strategy})]})


def rag() -> Pipeline:
    """A pipeline that finds a document, renders a prompt and answers."""
    store = InMemoryDocumentStore()
    store.write_documents([Document(content="Jean lives in Paris", meta={"page": 7})])
    template = "{% for d in documents %}{{ d.content }}{% endfor %} Q: {{ question }}"
    prompt = ChatPromptBuilder(
        [ChatMessage.from_system("Be brief."), ChatMessage.from_user(template)],
        required_variables="*",
    )
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store))
    pipeline.add_component("prompt", prompt)
    pipeline.add_component("llm", MockChatGenerator("Jean does."))
    pipeline.connect("retriever.documents", "prompt.documents")
    pipeline.connect("prompt.prompt", "llm.messages")
    return pipeline


QUESTION = "Who lives in Paris?"
RAG_INPUT: dict[str, Any] = {"retriever": {"query": QUESTION}, "prompt": {"question": QUESTION}}


def chat(answer: str = "Hello.") -> Pipeline:
    """A pipeline of a model alone."""
    pipeline = Pipeline()
    pipeline.add_component("llm", MockChatGenerator(answer))
    return pipeline


def chat_input(text: str) -> dict[str, Any]:
    """What such a pipeline is given."""
    return {"llm": {"messages": [ChatMessage.from_user(text)]}}


@component
class Boom:
    """Fails."""

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
        msg = "boom inside"
        raise ValueError(msg)


@component
class NeverDone:
    """Says one word, if somebody listens, and never ends."""

    began = asyncio.Event()

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], streaming_callback: Any = None) -> dict[str, Any]:
        raise NotImplementedError

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage], streaming_callback: Any = None
    ) -> dict[str, Any]:
        if streaming_callback is not None:
            await streaming_callback(StreamingChunk(content="one "))
        else:
            NeverDone.began.set()
        await asyncio.Event().wait()
        return {}
