"""Scripted models, a scripted retriever and tools for LangChain. They remember what they met."""

from __future__ import annotations

import asyncio
import builtins
import itertools
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.language_models import LLM, BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, GenerationChunk
from langchain_core.retrievers import BaseRetriever
from tests.scenarios.checking import Met, hashable
from tests.scenarios.script import Call, Echo, Fail, Found, Hang, Line, Reply, Say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.runnables import Runnable

_ROLES = {HumanMessage: "user", AIMessage: "assistant", SystemMessage: "system"}


hanging: ContextVar[asyncio.Event | None] = ContextVar("hanging", default=None)
"""Set when something begins to hang, so that it can be cancelled then."""


async def hang() -> None:
    """Never return; who waits for this to begin waits for `hanging`."""
    began = hanging.get()
    if began is not None:
        began.set()
    await asyncio.Event().wait()


class Tape:
    """The script of one model, and what became of it; safe for threads, step by step."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._replies = replies
        self._next = itertools.count()
        self.met: list[Met] = []

    def reply_to(self, heard: Sequence[Line]) -> Say | Fail | Hang:
        """Return what the model does now."""
        index = next(self._next)
        last = self._replies[-1]
        if index >= len(self._replies) and not isinstance(last, Echo):
            msg = f"the script has only {len(self._replies)} replies"
            raise AssertionError(msg)
        reply = self._replies[index] if index < len(self._replies) else last
        return Say(f"You said: {heard[-1].text}") if isinstance(reply, Echo) else reply

    def keep(self, heard: Sequence[Line], said: Sequence[Line], *, counted: bool = True) -> None:
        """Remember one call."""
        tokens = (_words(heard), _words(said)) if counted else None
        self.met.append(Met(hashable(tuple(heard)), hashable(tuple(said)), tokens))


class ScriptedModel(BaseChatModel):
    """A chat model that says what its tape says."""

    model_name: str
    tape: Any

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Offer tools; their names are what a provider would be sent."""
        offered = [{"type": "function", "function": {"name": _tool_name(tool)}} for tool in tools]
        return self.bind(tools=offered, **kwargs)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        heard, reply = self._turn_to(messages)
        return self._result(heard, reply)

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        heard, reply = self._turn_to(messages)
        if isinstance(reply, Hang):
            self.tape.keep(heard, (), counted=False)
            await hang()
        return self._result(heard, reply)

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        heard, reply = self._turn_to(messages)
        yield from self._chunks(heard, reply)

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        heard, reply = self._turn_to(messages)
        for chunk in self._chunks(heard, reply):
            yield chunk
            await asyncio.sleep(0)
        if isinstance(reply, Hang):
            await hang()

    def _turn_to(self, messages: Sequence[BaseMessage]) -> tuple[list[Line], Say | Fail | Hang]:
        heard = [line_of(message) for message in messages]
        return heard, self.tape.reply_to(heard)

    def _result(self, heard: list[Line], reply: Say | Fail | Hang) -> ChatResult:
        if isinstance(reply, Fail):
            self.tape.keep(heard, (), counted=False)
            raise getattr(builtins, reply.error)(reply.words)
        assert isinstance(reply, Say)
        said = Line("assistant", reply.text, reply.calls)
        self.tape.keep(heard, [said])
        message = AIMessage(
            reply.text,
            tool_calls=[_as_tool_call(c) for c in reply.calls],
            usage_metadata=_usage(heard, [said]),
            response_metadata={"model_name": self.model_name, "finish_reason": "stop"},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _chunks(self, heard: list[Line], reply: Say | Fail | Hang) -> Iterator[ChatGenerationChunk]:
        text = reply.text if isinstance(reply, Say) else reply.after
        left: list[str] = []
        for word in re.findall(r"\s*\S+\s*", text):
            left.append(word)
            try:
                yield _chunk(content=word)
            except GeneratorExit:
                self.tape.keep(heard, [Line("assistant", "".join(left))], counted=False)
                raise
        if not isinstance(reply, Say):
            said = [Line("assistant", text)] if text else []
            self.tape.keep(heard, said, counted=False)
            if isinstance(reply, Fail):
                raise getattr(builtins, reply.error)(reply.words)
            return
        for n, asked in enumerate(reply.calls):
            yield _chunk(content="", tool_call_chunks=_call_chunks(asked, n)[:1])
            yield _chunk(content="", tool_call_chunks=_call_chunks(asked, n)[1:])
        said = [Line("assistant", reply.text, reply.calls)]
        self.tape.keep(heard, said)
        yield _chunk(
            content="",
            usage_metadata=_usage(heard, said),
            response_metadata={"model_name": self.model_name, "finish_reason": "stop"},
        )


class ScriptedCompletion(LLM):
    """A completion model: a text in, a text out."""

    model_name: str
    tape: Any

    @property
    def _llm_type(self) -> str:
        return "scripted-completion"

    def _call(self, prompt: str, *args: Any, **kwargs: Any) -> str:
        heard = [Line("user", prompt)]
        reply = self.tape.reply_to(heard)
        assert isinstance(reply, Say)
        self.tape.keep(heard, [Line("assistant", reply.text)], counted=False)
        return reply.text

    def _stream(self, prompt: str, *args: Any, **kwargs: Any) -> Iterator[GenerationChunk]:
        for word in re.findall(r"\s*\S+\s*", self._call(prompt)):
            yield GenerationChunk(text=word)


class ScriptedRetriever(BaseRetriever):
    """A retriever that finds the same documents whatever it is asked."""

    found: list[Any]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [_as_document(one) for one in self.found]


def line_of(message: BaseMessage) -> Line:
    """Return what a message says, as the model is told; the recorder has no part in it."""
    if isinstance(message, ToolMessage):
        return Line("tool", str(message.text), (), message.tool_call_id)
    role = next(role for cls, role in _ROLES.items() if isinstance(message, cls))
    calls: list[Any] = message.tool_calls if isinstance(message, AIMessage) else []
    asked = tuple(Call(c["name"], c["id"], c["args"]) for c in calls)
    return Line(role, str(message.text), asked)


def _as_document(found: Found) -> Document:
    return Document(found.text, id=found.id, metadata={"score": found.score, "source": "book"})


def _as_tool_call(asked: Call) -> Any:
    return {"name": asked.name, "id": asked.id, "args": dict(asked.arguments), "type": "tool_call"}


def _call_chunks(asked: Call, index: int) -> list[Any]:
    arguments = json_text(asked.arguments)
    middle = len(arguments) // 2
    return [
        tool_call_chunk(name=asked.name, args=arguments[:middle], id=asked.id, index=index),
        tool_call_chunk(name=None, args=arguments[middle:], id=None, index=index),
    ]


def json_text(value: Any) -> str:
    """Return JSON as a provider would send it."""
    import json

    return json.dumps(dict(value))


def _chunk(**fields: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(**fields))


def _usage(heard: Sequence[Line], said: Sequence[Line]) -> Any:
    inputs, outputs = _words(heard), _words(said)
    return {"input_tokens": inputs, "output_tokens": outputs, "total_tokens": inputs + outputs}


def _words(lines: Sequence[Line]) -> int:
    return sum(len(line.text.split()) for line in lines)


def _tool_name(tool: Any) -> str:
    if isinstance(tool, dict):
        return str(tool.get("name") or tool.get("title") or tool["function"]["name"])
    return str(getattr(tool, "name", None) or tool.__name__)
