"""One conversation with an agent, to be held in many ways; run as a program it holds its part.

    python -m tests.scenarios.one_conversation STORE CHECKPOINTS

reads a question a line and writes "answered" a line.
"""

from __future__ import annotations

import itertools
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver

from threadline import Client
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

QUESTIONS = ("I am Ada.", "Add 1 and 2.", "Again?", "Add 1 and 2.", "Again?")
THREAD = "t-1"


class Answering(BaseChatModel):
    """Answers by what it is told alone, so that any process says the same."""

    @property
    def _llm_type(self) -> str:
        return "answering"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Need no tools to be told."""
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        last, said = messages[-1], sum(isinstance(m, HumanMessage) for m in messages)
        if isinstance(last, ToolMessage):
            answer = AIMessage(f"It is {last.text}.")
        elif last.text.startswith("Add"):
            call = {"name": "add", "id": f"call-{said}", "args": {"a": 1, "b": 2}}
            answer = AIMessage("Let me see.", tool_calls=[{**call, "type": "tool_call"}])
        else:
            answer = AIMessage(f"So {said} things were said.")
        return ChatResult(generations=[ChatGeneration(message=answer)])


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@wrap_model_call
def passing_on(request: Any, handler: Any) -> Any:
    """Do nothing, between a node and its model, where LangSmith puts a run of its own."""
    return handler(request)


def agent(checkpoints: sqlite3.Connection) -> Any:
    """Return the agent, whose memory is in a file."""
    memory = SqliteSaver(checkpoints)
    return create_agent(Answering(), [add], middleware=[passing_on], checkpointer=memory)


def hold(app: Any, questions: Iterator[str] | Sequence[str], **config: Any) -> Iterator[str]:
    """Ask everything; yield each answer."""
    for question in questions:
        given = {"messages": [HumanMessage(question)]}
        answered = app.invoke(given, {"configurable": {"thread_id": THREAD}, **config})
        yield str(answered["messages"][-1].text)


def main(store: str, checkpoints: str) -> None:
    """Answer what is asked on standard input."""
    client = Client(store=store, min_free_bytes=0)
    handler = ThreadlineCallbackHandler(client)
    with closing(sqlite3.connect(checkpoints, check_same_thread=False)) as connection:
        asked = itertools.takewhile(bool, map(str.strip, sys.stdin))
        for _ in hold(agent(connection), asked, callbacks=[handler]):
            client.flush()
            sys.stdout.write("answered\n")
            sys.stdout.flush()
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
