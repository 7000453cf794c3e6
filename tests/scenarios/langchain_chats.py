"""Chats in LangChain: who keeps the messages, and what names the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.messages import HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory
from tests.scenarios.langchain_agents import one_node_graph

if TYPE_CHECKING:
    from tests.scenarios.langchain_stage import Stage


def held_messages(stage: Stage) -> None:
    """A prompt with a place for messages; the caller holds the history, as objects."""
    slot = MessagesPlaceholder("messages")
    app = ChatPromptTemplate.from_messages([("system", "Be kind."), slot]) | stage.model()
    history: list[Any] = []
    for ask in stage.scenario.asks:
        history.append(HumanMessage(ask.text))
        answer = stage.call(app, {"messages": history}, ask, stage.config(ask))
        history.append(answer)


def kept_history(stage: Stage) -> None:
    """A history that is kept by session id; only `configurable` names it."""
    slot = MessagesPlaceholder("history")
    prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), slot, ("human", "{input}")])
    histories: dict[str, InMemoryChatMessageHistory] = {}
    app = RunnableWithMessageHistory(
        prompt | stage.model(),
        lambda session_id: histories.setdefault(session_id, InMemoryChatMessageHistory()),
        input_messages_key="input",
        history_messages_key="history",
    )
    for ask in stage.scenario.asks:
        config: Any = {"callbacks": [stage.handler], "configurable": {"session_id": ask.thread}}
        stage.call(app, {"input": ask.text}, ask, config)


def joined_late(stage: Stage) -> None:
    """A graph with a checkpointer that nobody watched at first."""
    app = one_node_graph(stage)
    for n, ask in enumerate(stage.scenario.asks):
        config = stage.graph_config(ask)
        if n < stage.options["unwatched"]:
            config = {"configurable": {"thread_id": ask.thread}}
        stage.call(app, {"messages": [HumanMessage(ask.text)]}, ask, config)


SHAPES: dict[str, Any] = {
    "held messages": held_messages,
    "kept history": kept_history,
    "joined late": joined_late,
}
