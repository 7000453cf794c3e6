"""Haystack with a real model: plain, streaming, async, in an agent with a tool."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from haystack import Pipeline, component
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage, ChatRole, ToolCall
from haystack.tools import create_tool_from_function
from haystack.utils import Secret

import threadline
import threadline.haystack
from haystack_integrations.components.connectors.threadline import ThreadlineConnector
from threadline.client.defaults import serving_as_default

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.record import Record
    from tests.live.wire import Wire

pytestmark = pytest.mark.live

_QUESTIONS = ("My name is Ada.", "Name a river.", "Name a river.")


@pytest.fixture(autouse=True)
def _attached(record: Record) -> Iterator[None]:
    with serving_as_default(record.client):
        threadline.haystack.attach()
        yield
        threadline.haystack.detach()


def _generator(wire: Wire, **kwargs: Any) -> OpenAIChatGenerator:
    return OpenAIChatGenerator(
        api_key=Secret.from_token("none"),
        model="smollm2",
        api_base_url=wire.url,
        max_retries=0,
        generation_kwargs={"temperature": 0, "seed": 7, "max_completion_tokens": 12} | kwargs,
    )


def _chat(wire: Wire, **kwargs: Any) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component("llm", _generator(wire, **kwargs))
    pipeline.add_component("threadline", ThreadlineConnector())
    return pipeline


@pytest.mark.parametrize("way", ["plain", "streaming", "async", "async streaming"])
def test_a_chat_is_what_the_two_said(way: str, record: Record, wire: Wire) -> None:
    """Three turns of a held history: the wire and the store tell the same."""
    streams = {"stream_options": {"include_usage": True}} if "streaming" in way else {}
    pipeline = _chat(wire, **streams)
    history: list[ChatMessage] = []
    heard: list[str] = []

    def hear(chunk: Any) -> None:
        heard.append(chunk.content)

    async def hear_async(chunk: Any) -> None:
        heard.append(chunk.content)

    for question in _QUESTIONS:
        history.append(ChatMessage.from_user(question))
        llm: dict[str, Any] = {"messages": list(history)}
        data = {"llm": llm, "threadline": {"thread_id": "chat"}}
        if "streaming" in way:
            llm["streaming_callback"] = hear_async if "async" in way else hear
        run = asyncio.run(pipeline.run_async(data)) if "async" in way else pipeline.run(data)
        history += run["llm"]["replies"]
    # the wire is compared with every call, and its first chunk with that of the wire, but for
    # synchronous streams: of those Haystack shows no chunk
    is_heard = way != "streaming"
    turns = record.turns("chat") if is_heard else list(record.conversation("chat").turns)
    timed = [call.first_chunk_ns is not None for turn in turns for call in turn.llm_calls]
    assert timed == [way == "async streaming"] * len(_QUESTIONS)
    counted = [exchange.usage["completion_tokens"] for exchange in wire.exchanges]
    assert [c.usage.output_tokens for t in turns for c in t.llm_calls if c.usage] == counted
    assert [len(exchange.messages) for exchange in wire.exchanges] == [1, 3, 5]
    said = [(m.role, m.text) for turn in turns for m in turn.messages]
    assert said == [(m.role.value, m.text) for m in history]
    if heard:
        assert "".join(heard) == "".join(turn.output for turn in turns)


@component
class ForcedToCall:
    """Calls its first tool, by a JSON schema: the model's template ignores `tools`."""

    def __init__(self, inner: OpenAIChatGenerator) -> None:
        self.inner = inner

    @component.output_types(replies=list[ChatMessage])
    def run(
        self, messages: list[ChatMessage], tools: Any = None, streaming_callback: Any = None
    ) -> dict[str, Any]:
        if messages[-1].role is ChatRole.TOOL:
            return self.inner.run(messages, streaming_callback=streaming_callback)
        call = {
            "type": "object",
            "properties": {
                "name": {"const": tools[0].name},
                "arguments": tools[0].parameters | {"additionalProperties": False},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        form = {"type": "json_schema", "json_schema": {"name": "call", "schema": call}}
        kwargs = {"response_format": form, "max_completion_tokens": 100}
        [reply] = self.inner.run(messages, generation_kwargs=kwargs)["replies"]
        wanted = json.loads(reply.text)
        asked = ToolCall(wanted["name"], wanted["arguments"], f"call_{len(messages)}")
        return {"replies": [ChatMessage.from_assistant(tool_calls=[asked], meta=reply.meta)]}


def _forecast(days: Annotated[int, "how many, at most 9"]) -> str:
    """Say what the weather will be like."""
    return f"It rains for {days} days."


def test_an_agents_tool_call_is_joined_with_what_the_tool_did(record: Record, wire: Wire) -> None:
    """A real model's call, its arguments, the tool's result and the streamed answer."""
    schema = {
        "type": "object",
        "properties": {"days": {"type": "integer", "enum": [1, 2, 3]}},
        "required": ["days"],
    }
    forecast = create_tool_from_function(_forecast, name="forecast")
    forecast.parameters = schema
    agent = Agent(chat_generator=ForcedToCall(_generator(wire)), tools=[forecast])
    chunks: list[Any] = []

    def hear(chunk: Any) -> None:
        chunks.append(chunk)

    with threadline.conversation("agent"):
        result = agent.run([ChatMessage.from_user("Will it rain?")], streaming_callback=hear)
    conversation = record.conversation("agent")
    [turn] = conversation.turns
    [observation] = turn.tool_observations
    days = observation.arguments["days"]
    assert (observation.name, observation.outcome) == ("forecast", "ok")
    assert observation.result == f"It rains for {days} days."
    assert observation.call_id == turn.messages[1].tool_calls[0].id
    assert turn.output == result["last_message"].text
    assert turn.llm_calls[-1].first_chunk_ns is not None
    assert turn.llm_calls[0].usage is not None
    assert turn.llm_calls[0].usage.input_tokens == wire.exchanges[0].usage["prompt_tokens"]
    assert len(wire.exchanges) == 2
