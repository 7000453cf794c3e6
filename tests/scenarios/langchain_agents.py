"""Agents and graphs of LangGraph: how each shape of scenario is built and called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    SummarizationMiddleware,
    wrap_tool_call,
)
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage


def chat_graph(stage: Stage) -> None:
    """A graph of one node that calls a model; a checkpointer keeps the messages."""
    app = one_node_graph(stage)
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask))


def one_node_graph(stage: Stage, **compiled: Any) -> Any:
    """Return a graph of one node that calls the model."""
    model = stage.model()

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    async def aanswer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", RunnableLambda(answer, aanswer)).add_edge(START, "answer")
    return graph.compile(checkpointer=InMemorySaver(), **compiled)


def agent(stage: Stage) -> None:
    """An agent with tools and a checkpointer."""
    _ask_agent(stage)


def agent_that_handles_errors(stage: Stage) -> None:
    """An agent whose middleware tells the model of a tool's exception."""

    @wrap_tool_call
    def tell(request: Any, handler: Any) -> Any:
        try:
            return handler(request)
        except ValueError as error:
            asked = request.tool_call
            return ToolMessage(
                f"Error: {error}", tool_call_id=asked["id"], name=asked["name"], status="error"
            )

    _ask_agent(stage, middleware=[tell])


def _ask_agent(stage: Stage, **more: Any) -> None:
    app: Any = create_agent(
        stage.model(), stage.tools, system_prompt="Help.", checkpointer=InMemorySaver(), **more
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


def tool_loop(stage: Stage) -> None:
    """A function of the application's own that calls model and tools until there is an answer."""
    model = stage.model().bind_tools(stage.tools)
    tools = {one.name: one for one in stage.tools}

    def loop(question: str) -> str:
        messages: list[Any] = [HumanMessage(question)]
        while True:
            answer = model.invoke(messages)
            messages.append(answer)
            if not answer.tool_calls:
                return str(answer.text)
            messages += [tools[asked["name"]].invoke(asked) for asked in answer.tool_calls]

    for ask in stage.scenario.asks:
        stage.call(RunnableLambda(loop), ask.text, ask, stage.config(ask))


def agent_with_a_sub_agent(stage: Stage) -> None:
    """An agent with a tool that asks another agent, which has a tool of its own."""

    @tool
    def look_up(word: str) -> str:
        """Look up a word."""
        return f"{word}: a hot drink"

    inner: Any = create_agent(stage.model("inner"), [look_up], system_prompt="Research.")

    @tool
    def research(topic: str) -> str:
        """Find out about a topic."""
        found = inner.invoke({"messages": [("user", f"Research {topic}")]})
        return str(found["messages"][-1].text)

    stage.tools = [research]
    _ask_agent(stage)


def agents_in_a_row(stage: Stage) -> None:
    """A graph whose nodes are agents."""
    graph = StateGraph(MessagesState)
    for name in ("writer", "critic"):
        graph.add_node(name, create_agent(stage.model(name), [], name=name))
    graph.add_edge(START, "writer").add_edge("writer", "critic")
    app = graph.compile(checkpointer=InMemorySaver())
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask))


class Place(BaseModel):
    """Where something is."""

    city: str


def structured_agent(stage: Stage) -> None:
    """An agent that answers in a schema, by calling a tool named after it."""
    _ask_agent(stage, response_format=ToolStrategy(Place))


def summarising_agent(stage: Stage) -> None:
    """An agent that replaces old messages by a summary."""
    middleware = SummarizationMiddleware(
        stage.model("summariser"), trigger=("messages", 5), keep=("messages", 2)
    )
    _ask_agent(stage, middleware=[middleware])


def approved_agent(stage: Stage) -> None:
    """An agent whose tool calls a human approves."""
    middleware = HumanInTheLoopMiddleware(interrupt_on={"add": True})
    app: Any = create_agent(
        stage.model(), stage.tools, middleware=[middleware], checkpointer=InMemorySaver()
    )
    for ask in stage.scenario.asks:
        stage.call(app, {"messages": [("user", ask.text)]}, ask, stage.graph_config(ask))
        approval: Any = Command(resume={"decisions": [{"type": "approve"}]})
        stage.call(app, approval, ask, stage.graph_config(ask))


SHAPES: dict[str, Any] = {
    "chat graph": chat_graph,
    "agent": agent,
    "agent that handles errors": agent_that_handles_errors,
    "held agent": held_agent,
    "tool loop": tool_loop,
    "agent with a sub-agent": agent_with_a_sub_agent,
    "agents in a row": agents_in_a_row,
    "structured agent": structured_agent,
    "summarising agent": summarising_agent,
    "approved agent": approved_agent,
}
