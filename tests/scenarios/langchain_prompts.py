"""Prompts in LangChain: windows, prefills, images, words that are rewritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage
    from tests.scenarios.script import Ask

_DOT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"


def window(stage: Stage) -> None:
    """The caller sends the last three messages only."""
    history: list[Any] = []
    for ask in stage.scenario.asks:
        history.append(HumanMessage(ask.text))
        history.append(stage.call(stage.model(), history[-3:], ask, stage.config(ask)))


def history_of_pairs(stage: Stage) -> None:
    """The caller keeps texts, and sends them as role and text."""
    slot = MessagesPlaceholder("history")
    prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), slot, ("human", "{input}")])
    app = prompt | stage.model() | StrOutputParser()
    history: list[tuple[str, str]] = []
    for ask in stage.scenario.asks:
        given = {"input": ask.text, "history": list(history)}
        answer = stage.call(app, given, ask, stage.config(ask))
        history += [("human", ask.text), ("ai", answer)]


def prefill(stage: Stage) -> None:
    """The prompt ends with the beginning of the answer."""
    begun = AIMessage(stage.options["prefill"])
    prompt = ChatPromptTemplate.from_messages([("human", "{question}"), begun])
    app = prompt | stage.model() | StrOutputParser()
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def image(stage: Stage) -> None:
    """A question with an image."""
    for ask in stage.scenario.asks:
        blocks: list[Any] = [
            {"type": "text", "text": ask.text},
            {"type": "image_url", "image_url": {"url": _DOT}},
        ]
        stage.call(stage.model(), [HumanMessage(blocks)], ask, stage.config(ask))


class _Rewriting(AgentMiddleware):
    def before_model(self, state: Any, runtime: Any) -> dict[str, Any]:
        last = state["messages"][-1]
        hidden = "".join("*" if letter.isdigit() else letter for letter in last.text)
        return {"messages": [HumanMessage(hidden, id=last.id)]}


def agent_that_rewrites(stage: Stage) -> None:
    """An agent whose middleware hides numbers before the model sees them."""
    app: Any = create_agent(
        stage.model(), [], middleware=[_Rewriting()], checkpointer=InMemorySaver()
    )
    for ask in stage.scenario.asks:
        stage.call(app, {"messages": [HumanMessage(ask.text)]}, ask, stage.graph_config(ask))


def caller_with_tools(stage: Stage) -> None:
    """The caller executes the tools, outside of any run."""
    model = stage.model().bind_tools(stage.tools)
    for ask in stage.scenario.asks:
        messages: list[Any] = [HumanMessage(ask.text)]
        messages.append(stage.call(model, messages, ask, stage.config(ask)))
        for asked in messages[-1].tool_calls:
            result = stage.scenario.tools[0](**asked["args"])
            messages.append(ToolMessage(str(result), tool_call_id=asked["id"]))
        stage.call(model, messages, ask, stage.config(ask))


class _State(TypedDict, total=False):
    question: str
    topic: str
    answer: str


def graph_of_fields(stage: Stage) -> None:
    """A graph that finds a topic first and then the answer; its state has no messages."""
    condenser, model = stage.model("condenser"), stage.model("model")

    def condense(state: _State) -> _State:
        return {"topic": condenser.invoke(f"Topic of {state['question']}").text}

    def answer(state: _State) -> _State:
        return {"answer": model.invoke(f"Explain {state['topic']}").text}

    graph = StateGraph(_State).add_node("condense", condense).add_node("explain", answer)
    graph.add_edge(START, "condense").add_edge("condense", "explain")
    app = graph.compile(checkpointer=InMemorySaver())
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.graph_config(ask))


def held_by_two(stage: Stage) -> None:
    """Two users take turns; each one's caller holds his history."""
    histories: list[list[Any]] = [[], []]
    for n, ask in enumerate(stage.scenario.asks):
        history = histories[n % 2]
        history.append(HumanMessage(ask.text))
        history.append(stage.call(stage.model(), history, ask, stage.config(ask)))


def job_over_many_sessions(stage: Stage) -> None:
    """One function answers many sessions, whose histories are kept by session id."""
    histories: dict[str, InMemoryChatMessageHistory] = {}
    prompt = ChatPromptTemplate.from_messages(
        [MessagesPlaceholder("history"), ("human", "Q: {input}")]
    )
    inner = RunnableWithMessageHistory(
        prompt | stage.model(),
        lambda session_id: histories.setdefault(session_id, InMemoryChatMessageHistory()),
        input_messages_key="input",
        history_messages_key="history",
    )

    def job(all_asks: tuple[Ask, ...]) -> int:
        for ask in all_asks:
            inner.invoke({"input": ask.text}, {"configurable": {"session_id": ask.thread}})
        return len(all_asks)

    RunnableLambda(job).invoke(stage.scenario.asks, {"callbacks": [stage.handler]})


SHAPES: dict[str, Any] = {
    "window": window,
    "history of pairs": history_of_pairs,
    "prefill": prefill,
    "image": image,
    "agent that rewrites": agent_that_rewrites,
    "caller with tools": caller_with_tools,
    "graph of fields": graph_of_fields,
    "held by two": held_by_two,
    "job over many sessions": job_over_many_sessions,
}
