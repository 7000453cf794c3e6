"""Chats with memory and agents with tools, with a real model over five and more turns."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Literal

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, ToolCall, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatResult
    from langgraph.graph.state import CompiledStateGraph
    from tests.live.record import Record
    from tests.live.wire import Wire

    from threadline.model import Turn

pytestmark = pytest.mark.live

_QUESTIONS = (
    "My name is Ada and I live in Lyon.",
    "What did I just tell you?",
    "Name a river.",
    "Name a river.",  # said again, and so a message of its own
    "Thank you, goodbye.",
)


def _said(turn: Turn) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in turn.messages]


def _chat(answer: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    return graph.compile(checkpointer=InMemorySaver())


def test_a_chat_with_a_checkpointer_is_what_the_two_said(
    ask_for: Callable[..., ChatOpenAI], record: Record, wire: Wire
):
    model = ask_for(max_completion_tokens=16)
    chat = _chat(lambda state: {"messages": [model.invoke(state["messages"])]})
    written_down: list[tuple[str, str]] = []
    for question in _QUESTIONS:
        config = record.config("chat", configurable={"thread_id": "chat"})
        state = chat.invoke({"messages": [("user", question)]}, config)
        written_down += [("user", question), ("assistant", state["messages"][-1].content)]
    turns = record.turns("chat")
    assert [len(exchange.messages) for exchange in wire.exchanges] == [1, 3, 5, 7, 9]
    assert [words for turn in turns for words in _said(turn)] == written_down
    assert {turn.status for turn in turns} == {"ok"}


def test_a_streamed_async_chat_is_recorded_alike(
    ask_for: Callable[..., ChatOpenAI], record: Record
):
    model = ask_for(max_completion_tokens=16)
    written_down: list[tuple[str, str]] = []

    async def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    chat = _chat(answer)

    async def ask(question: str) -> None:
        config = record.config("chat", configurable={"thread_id": "chat"})
        given = {"messages": [("user", question)]}
        heard = [
            chunk.content async for chunk, _ in chat.astream(given, config, stream_mode="messages")
        ]
        written_down.extend([("user", question), ("assistant", "".join(heard))])

    async def talk() -> None:
        for question in _QUESTIONS:
            await ask(question)

    asyncio.run(talk())
    turns = record.turns("chat")
    assert [words for turn in turns for words in _said(turn)] == written_down


class ForcedToCall(ChatOpenAI):
    """Calls the first tool it is given, by a JSON schema: the model's template ignores `tools`."""

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        tools = kwargs.pop("tools", ())
        if isinstance(messages[-1], ToolMessage):
            return super()._generate(messages, *args, **kwargs)
        function = tools[0]["function"]
        arguments = function["parameters"] | {"additionalProperties": False}
        call = {
            "type": "object",
            "properties": {
                "name": {"const": function["name"]},
                "arguments": arguments,
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        form = {"type": "json_schema", "json_schema": {"name": "call", "schema": call}}
        result = super()._generate(messages, *args, **kwargs, response_format=form)
        said = result.generations[0].message
        assert isinstance(said, AIMessage)
        wanted = json.loads(str(said.content))
        call_id = f"call_{len(messages)}"
        said.content = ""
        said.tool_calls = [
            ToolCall(type="tool_call", id=call_id, name=wanted["name"], args=wanted["arguments"])
        ]
        return result


def test_an_agents_tool_call_is_joined_with_what_the_tool_did(
    ask_for: Callable[..., ChatOpenAI], record: Record
):
    asked: list[tuple[str, int]] = []

    @tool
    def forecast(city: Literal["Nice", "Bern"], days: Literal[1, 2, 3]) -> str:
        """Say what the weather will be like."""
        asked.append((city, days))
        return f"In {city} it rains for {days} days."

    model = ask_for(ForcedToCall, max_completion_tokens=100)
    agent = create_agent(model, [forecast], system_prompt="Be brief.", checkpointer=InMemorySaver())
    answers: list[str] = []
    questions = ["Will it rain in Nice?", "And in Bern?"]
    for question in questions:
        config = record.config("agent", configurable={"thread_id": "agent"})
        state = agent.invoke({"messages": [("user", question)]}, config)
        answers.append(state["messages"][-1].content)
    turns = record.turns("agent")
    assert [turn.input for turn in turns] == questions
    assert [turn.output for turn in turns] == answers
    assert len(asked) == 2
    for turn, (city, days) in zip(turns, asked, strict=True):
        _check_forecast(turn, city, days)


def _check_forecast(turn: Turn, city: str, days: int) -> None:
    [observation] = turn.tool_observations
    assert observation.name == "forecast"
    assert observation.outcome == "ok"
    assert observation.arguments == {"city": city, "days": days}
    assert observation.result == f"In {city} it rains for {days} days."
    assert observation.call_id == turn.messages[1].tool_calls[0].id
    assert [m.role for m in turn.messages] == ["user", "assistant", "tool", "assistant"]
    assert [call.tools[0]["function"]["name"] for call in turn.llm_calls] == ["forecast"] * 2
