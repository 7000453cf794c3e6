"""Humans in the loop of LangGraph: reviews, questions, breakpoints, and how they are answered."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from tests.scenarios.langchain_agents import one_node_graph

import threadline
from threadline import Client
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.langchain_stage import Stage


def _reviewed(stage: Stage, mode: str = "batched") -> Any:
    more: Any = {} if mode == "batched" else {"interrupt_mode": mode}  # the first know no modes
    middleware = HumanInTheLoopMiddleware({"send": True}, **more)
    return create_agent(
        stage.model(), stage.tools, middleware=[middleware], checkpointer=InMemorySaver()
    )


def _decide(stage: Stage) -> Any:
    return Command(resume={"decisions": list(stage.options["decisions"])})


def reviewed_agent(stage: Stage) -> None:
    """An agent some of whose calls a human decides about, all at once."""
    app = _reviewed(stage)
    for ask in stage.scenario.asks:
        stage.call(app, {"messages": [("user", ask.text)]}, ask, stage.graph_config(ask))
        stage.call(app, _decide(stage), ask, stage.graph_config(ask))


def agent_reviewed_by_call(stage: Stage) -> None:
    """An agent that asks about each call by itself; the answers name the interrupts."""
    app = _reviewed(stage, "per_call")
    for ask in stage.scenario.asks:
        config = stage.graph_config(ask)
        stage.call(app, {"messages": [("user", ask.text)]}, ask, config)
        waiting = app.get_state(config).interrupts
        answers = zip(waiting, stage.options["decisions"], strict=True)
        stage.call(app, Command(resume={i.id: given for i, given in answers}), ask, config)


def agent_resumed_under_one_id(stage: Stage) -> None:
    """An application that chooses one id for asking and resuming."""
    app, run_id = _reviewed(stage), uuid.uuid4()
    for ask in stage.scenario.asks:
        given = {"messages": [("user", ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask, run_id=run_id))
        stage.call(app, _decide(stage), ask, stage.graph_config(ask, run_id=run_id))


def agent_resumed_elsewhere(stage: Stage) -> None:
    """An agent whose human answers where another client records into the same store."""
    app = _reviewed(stage)
    for ask in stage.scenario.asks:
        stage.call(app, {"messages": [("user", ask.text)]}, ask, stage.graph_config(ask))
        stage.client.flush()
        other = Client(store=stage.client.settings.store, min_free_bytes=0)
        stage.handler = ThreadlineCallbackHandler(other)
        stage.call(app, _decide(stage), ask, stage.graph_config(ask))
        other.close()


def _as_messages(text: str) -> Any:
    return {"messages": [("user", text)]}


def _ask_and_answer(stage: Stage, app: Any, given: Callable[[str], Any] = _as_messages) -> None:
    for ask in stage.scenario.asks:
        stage.call(app, given(ask.text), ask, stage.graph_config(ask))
        for answer in stage.options["answers"]:
            stage.call(app, Command(resume=answer), ask, stage.graph_config(ask))


def _greeting(stage: Stage, *asking: Any) -> StateGraph[Any]:
    """A graph whose nodes ask, all at once, before a model greets."""
    model = stage.model()

    def greet(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState).add_node("greet", greet)
    for node in asking:
        graph.add_node(node.__name__, node).add_edge(START, node.__name__)
    graph.add_edge([node.__name__ for node in asking], "greet")
    return graph


def form(stage: Stage) -> None:
    """A node that asks twice, and writes the dialogue into its messages."""

    def ask(state: MessagesState) -> dict[str, Any]:
        name = interrupt("Your name?")
        age = interrupt({"question": "Your age?", "least": 18})
        written = [AIMessage("Your name?"), HumanMessage(name), AIMessage("Your age?")]
        return {"messages": [*written, HumanMessage(age)]}

    _ask_and_answer(stage, _greeting(stage, ask).compile(checkpointer=InMemorySaver()))


def stubborn_form(stage: Stage) -> None:
    """A node that asks until it is given a number."""

    def ask(state: MessagesState) -> dict[str, Any]:
        while not (age := interrupt("Your age?")).isdigit():
            pass
        return {"messages": [HumanMessage(age)]}

    _ask_and_answer(stage, _greeting(stage, ask).compile(checkpointer=InMemorySaver()))


def questions_side_by_side(stage: Stage) -> None:
    """Two nodes that ask at the same time, and are answered one after the other."""

    def ask_name(state: MessagesState) -> dict[str, Any]:
        return {"messages": [HumanMessage(interrupt("Your name?"))]}

    def then_age(state: MessagesState) -> dict[str, Any]:
        return {"messages": [HumanMessage(interrupt("Your age?"))]}

    app = _greeting(stage, ask_name, then_age).compile(checkpointer=InMemorySaver())
    for ask in stage.scenario.asks:
        config = stage.graph_config(ask)
        stage.call(app, {"messages": [("user", ask.text)]}, ask, config)
        for answer in stage.options["answers"]:
            first = app.get_state(config).interrupts[0]
            stage.call(app, Command(resume={first.id: answer}), ask, config)


def agent_that_asks_the_user(stage: Stage) -> None:
    """An agent with a tool whose result is what the user answers."""

    @tool
    def ask_user(about: str) -> str:
        """Ask the user."""
        return str(interrupt({"query": f"Please tell me: {about}?"}))

    app: Any = create_agent(stage.model(), [ask_user], checkpointer=InMemorySaver())
    _ask_and_answer(stage, app)


def form_in_a_told_turn(stage: Stage) -> None:
    """A graph that asks, called inside turns that the application tells."""

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [HumanMessage(interrupt("Your name?"))]}

    app = _greeting(stage, ask).compile(checkpointer=InMemorySaver())
    for one in stage.scenario.asks:
        config = stage.graph_config(one)
        with threadline.turn(thread_id=one.thread, input=one.text, client=stage.client):
            stage.call(app, {"messages": [("user", one.text)]}, one, config)
        for answer in stage.options["answers"]:
            with threadline.turn(thread_id=one.thread, client=stage.client):
                stage.call(app, Command(resume=answer), one, config)


def form_in_a_subgraph(stage: Stage) -> None:
    """A graph in a graph that asks."""

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [HumanMessage(interrupt("Your name?"))]}

    inner = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask").compile()
    model = stage.model()

    def greet(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState).add_node("form", inner).add_node("greet", greet)
    graph.add_edge(START, "form").add_edge("form", "greet")
    _ask_and_answer(stage, graph.compile(checkpointer=InMemorySaver()))


class _Post(TypedDict, total=False):
    question: str
    draft: str
    answer: str


def draft_under_review(stage: Stage) -> None:
    """A graph without messages: a draft, a question about it, a result."""
    model = stage.model()

    def write(state: _Post) -> _Post:
        return {"draft": str(model.invoke(state["question"]).text)}

    def review(state: _Post) -> _Post:
        approved = interrupt({"question": "Shall I publish it?", "draft": state["draft"]})
        return {"answer": f"published: {state['draft']}" if approved else "dropped"}

    graph = StateGraph(_Post).add_node("write", write).add_node("review", review)
    graph.add_edge(START, "write").add_edge("write", "review").add_edge("review", END)
    app = graph.compile(checkpointer=InMemorySaver())
    _ask_and_answer(stage, app, lambda text: {"question": text})


def workflow_in_functions(stage: Stage) -> None:
    """An entrypoint whose tasks ask and answer."""
    model = stage.model()

    @task
    def greet(name: str) -> str:
        return str(model.invoke(f"Greet {name}.").text)

    @entrypoint(checkpointer=InMemorySaver())
    def greeting(question: str) -> str:
        return greet(interrupt("Your name?")).result()

    _ask_and_answer(stage, greeting, str)


def chat_graph_with_a_breakpoint(stage: Stage) -> None:
    """A chat graph that stops at its node until it is called again without anything."""
    app = one_node_graph(stage, **stage.options["compiled"])
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask))
        stage.call(app, None, ask, stage.graph_config(ask))


def form_that_is_left_alone(stage: Stage) -> None:
    """A graph that asks only whoever wants to sign up."""
    model = stage.model()

    def ask(state: MessagesState) -> dict[str, Any]:
        if "Sign" in str(state["messages"][-1].text):
            return {"messages": [HumanMessage(interrupt("Your name?"))]}
        return {"messages": [model.invoke(state["messages"])]}

    app = StateGraph(MessagesState).add_node("ask", ask).add_edge(START, "ask")
    graph = app.compile(checkpointer=InMemorySaver())
    for one in stage.scenario.asks:
        stage.call(graph, {"messages": [("user", one.text)]}, one, stage.graph_config(one))


SHAPES: dict[str, Any] = {
    "reviewed agent": reviewed_agent,
    "agent reviewed by call": agent_reviewed_by_call,
    "agent resumed under one id": agent_resumed_under_one_id,
    "agent resumed elsewhere": agent_resumed_elsewhere,
    "form": form,
    "stubborn form": stubborn_form,
    "questions side by side": questions_side_by_side,
    "agent that asks the user": agent_that_asks_the_user,
    "form in a subgraph": form_in_a_subgraph,
    "form in a told turn": form_in_a_told_turn,
    "draft under review": draft_under_review,
    "workflow in functions": workflow_in_functions,
    "chat graph with a breakpoint": chat_graph_with_a_breakpoint,
    "form that is left alone": form_that_is_left_alone,
}
