"""Models that answer at once, and texts that look like talk. Nothing here keeps state."""

from __future__ import annotations

import asyncio
import random
import re
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

_WORDS = re.findall(
    r"\w+",
    "the order of Anna has not come yet and she asks whether we can send it again by Friday or "
    "pay her back in full since it was a gift for her mother who lives in Lyon near the river",
)


def talk(size: int, seed: object) -> str:
    """Return a text of `size` characters; another seed gives another text."""
    chosen = random.Random(str(seed))
    words = [str(seed)]
    length = len(words[0])
    while length < size:
        words.append(chosen.choice(_WORDS))
        length += len(words[-1]) + 1
    return " ".join(words)[:size]


class ScriptedModel(BaseChatModel):
    """Answers a question of the user, or asks for two tools first where it has any.

    Attributes:
        answer_size: How many characters an answer has.
        tokens: How many chunks a stream has.
        wait_s: How long an asynchronous call waits before it answers.
    """

    answer_size: int = 400
    tokens: int = 100
    wait_s: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        offered = [{"type": "function", "function": {"name": tool.name}} for tool in tools]
        return self.bind(tools=offered, **kwargs)

    def _generate(
        self, messages: list[BaseMessage], *_: Any, tools: Any = None, **__: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, tools))])

    async def _agenerate(
        self, messages: list[BaseMessage], *_: Any, tools: Any = None, **__: Any
    ) -> ChatResult:
        await asyncio.sleep(self.wait_s)
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, tools))])

    def _stream(
        self, messages: list[BaseMessage], *_: Any, run_manager: Any = None, **__: Any
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self, messages: list[BaseMessage], *_: Any, run_manager: Any = None, **__: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        await asyncio.sleep(self.wait_s)
        for chunk in self._chunks(messages):
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _answer(self, messages: list[BaseMessage], tools: Any) -> AIMessage:
        last = messages[-1]
        question = _question(messages)
        if tools and isinstance(last, HumanMessage):
            calls = [
                {"name": "look_up", "args": {"order": question[:12]}, "id": f"a-{question[:12]}"},
                {"name": "refund", "args": {"amount": 12}, "id": f"b-{question[:12]}"},
            ]
            return AIMessage("I look it up.", tool_calls=calls, usage_metadata=_usage())
        return AIMessage(answer_to(question, self.answer_size), usage_metadata=_usage())

    def _chunks(self, messages: list[BaseMessage]) -> Iterator[ChatGenerationChunk]:
        head = _question(messages)[:12]
        for number in range(self.tokens):
            text = f"{head} " if number == 0 else f"tok{number} "
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))


_LONG = talk(4_000, "long")


def answer_to(question: str, size: int) -> str:
    """Return what the model says to `question`."""
    return f"{question[:12]} answered: {_LONG}"[:size]


def _question(messages: list[BaseMessage]) -> str:
    return next((str(m.content) for m in reversed(messages) if isinstance(m, HumanMessage)), "")


def _usage() -> Any:
    return {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
