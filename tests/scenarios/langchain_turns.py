"""Turns in LangChain: hand-overs, attempts, interrupts, calls that end too early."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ToolRetryMiddleware
from langchain.tools import InjectedToolCallId
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from tests.scenarios.langchain_agents import one_node_graph
from tests.scenarios.langchain_chains import Place
from tests.scenarios.langchain_fakes import hang

import threadline

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage


def hand_over(stage: Stage) -> None:
    """Two agents in a graph; a tool of the first goes over to the second."""

    @tool
    def to_billing(tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Hand over to billing."""
        told = ToolMessage("handed over", tool_call_id=tool_call_id)
        return Command(goto="billing", update={"messages": [told]}, graph=Command.PARENT)

    model = stage.model().bind_tools([to_billing])

    def front(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    def hand(state: MessagesState) -> dict[str, Any]:
        asked = state["messages"][-1].tool_calls[0]
        command = to_billing.invoke({**asked, "type": "tool_call"})
        return {"messages": command.update["messages"]}

    billing: Any = create_agent(stage.model("billing"), [], name="billing")
    graph = StateGraph(MessagesState).add_node("front", front).add_node("hand", hand)
    graph.add_node("billing", billing).add_edge(START, "front")
    graph.add_edge("front", "hand").add_edge("hand", "billing")
    _ask_graph(stage, graph.compile(checkpointer=InMemorySaver()))


def _ask_graph(stage: Stage, app: Any) -> None:
    for ask in stage.scenario.asks:
        given = {"messages": [HumanMessage(ask.text)]}
        stage.call(app, given, ask, stage.graph_config(ask))


def agent_that_retries(stage: Stage) -> None:
    """An agent whose tool works at the third attempt."""
    attempts: list[int] = []

    @tool
    def flaky() -> str:
        """Do what fails at first."""
        attempts.append(1)
        if len(attempts) < 3:
            msg = "not yet"
            raise ValueError(msg)
        return "worked"

    again = ToolRetryMiddleware(max_retries=3, initial_delay=0.0, jitter=False)
    _ask_graph(stage, create_agent(stage.model(), [flaky], middleware=[again]))


def agent_that_falls_back(stage: Stage) -> None:
    """An agent with another model for when the first one fails."""
    other = ModelFallbackMiddleware(stage.model("second"))
    _ask_graph(stage, create_agent(stage.model(), [], middleware=[other]))


def graph_with_words_of_its_own(stage: Stage) -> None:
    """A node that makes its own message from what the model said, without an id."""
    model = stage.model()

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(f"Bot: {model.invoke(state['messages']).text}")]}

    graph = StateGraph(MessagesState).add_node("answer", answer).add_edge(START, "answer")
    _ask_graph(stage, graph.compile(checkpointer=InMemorySaver()))


def graph_that_asks_back(stage: Stage) -> None:
    """A node asks the user for a name, then a model greets."""
    model = stage.model()

    def ask_name(state: MessagesState) -> dict[str, Any]:
        return {"messages": [HumanMessage(interrupt("Your name?"))]}

    def greet(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState).add_node("ask", ask_name).add_node("greet", greet)
    graph.add_edge(START, "ask").add_edge("ask", "greet")
    app: Any = graph.compile(checkpointer=InMemorySaver())
    for ask in stage.scenario.asks:
        stage.call(app, {"messages": [("user", ask.text)]}, ask, stage.graph_config(ask))
        stage.call(app, Command(resume="Bob"), ask, stage.graph_config(ask))


def failing_rag(stage: Stage) -> None:
    """A chain whose look-up fails."""

    def look_up(given: dict[str, str]) -> str:
        msg = "no database"
        raise ConnectionError(msg)

    prompt = ChatPromptTemplate.from_template("{context}: {question}")
    app = RunnablePassthrough.assign(context=RunnableLambda(look_up)) | prompt | stage.model()
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def chat_graph_in_chunks(stage: Stage) -> None:
    """A graph whose messages are streamed; the stream is left after two chunks."""
    app = one_node_graph(stage)

    async def read() -> None:
        for ask in stage.scenario.asks:
            given = {"messages": [HumanMessage(ask.text)]}
            stream = app.astream(given, stage.graph_config(ask), stream_mode="messages")
            await anext(stream)
            await anext(stream)
            await stream.aclose()

    asyncio.run(read())


def agent_with_a_slow_tool(stage: Stage) -> None:
    """An agent whose tool never returns."""

    @tool
    async def wait() -> str:
        """Wait."""
        await hang()
        return "never"

    _ask_graph(stage, create_agent(stage.model(), [wait]))


def raw_and_parsed(stage: Stage) -> None:
    """A model in a schema, whose own message is returned beside what was parsed of it."""
    app = stage.model().with_structured_output(Place, include_raw=True)
    for ask in stage.scenario.asks:
        stage.call(app, ask.text, ask, stage.config(ask))


def indexing(stage: Stage) -> None:
    """A job that puts documents somewhere and says how many."""
    app = RunnableLambda(lambda texts: {"count": len(texts)})
    for ask in stage.scenario.asks:
        stage.call(app, [ask.text, "another"], ask, stage.config(ask))


def agent_in_a_turn(stage: Stage) -> None:
    """An agent inside a turn whose input and output the application gives."""
    app: Any = create_agent(stage.model(), stage.tools)
    for ask in stage.scenario.asks:
        with threadline.turn(thread_id=ask.thread, input=ask.text, client=stage.client) as turn:
            given = {"messages": [HumanMessage(f"Please: {ask.text}")]}
            stage.call(app, given, ask, {"callbacks": [stage.handler]})
            turn.output = "Three!"


def attached_agent(stage: Stage) -> None:
    """The process records everything; the call knows nothing of it."""
    client = threadline.configure(store=stage.client.settings.store, min_free_bytes=0)
    app: Any = create_agent(stage.model(), stage.tools, checkpointer=InMemorySaver())
    threadline.attach("langchain")
    try:
        for ask in stage.scenario.asks:
            config: Any = {"configurable": {"thread_id": ask.thread}}
            stage.call(app, {"messages": [HumanMessage(ask.text)]}, ask, config)
    finally:
        threadline.detach()
        client.close()


def handler_passed_on(stage: Stage) -> None:
    """A function that gives its handler to the model that it calls."""
    model = stage.model()

    def answer(question: str) -> str:
        return str(model.invoke(question, {"callbacks": [stage.handler]}).text)

    for ask in stage.scenario.asks:
        stage.call(RunnableLambda(answer), ask.text, ask, stage.config(ask))


SHAPES: dict[str, Any] = {
    "hand-over": hand_over,
    "agent that retries": agent_that_retries,
    "agent that falls back": agent_that_falls_back,
    "graph with words of its own": graph_with_words_of_its_own,
    "graph that asks back": graph_that_asks_back,
    "failing rag": failing_rag,
    "chat graph in chunks": chat_graph_in_chunks,
    "agent with a slow tool": agent_with_a_slow_tool,
    "raw and parsed": raw_and_parsed,
    "indexing": indexing,
    "agent in a turn": agent_in_a_turn,
    "attached agent": attached_agent,
    "handler passed on": handler_passed_on,
}
