"""Graphs of LangGraph in the shapes that people build: nested, fanned out, handed over, called."""

from __future__ import annotations

import contextlib
import operator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from langchain.agents import create_agent
from langchain.tools import InjectedState, InjectedToolCallId
from langchain_core.messages import HumanMessage, RemoveMessage, ToolMessage, trim_messages
from langchain_core.tools import BaseTool, tool
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import CachePolicy, Command, RetryPolicy, Send

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage


def _ask(stage: Stage, app: Any) -> None:
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask))


def _answering(stage: Stage, name: str = "model") -> Any:
    model = stage.model(name)

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    return answer


def graph_in_a_graph(stage: Stage) -> None:
    """A compiled graph is a node of another one."""
    inner = StateGraph(MessagesState).add_node("answer", _answering(stage))
    graph = StateGraph(MessagesState)
    graph.add_node("inner", inner.add_edge(START, "answer").compile()).add_edge(START, "inner")
    _ask(stage, graph.compile(checkpointer=InMemorySaver()))


def graph_called_by_a_node(stage: Stage) -> None:
    """A node asks another graph in its own words and says something else."""
    inner = StateGraph(MessagesState).add_node("answer", _answering(stage))
    asked = inner.add_edge(START, "answer").compile()

    def ask(state: MessagesState) -> dict[str, Any]:
        question = f"Briefly: {state['messages'][-1].text}"
        found = asked.invoke({"messages": [HumanMessage(question)]})
        return {"messages": [("ai", f"It is {found['messages'][-1].text}.")]}

    graph = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask")
    _ask(stage, graph.compile(checkpointer=InMemorySaver()))


class _Findings(MessagesState):
    found: Annotated[list[str], operator.add]


def fan_out(stage: Stage) -> None:
    """One node for each topic, all at once, then one that writes."""
    finder, writer = stage.model("finder"), stage.model("writer")

    def send(state: _Findings) -> list[Send]:
        return [Send("find", {"topic": topic}) for topic in "abc"]

    def find(state: dict[str, str]) -> dict[str, Any]:
        return {"found": [str(finder.invoke(f"Find {state['topic']}").text)]}

    def write(state: _Findings) -> dict[str, Any]:
        return {"messages": [writer.invoke([*state["messages"], ("human", str(state["found"]))])]}

    graph = StateGraph(_Findings).add_node("find", find).add_node("write", write)
    graph.add_conditional_edges(START, send, ["find"]).add_edge("find", "write")
    _ask(stage, graph.compile(checkpointer=InMemorySaver()))


def graph_that_tries_again(stage: Stage) -> None:
    """Every second attempt of a node works."""
    answer, attempts = _answering(stage), [0]

    def flaky(state: MessagesState) -> dict[str, Any]:
        attempts[0] += 1
        if attempts[0] % 2:
            msg = "not yet"
            raise ConnectionError(msg)
        result: dict[str, Any] = answer(state)
        return result

    policy = RetryPolicy(initial_interval=0.0, jitter=False)
    graph = StateGraph(MessagesState).add_node("flaky", flaky, retry_policy=policy)
    _ask(stage, graph.add_edge(START, "flaky").compile(checkpointer=InMemorySaver()))


def graph_of_commands(stage: Stage) -> None:
    """A node that routes by a model's word, and one that answers, both by commands."""
    router, writer = stage.model("router"), stage.model("writer")

    def route(state: MessagesState) -> Command[Literal["write"]]:
        router.invoke([("system", "Which tone?"), *state["messages"]])
        return Command(goto="write")

    def write(state: MessagesState) -> Command[Any]:
        return Command(update={"messages": [writer.invoke(state["messages"])]})

    graph = StateGraph(MessagesState).add_node("route", route).add_node("write", write)
    _ask(stage, graph.add_edge(START, "route").compile(checkpointer=InMemorySaver()))


class _Swarm(MessagesState):
    active: str


def _hand_off(name: str) -> BaseTool:
    @tool(f"go_to_{name}")
    def hand_off(
        tool_call_id: Annotated[str, InjectedToolCallId],
        state: Annotated[dict[str, Any], InjectedState],
    ) -> Command[Any]:
        """Hand over, with what was said so far: the graph that is left will not return it."""
        told = ToolMessage(f"Over to {name}.", tool_call_id=tool_call_id)
        update = {"messages": [*state["messages"], told], "active": name}
        return Command(goto=name, graph=Command.PARENT, update=update)

    return hand_off


def swarm(stage: Stage) -> None:
    """Agents that hand over to each other; the last one to speak begins the next turn."""
    graph = StateGraph(_Swarm)
    for name, other in (("ada", "bob"), ("bob", "ada")):
        app: Any = create_agent(stage.model(name), [_hand_off(other)], name=name)
        graph.add_node(name, app, destinations=(other,))
    graph.add_conditional_edges(START, lambda state: state.get("active", "ada"), ["ada", "bob"])
    _ask(stage, graph.compile(checkpointer=InMemorySaver()))


def supervisor(stage: Stage) -> None:
    """An agent whose tools are agents with names."""
    maths: Any = create_agent(stage.model("maths"), [], name="maths")

    @tool
    def ask_maths(task: str) -> str:
        """Ask somebody who can count."""
        return str(maths.invoke({"messages": [("user", task)]})["messages"][-1].text)

    app = create_agent(stage.model("boss"), [ask_maths], checkpointer=InMemorySaver(), name="boss")
    _ask(stage, app)


def functions(stage: Stage) -> None:
    """An entrypoint that calls two tasks, one with what the other returned."""
    outliner, writer = stage.model("outliner"), stage.model("writer")

    @task
    def outline(topic: str) -> str:
        return str(outliner.invoke(f"Outline {topic}").text)

    @task
    def write(plan: str) -> str:
        return str(writer.invoke(f"Write {plan}").text)

    @entrypoint(checkpointer=InMemorySaver())
    def article(topic: str) -> str:
        return write(outline(topic).result()).result()

    for ask in stage.scenario.asks:
        stage.call(article, ask.text, ask, stage.graph_config(ask))


def graph_with_a_window(stage: Stage) -> None:
    """A node that shows its model the newest three messages."""
    model = stage.model()

    def answer(state: MessagesState) -> dict[str, Any]:
        newest = trim_messages(state["messages"], max_tokens=3, token_counter=len, start_on="human")
        return {"messages": [model.invoke(newest)]}

    graph = StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer")
    _ask(stage, graph.compile(checkpointer=InMemorySaver()))


def graph_that_forgets(stage: Stage) -> None:
    """A graph that keeps the newest two messages and deletes the others."""

    def forget(state: MessagesState) -> dict[str, Any]:
        return {"messages": [RemoveMessage(str(m.id)) for m in state["messages"][:-2]]}

    graph = StateGraph(MessagesState).add_node("answer", _answering(stage))
    graph.add_node("forget", forget).add_edge(START, "answer").add_edge("answer", "forget")
    _ask(stage, graph.compile(checkpointer=InMemorySaver()))


def graph_with_a_cache(stage: Stage) -> None:
    """A node whose output LangGraph keeps for the same question."""
    model = stage.model()

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [("ai", str(model.invoke([state["messages"][-1]]).text))]}

    policy = CachePolicy(key_func=lambda state: str(state["messages"][-1].text))
    graph = StateGraph(MessagesState).add_node("answer", answer, cache_policy=policy)
    graph.add_edge(START, "answer")
    _ask(stage, graph.compile(checkpointer=InMemorySaver(), cache=InMemoryCache()))


def endless_graph(stage: Stage) -> None:
    """A node that goes on and on until LangGraph has enough of it."""
    graph = StateGraph(MessagesState).add_node("answer", _answering(stage))
    app = graph.add_edge(START, "answer").add_edge("answer", "answer").compile()
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text)]}
        with contextlib.suppress(GraphRecursionError):
            stage.call(app, given, ask, stage.graph_config(ask, recursion_limit=3))


SHAPES: dict[str, Any] = {
    "graph in a graph": graph_in_a_graph,
    "graph called by a node": graph_called_by_a_node,
    "fan-out": fan_out,
    "graph that tries again": graph_that_tries_again,
    "graph of commands": graph_of_commands,
    "swarm": swarm,
    "supervisor": supervisor,
    "functions": functions,
    "graph with a window": graph_with_a_window,
    "graph that forgets": graph_that_forgets,
    "graph with a cache": graph_with_a_cache,
    "endless graph": endless_graph,
}
