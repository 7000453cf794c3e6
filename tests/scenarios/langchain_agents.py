"""Agents and graphs of LangGraph: how each shape of scenario is built and called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage


def chat_graph(stage: Stage) -> None:
    """A graph of one node that calls a model; a checkpointer keeps the messages."""
    app = _one_node(stage, InMemorySaver())
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask))


def agent(stage: Stage) -> None:
    """An agent with tools and a checkpointer."""
    app: Any = create_agent(
        stage.model(), stage.tools, system_prompt="Help.", checkpointer=InMemorySaver()
    )
    for ask in stage.scenario.asks:
        given = {"messages": [("user", ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask))


def held_agent(stage: Stage) -> None:
    """An agent without a checkpointer; the caller holds the messages and sends them all."""
    app: Any = create_agent(stage.model(), stage.tools, system_prompt="Help.")
    history: list[Any] = []
    for ask in stage.scenario.asks:
        given = {"messages": [*history, {"role": "user", "content": ask.text}]}
        history = stage.call(app, given, ask, stage.config(ask))["messages"]


def _one_node(stage: Stage, saver: InMemorySaver) -> Any:
    model = stage.model()

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer")
    return graph.compile(checkpointer=saver)


SHAPES: dict[str, Any] = {"chat graph": chat_graph, "agent": agent, "held agent": held_agent}
