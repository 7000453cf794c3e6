"""Makes of a recorded hook what LangChain gave it: messages, documents, commands, exceptions."""

from __future__ import annotations

import ast
import asyncio
import builtins
import re
import uuid
from typing import TYPE_CHECKING, Any

import pydantic
from langchain_core.documents import Document
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, LLMResult
from langgraph.errors import GraphInterrupt, GraphRecursionError, ParentCommand
from langgraph.types import Command, Interrupt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import BaseMessage
    from tests.recordings.streams import Event

_NAMESPACE = uuid.UUID("6f2d8a34-1f0b-4c0e-9d55-0a6f3d9b7c11")
_MADE_FROM_A_RUN = re.compile(r"lc_run--(r\d+)(-0)?")
_ROLES = ("user", "human", "ai", "assistant", "system")
_MESSAGES: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "system": SystemMessage,
    "ai": AIMessage,
    "AIMessageChunk": AIMessageChunk,
    "tool": ToolMessage,
    "remove": RemoveMessage,
}
_EXCEPTIONS: dict[str, type[BaseException]] = {
    "CancelledError": asyncio.CancelledError,
    "GraphRecursionError": GraphRecursionError,
    "OutputParserException": OutputParserException,
}
_WORDED = frozenset({"content", "text", "token", "question", "query", "q", "ctx", "input"})
"""Under which keys stand words that somebody said, here where each stream gets words of its own."""


class Ans(pydantic.BaseModel):
    """The structured answer of one of the recorded agents."""

    value: int


class Rebuilding:
    """Rebuilds the values of one sitting; each sitting has ids, and if asked words, of its own.

    Args:
        name: What the ids are derived from.
        same_as: What labels stand for others, as a `Sitting` says it; `stream` is the one played.
        mark: A text to add to everything that was said, and to thread ids.
        thread: The thread id of every hook, whatever was recorded.
    """

    def __init__(
        self,
        name: str,
        same_as: Mapping[str, str] | None = None,
        *,
        mark: str = "",
        thread: str | None = None,
    ) -> None:
        self.stream = name
        self._name = name
        self._same_as = same_as or {}
        self._mark = mark
        self._thread = thread

    def id_of(self, label: str) -> uuid.UUID:
        """Return the id that a label of a run or a message stands for."""
        same = self._same_as.get(f"{self.stream} {label}", label)
        return uuid.uuid5(_NAMESPACE, f"{self._name} {same}")

    def metadata(self, recorded: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return the metadata of a hook."""
        if self._thread is not None:
            return {**(recorded or {}), "thread_id": self._thread}
        if recorded is None or "thread_id" not in recorded:
            return None if recorded is None else dict(recorded)
        return {**recorded, "thread_id": recorded["thread_id"] + self._mark}

    def value(self, recorded: Any, *, worded: bool = True) -> Any:
        """Return an input, an output or a part of one; `worded` tells that its strings are said."""
        if isinstance(recorded, str):
            if recorded == "<Ans> Ans(value=3)":
                return Ans(value=3)
            return recorded + self._mark if worded and recorded else recorded
        if isinstance(recorded, list):
            return self._list(recorded, worded=worded)
        if isinstance(recorded, dict):
            return self._mapping(recorded)
        return recorded

    def prompt(self, recorded: list[list[Event]]) -> list[list[BaseMessage]]:
        """Return what a chat model was given."""
        return [[self._message(one) for one in messages] for messages in recorded]

    def answer(self, recorded: Mapping[str, Any]) -> LLMResult:
        """Return what a model answered, or had answered when it was left."""
        generations = [
            [self._generation(one) for one in choices] for choices in recorded["generations"]
        ]
        return LLMResult(generations=generations, llm_output=recorded.get("llm_output"))

    def documents(self, recorded: list[Event]) -> list[Document]:
        """Return what a retriever found."""
        return [self._mapping(one) for one in recorded]

    def error(self, event: Event, interrupts: list[Event]) -> BaseException:
        """Return the exception that a run was left by.

        Args:
            event: The hook.
            interrupts: What its stream says of interrupts; the hook's text is shortened.
        """
        text = event["error"]
        kind = event.get("etype") or text.partition("(")[0]
        if kind == "GraphInterrupt":
            return GraphInterrupt(tuple(self.interrupt(one) for one in interrupts))
        if kind == "ParentCommand":
            said = re.findall(r"AIMessage\(content='([^']*)'", text) or ["handoff"]
            message = AIMessage(said[0] + self._mark, id=str(self.id_of("uuid:m2")))
            return ParentCommand(Command(graph="__parent__", update={"messages": [message]}))
        cls = _EXCEPTIONS.get(kind) or getattr(builtins, kind, None) or _exception_named(kind)
        return cls(*_arguments(text, kind))

    def interrupt(self, recorded: Event) -> Interrupt:
        """Return an interrupt."""
        value = self.value(recorded["__interrupt__"])
        return Interrupt(value=value, id=str(self.id_of(recorded["id"])))

    def _list(self, recorded: list[Any], *, worded: bool) -> Any:
        if len(recorded) == 2 and recorded[0] in _ROLES:  # the caller wrote a tuple
            return recorded[0], recorded[1] + self._mark
        return [self.value(item, worded=worded) for item in recorded]

    def _mapping(self, recorded: Event) -> Any:
        if "__command__" in recorded:
            return Command(**self._mapping(recorded["__command__"]))
        if "doc" in recorded:
            text, found = recorded["doc"] + self._mark, recorded["doc_id"]
            return Document(text, metadata=recorded["doc_meta"], id=found)
        if recorded.get("type") in _MESSAGES and "content" in recorded:
            return self._message(recorded)
        return {k: self.value(v, worded=k in _WORDED) for k, v in recorded.items()}

    def _message(self, recorded: Event) -> BaseMessage:
        cls = _MESSAGES[recorded["type"]]
        if cls is RemoveMessage:
            return RemoveMessage(id=recorded["id"])
        left_out = {"type", "id", "content"}
        if cls is AIMessageChunk and "tool_call_chunks" in recorded:
            left_out.add("tool_calls")  # the class makes them of the chunks
        more = {k: v for k, v in recorded.items() if k not in left_out and k in cls.model_fields}
        content = recorded["content"]
        words = self.value(content)
        return cls(content=words, id=self._message_id(recorded["id"]), **more)

    def _message_id(self, recorded: str | None) -> str | None:
        made = _MADE_FROM_A_RUN.fullmatch(recorded or "")
        if made is not None:
            return f"lc_run--{self.id_of(made[1])}{made[2] or ''}"
        return None if recorded is None else str(self.id_of(recorded))

    def _generation(self, recorded: Event) -> ChatGeneration:
        cls = ChatGenerationChunk if recorded["gen"] == "ChatGenerationChunk" else ChatGeneration
        message: Any = self._message(recorded["message"])
        return cls(message=message, generation_info=recorded.get("generation_info"))


def _arguments(text: str, kind: str) -> tuple[str, ...]:
    """Return the words that an exception was made with, from its shortened `repr`."""
    if not text.startswith(f"{kind}("):
        return (text,)
    words = text.removeprefix(f"{kind}(").removesuffix(")")
    if not words:
        return ()
    try:
        return (str(ast.literal_eval(words)),)
    except (SyntaxError, ValueError):
        return (words.strip("'\""),)


def _exception_named(kind: str) -> type[Exception]:
    """Return a class that has the name of one whose constructor needs what was not recorded."""
    return type(kind, (Exception,), {})
