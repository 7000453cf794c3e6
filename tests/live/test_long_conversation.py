"""Fifty turns with a real model that sees only a window of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import SystemMessage, trim_messages
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_openai import ChatOpenAI
    from tests.live.record import Record
    from tests.live.wire import Wire

pytestmark = pytest.mark.live

_TURNS = 50
_WINDOW = 7
_INSTRUCTION = "Answer in a few words."
_TOPICS = ("a river", "a city", "a colour", "a tree", "a river")  # asked again, word for word


def _question(turn: int) -> str:
    return f"Name {_TOPICS[turn % len(_TOPICS)]}."


def test_fifty_turns_with_a_window_read_as_the_program_wrote_them_down(
    ask_for: Callable[..., ChatOpenAI], record: Record, wire: Wire
):
    """Every other turn is streamed; `record.turns` compares each call with what the wire saw."""
    model = ask_for(max_completion_tokens=8)

    def answer(state: MessagesState) -> dict[str, Any]:
        window = trim_messages(
            state["messages"],
            max_tokens=_WINDOW,
            token_counter=len,
            strategy="last",
            start_on="human",
        )
        return {"messages": [model.invoke([SystemMessage(_INSTRUCTION), *window])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    chat = graph.compile(checkpointer=InMemorySaver())
    config = record.config("chat", configurable={"thread_id": "chat"})
    written_down: list[tuple[str, str]] = []
    for turn in range(_TURNS):
        given: Any = {"messages": [("user", _question(turn))]}
        if turn % 2:
            chunks = chat.stream(given, config, stream_mode="messages")
            heard = "".join(str(chunk.content) for chunk, _ in chunks)
        else:
            heard = str(chat.invoke(given, config)["messages"][-1].content)
        written_down += [("user", _question(turn)), ("assistant", heard)]
    turns = record.turns("chat")
    said = [(message.role, message.text) for turn in turns for message in turn.messages]
    assert said == written_down
    assert {turn.status for turn in turns} == {"ok"}
    seen = [len(exchange.messages) for exchange in wire.exchanges]
    assert (seen[0], max(seen), len(seen)) == (2, 1 + _WINDOW, _TURNS)
