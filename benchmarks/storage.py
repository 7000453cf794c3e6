"""How many bytes a long conversation takes on disk when its history is replayed at every turn."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from benchmarks.handlers import ours
from benchmarks.models import ScriptedModel, talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.handlers import Variant

MESSAGE_SIZE = 400
LIMIT = 2.0


@dataclass(frozen=True)
class Stored:
    """A conversation on disk: the file, and what is in it by table (empty without dbstat)."""

    title: str
    turns: int
    said_bytes: int
    file_bytes: int
    by_table: dict[str, int]

    @property
    def ratio(self) -> float:
        return self.file_bytes / self.said_bytes


def store_conversations(folder: Path, turns: int) -> list[Stored]:
    """Record the conversation once with each kind of memory, and weigh the store."""
    kinds = {
        "LCEL, caller holds the history": _caller_holds_it,
        "LangGraph, checkpointer": _checkpointer,
    }
    return [
        _store(folder / f"storage-{number}.db", title, turns, talk_through)
        for number, (title, talk_through) in enumerate(kinds.items())
    ]


def _store(
    path: Path, title: str, turns: int, talk_through: Callable[[Variant, int], int]
) -> Stored:
    recorded = ours(path, title)
    said = talk_through(recorded, turns)
    recorded.close()
    assert not path.with_name(path.name + "-wal").exists(), "the log is not in the file yet"
    return Stored(title, turns, said, path.stat().st_size, _by_table(path))


def _caller_holds_it(recorded: Variant, turns: int) -> int:
    prompt = ChatPromptTemplate.from_messages(
        [("system", "You help customers."), MessagesPlaceholder("history"), ("human", "{input}")]
    )
    chain = prompt | ScriptedModel(answer_size=MESSAGE_SIZE) | StrOutputParser()
    config: Any = {"callbacks": recorded.callbacks, "metadata": {"thread_id": "long"}}
    history: list[BaseMessage] = []
    for number in range(turns):
        question = _question(number)
        answer = chain.invoke({"history": list(history), "input": question}, config)
        history += [HumanMessage(question), AIMessage(answer)]
    return sum(len(message.text) for message in history)


def _checkpointer(recorded: Variant, turns: int) -> int:
    model = ScriptedModel(answer_size=MESSAGE_SIZE)
    graph = StateGraph(MessagesState)
    graph.add_node("chat", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "chat")
    app = graph.compile(checkpointer=InMemorySaver())
    config: Any = {"callbacks": recorded.callbacks, "configurable": {"thread_id": "long"}}
    state: dict[str, Any] = {}
    for number in range(turns):
        state = app.invoke({"messages": [HumanMessage(_question(number))]}, config)
    return sum(len(message.text) for message in state["messages"])


def _question(number: int) -> str:
    return talk(MESSAGE_SIZE, f"{number + 1000:012d}")


def _by_table(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        try:
            rows = connection.execute(
                "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC, 1"
            )
            return dict(rows.fetchall())
        except sqlite3.OperationalError:  # SQLite without the table
            return {}
