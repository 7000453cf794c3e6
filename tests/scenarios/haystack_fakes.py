"""Scripted generators, a scripted retriever and a memory for Haystack."""

from __future__ import annotations

import asyncio
import builtins
import json
import re
from typing import TYPE_CHECKING, Any

from haystack import Document, component
from haystack.dataclasses import ChatMessage, ChatRole, StreamingChunk, ToolCall
from tests.scenarios.langchain_fakes import hang
from tests.scenarios.script import Call, Fail, Hang, Line, Say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.scenarios.langchain_fakes import Tape
    from tests.scenarios.script import Found


@component
class ScriptedGenerator:
    """A chat generator that says what its tape says."""

    def __init__(self, tape: Tape, model: str) -> None:
        self.tape = tape
        self.model = model

    @component.output_types(replies=list[ChatMessage])
    def run(
        self,
        messages: list[ChatMessage],
        streaming_callback: Any = None,
        generation_kwargs: dict[str, Any] | None = None,
        tools: Any = None,
    ) -> dict[str, Any]:
        heard = [line_of(message) for message in messages]
        reply = self.tape.reply_to(heard)
        if streaming_callback is not None:
            for chunk in _chunks(reply):
                streaming_callback(chunk)
        return self._result(heard, reply, streamed=streaming_callback is not None)

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self,
        messages: list[ChatMessage],
        streaming_callback: Any = None,
        generation_kwargs: dict[str, Any] | None = None,
        tools: Any = None,
    ) -> dict[str, Any]:
        heard = [line_of(message) for message in messages]
        reply = self.tape.reply_to(heard)
        if streaming_callback is not None:
            await self._speak(heard, reply, streaming_callback)
        if isinstance(reply, Hang):
            said = [Line("assistant", reply.after)] if reply.after and streaming_callback else []
            self.tape.keep(heard, said, counted=False)
            await hang()
        return self._result(heard, reply, streamed=streaming_callback is not None)

    async def _speak(self, heard: list[Line], reply: Any, streaming_callback: Any) -> None:
        """Say it chunk by chunk; of what nobody waits for, remember how far it came."""
        said = ""
        try:
            for chunk in _chunks(reply):
                said += chunk.content
                await streaming_callback(chunk)
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.tape.keep(heard, [Line("assistant", said)], counted=False)
            raise

    def _result(self, heard: list[Line], reply: Any, *, streamed: bool) -> dict[str, Any]:
        if isinstance(reply, Fail):
            said = [Line("assistant", reply.after)] if reply.after and streamed else []
            self.tape.keep(heard, said, counted=False)
            raise getattr(builtins, reply.error)(reply.words)
        assert isinstance(reply, Say)
        said = Line("assistant", reply.text, reply.calls)
        self.tape.keep(heard, [said])
        counted = (_words(heard), _words([said]))
        return {"replies": [_reply(reply, self.model, counted)]}


@component
class ScriptedCompletion:
    """A generator that completes texts."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    @component.output_types(replies=list[str], meta=list[dict[str, Any]])
    def run(self, prompt: str, streaming_callback: Any = None) -> dict[str, Any]:
        heard = [Line("user", prompt)]
        reply = self.tape.reply_to(heard)
        assert isinstance(reply, Say)
        self.tape.keep(heard, [Line("assistant", reply.text)], counted=False)
        return {"replies": [_fresh(reply.text)], "meta": [{"model": "scripted"}]}


@component
class ScriptedRetriever:
    """A retriever that finds the same documents whatever it is asked."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.found = found

    @component.output_types(documents=list[Document])
    def run(self, query: str) -> dict[str, Any]:
        return {
            "documents": [
                Document(id=one.id, content=one.text, score=one.score, meta={"source": "book"})
                for one in self.found
            ]
        }


Kept = dict[str, list[ChatMessage]]


@component
class Remember:
    """Gives a model the messages of a chat history, and what is said now."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    @component.output_types(messages=list[ChatMessage])
    def run(self, chat_history_id: str, current_messages: list[ChatMessage]) -> dict[str, Any]:
        history = self.kept.setdefault(chat_history_id, [])
        history.extend(current_messages)
        return {"messages": list(history)}


@component
class Keep:
    """Keeps what a model has said."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    @component.output_types(messages_written=int)
    def run(self, chat_history_id: str, replies: list[ChatMessage]) -> dict[str, Any]:
        self.kept[chat_history_id].extend(replies)
        return {"messages_written": len(replies)}


def line_of(message: ChatMessage) -> Line:
    """Return what a message says, as the model is told; the recorder has no part in it."""
    result = message.tool_call_result
    if message.role is ChatRole.TOOL and result is not None:
        return Line("tool", str(result.result), (), result.origin.id)
    asked = tuple(Call(c.tool_name, c.id, c.arguments) for c in message.tool_calls)
    return Line(message.role.value, "".join(message.texts), asked)


def _reply(reply: Say, model: str, counted: tuple[int, int]) -> ChatMessage:
    calls = [ToolCall(c.name, json.loads(json.dumps(dict(c.arguments))), c.id) for c in reply.calls]
    meta = {
        "model": model,
        "index": 0,
        "finish_reason": "tool_calls" if calls else "stop",
        "usage": {"prompt_tokens": counted[0], "completion_tokens": counted[1]},
    }
    return ChatMessage.from_assistant(_fresh(reply.text) or None, tool_calls=calls, meta=meta)


def _fresh(text: str) -> str:
    """Return a string of its own, as every answer of a real model is."""
    return text.encode().decode()


def _chunks(reply: Any) -> list[StreamingChunk]:
    text = reply.text if isinstance(reply, Say) else reply.after
    return [StreamingChunk(content=word) for word in re.findall(r"\s*\S+\s*", text)]


def _words(lines: Sequence[Line]) -> int:
    return sum(len(line.text.split()) for line in lines)
