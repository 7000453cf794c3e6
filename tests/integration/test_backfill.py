"""`threadline.langchain.backfill`: what a LangGraph checkpointer kept becomes turns, once."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, RemoveMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from threadline import Client
from threadline.langchain import ThreadlineCallbackHandler, backfill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Scripted(GenericFakeChatModel):
    """Says what is next; takes any tools."""

    def bind_tools(self, tools: Any, **_: Any) -> Scripted:
        del tools
        return self


@tool
def weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"rain in {city}"


ASK = AIMessage(
    "Let me look.", tool_calls=[{"name": "weather", "args": {"city": "Paris"}, "id": "c1"}]
)


def agent(saver: Any, *answers: AIMessage | str) -> Any:
    return create_agent(Scripted(messages=iter(answers)), [weather], checkpointer=saver)


def of(thread_id: str, **more: Any) -> Any:
    return {"configurable": {"thread_id": thread_id}, "metadata": {"user_id": "u-1"}, **more}


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemorySaver()
        return
    with contextlib.closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
        yield SqliteSaver(connection)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with Client(store=tmp_path / "store.db", min_free_bytes=0) as client:
        yield client


def test_threads_become_conversations(saver: Any, client: Client) -> None:
    """Each input is a turn: words, tool observations, who, and the times of the steps."""
    bot = agent(saver, ASK, "It rains.", "Welcome.", "Hello.")
    bot.invoke({"messages": [("user", "Weather?")]}, of("t-1"))
    bot.invoke({"messages": [("user", "Thanks")]}, of("t-1"))
    bot.invoke({"messages": [("user", "Hi")]}, of("t-2"))
    report = backfill(saver, client=client)
    assert (report.conversations, report.turns, report.known) == (2, 3, 0)
    found = client.reader().conversation("t-1")
    assert found is not None
    assert [(turn.input, turn.output, turn.status) for turn in found.turns] == [
        ("Weather?", "It rains.", "ok"),
        ("Thanks", "Welcome.", "ok"),
    ]
    [seen] = found.tool_observations
    assert (seen.name, seen.arguments, seen.result) == (
        "weather",
        {"city": "Paris"},
        "rain in Paris",
    )
    assert seen.thought == "Let me look."
    assert found.user_id == "u-1"
    times = [message.at_ns for message in found.messages]
    assert times == sorted(times)
    assert found.turns[0].started_ns <= times[0] < found.turns[1].started_ns


def test_again_it_adds_only_what_is_new(saver: Any, client: Client) -> None:
    """A thread that went on meanwhile is taken further; all else stays as it is."""
    bot = agent(saver, "One.", "Two.")
    bot.invoke({"messages": [("user", "First")]}, of("t"))
    backfill(saver, client=client)
    assert backfill(saver, client=client).turns == 0
    bot.invoke({"messages": [("user", "Second")]}, of("t"))
    assert backfill(saver, client=client, thread_id="t").turns == 1
    found = client.reader().conversation("t")
    assert found is not None
    assert [m.text for m in found.messages] == ["First", "One.", "Second", "Two."]


def test_what_was_recorded_as_it_happened_is_not_added_again(saver: Any, client: Client) -> None:
    """A service was there before its recorder was: the turns from before come, those after not."""
    bot = agent(saver, "One.", "Two.", "Three.")
    bot.invoke({"messages": [("user", "First")]}, of("t"))
    handler = ThreadlineCallbackHandler(client)
    bot.invoke({"messages": [("user", "Second")]}, of("u", callbacks=[handler]))
    bot.invoke({"messages": [("user", "Third")]}, of("u", callbacks=[handler]))
    client.flush()
    report = backfill(saver, client=client)
    assert (report.conversations, report.turns) == (1, 1)
    recorded = client.reader().conversation("u")
    assert recorded is not None
    assert [m.text for m in recorded.messages] == ["Second", "Two.", "Third", "Three."]


def test_endings_are_true(saver: Any, client: Client) -> None:
    """An error, a question to a human and what came after it, words that a summary took out."""

    def step(state: MessagesState) -> Any:
        said = state["messages"][-1].text
        if said == "fail":
            message = "no more"
            raise ValueError(message)
        if said == "ask":
            return {"messages": [AIMessage(f"You said {interrupt('Sure?')}.")]}
        return {"messages": [RemoveMessage(state["messages"][-1].id or ""), AIMessage("Fine.")]}

    graph = StateGraph(MessagesState).add_node(step).add_edge(START, "step").compile(saver)
    with pytest.raises(ValueError, match="no more"):
        graph.invoke({"messages": [("user", "fail")]}, of("failed"))
    graph.invoke({"messages": [("user", "ask")]}, of("asked"))
    graph.invoke({"messages": [("user", "sum up")]}, of("summed"))
    backfill(saver, client=client)
    turns = {turn.thread_id: turn for turn in client.reader().turns()}
    assert turns["failed"].status == "error"
    assert turns["failed"].error is not None
    assert "no more" in turns["failed"].error.message
    assert turns["asked"].status == "interrupted"
    assert (turns["summed"].input, turns["summed"].output) == ("sum up", "Fine.")


def test_only_the_newest_branch_is_told(saver: Any, client: Client) -> None:
    """Where the application went back to a checkpoint, the way that it took last is taken in."""
    bot = agent(saver, "One.", "Two.", "Another.")
    bot.invoke({"messages": [("user", "First")]}, of("t"))
    before = bot.get_state(of("t")).config
    bot.invoke({"messages": [("user", "Second")]}, of("t"))
    bot.invoke({"messages": [("user", "Else")]}, before)
    backfill(saver, client=client)
    found = client.reader().conversation("t")
    assert found is not None
    assert [m.text for m in found.messages] == ["First", "One.", "Else", "Another."]
