"""How turns end that nobody ends well: each has its true status, and what was said so far."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tools import StructuredTool
from langgraph.graph import START, MessagesState, StateGraph

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from langchain_core.documents import Document

    from threadline.model import Turn

WORDS = ("one ", "two ", "three ", "four")


class Model(BaseChatModel):
    """Counts to four; hangs where it is told to, and tells of what it is about to say."""

    hangs_at: int | None = None
    on_word: Any = None
    began: Any = None

    @property
    def _llm_type(self) -> str:
        return "counting"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("".join(WORDS)))])

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        if self.hangs_at is not None:
            await self._hang()
        return self._generate(*args, **kwargs)

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for number, word in enumerate(WORDS):
            if self.on_word is not None:
                self.on_word(number)
            yield ChatGenerationChunk(message=AIMessageChunk(word))

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for number, word in enumerate(WORDS):
            if number == self.hangs_at:
                await self._hang()
            yield ChatGenerationChunk(message=AIMessageChunk(word))

    async def _hang(self) -> None:
        if self.began is not None:
            self.began.set()
        await asyncio.Event().wait()


class Hanging(BaseRetriever):
    """Never finds anything."""

    began: Any

    def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        raise NotImplementedError

    async def _aget_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
        self.began.set()
        await asyncio.Event().wait()
        return []


def chain(**options: Any) -> Runnable[Any, str]:
    return ChatPromptTemplate.from_template("{q}") | Model(**options) | StrOutputParser()


@pytest.fixture
def client(tmp_path: Any) -> Iterator[threadline.Client]:
    with threadline.Client(store=tmp_path / "s.db", min_free_bytes=0) as client:
        yield client


@pytest.fixture
def config(client: threadline.Client) -> dict[str, Any]:
    return {
        "callbacks": [ThreadlineCallbackHandler(client)],
        "metadata": {"thread_id": "t"},
    }


def ended(client: threadline.Client) -> tuple[str, list[str]]:
    """Return the status of the one turn there is, and what was answered; partial ends in …"""
    report = client.flush()
    assert (report.pending, report.dropped) == (0, {})
    [turn] = turns_of(client)
    return str(turn.status), answers_of(turn)


def turns_of(client: threadline.Client) -> list[Turn]:
    with client.reader() as reader:
        return list(reader.turns(kind=None, limit=1000))


def answers_of(turn: Turn) -> list[str]:
    said = [message for message in turn.messages if message.role == "assistant"]
    return [message.text + ("…" if message.partial else "") for message in said]


def cut(make: Callable[[asyncio.Event], Any]) -> None:
    """Cancel what hangs, once it hangs."""

    async def call() -> None:
        began = asyncio.Event()
        task = asyncio.ensure_future(make(began))
        await began.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(call())


async def read(stream: AsyncIterator[Any]) -> None:
    async for _ in stream:
        pass


async def read_by_tasks(stream: AsyncIterator[Any]) -> str:
    """Read each chunk in a task of its own, as `wait_for` does."""
    chunks: list[str] = []
    with contextlib.suppress(StopAsyncIteration):
        while True:
            chunks.append(await asyncio.create_task(anext(stream)))
    return "".join(chunks)


def test_a_call_of_a_model_alone_is_cancelled_with_its_task(
    client: threadline.Client, config: Any
) -> None:
    """Nothing tells of its end but its task."""
    cut(lambda began: Model(hangs_at=0, began=began).ainvoke("Count.", config))
    assert ended(client) == ("cancelled", [])
    assert client.recorder.runs == {}


def test_a_model_alone_that_runs_out_of_time_is_cancelled(
    client: threadline.Client, config: Any
) -> None:
    """`asyncio.timeout` cancels, and swallows that; the end of the task tells."""

    async def ask() -> None:
        began = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as limit:
                asyncio.get_running_loop().create_task(_expire(began, limit))
                await Model(hangs_at=0, began=began).ainvoke("Count.", config)

    asyncio.run(ask())
    assert ended(client) == ("cancelled", [])


async def _expire(began: asyncio.Event, limit: asyncio.Timeout) -> None:
    await began.wait()
    limit.reschedule(0)


def test_a_tool_and_a_retriever_alone_are_cancelled_with_their_task(
    client: threadline.Client, config: Any
) -> None:
    """They are only traces, but what they leave open is closed."""

    def tool(began: asyncio.Event) -> Any:
        async def wait() -> str:
            began.set()
            await asyncio.Event().wait()
            return "never"

        return StructuredTool.from_function(coroutine=wait, name="wait", description="Wait.")

    cut(lambda began: tool(began).ainvoke({}, config))
    cut(lambda began: Hanging(began=began).ainvoke("?", config))
    client.flush()
    assert [str(turn.status) for turn in turns_of(client)] == ["cancelled", "cancelled"]
    assert client.recorder.runs == {}


@pytest.mark.parametrize("alone", [True, False], ids=["model", "chain"])
def test_a_stream_that_is_cancelled_keeps_what_was_said(
    client: threadline.Client, config: Any, *, alone: bool
) -> None:
    """The words until then are in the transcript, flagged."""

    def make(began: asyncio.Event) -> Any:
        options = {"hangs_at": 2, "began": began}
        if alone:
            return read(Model(**options).astream("Count.", config))
        return read(chain(**options).astream({"q": "Count."}, config))

    cut(make)
    assert ended(client) == ("cancelled", ["one two …"])


@pytest.mark.parametrize("alone", [True, False], ids=["model", "chain"])
def test_wait_for_that_runs_out_between_chunks_is_a_cancellation(
    client: threadline.Client, config: Any, *, alone: bool
) -> None:
    """Each chunk is awaited with a limit of its own; the third one takes too long."""

    async def ask() -> None:
        began = asyncio.Event()
        model: Any = Model(hangs_at=2, began=began)
        stream = (
            model.astream("Count.", config)
            if alone
            else chain(hangs_at=2, began=began).astream({"q": "Count."}, config)
        )
        await asyncio.wait_for(anext(stream), 20)
        await asyncio.wait_for(anext(stream), 20)
        third = asyncio.create_task(anext(stream))
        await began.wait()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(third, 0)

    asyncio.run(ask())
    assert ended(client) == ("cancelled", ["one two …"])


@pytest.mark.parametrize("alone", [True, False], ids=["model", "chain"])
def test_a_stream_read_by_a_task_for_each_chunk_is_whole(
    client: threadline.Client, config: Any, *, alone: bool
) -> None:
    """That the task ended in which a stream began does not end the stream."""
    model: Any = Model()
    stream = model.astream("Count.", config) if alone else chain().astream({"q": "C."}, config)
    if alone:
        asyncio.run(read_by_tasks(text async for text in _texts(stream)))
    else:
        assert asyncio.run(read_by_tasks(stream)) == "".join(WORDS)
    assert ended(client) == ("ok", ["one two three four"])


async def _texts(stream: Any) -> AsyncIterator[str]:
    async for chunk in stream:
        yield chunk.text


def test_an_asynchronous_stream_that_another_task_closes_is_stopped(
    client: threadline.Client, config: Any
) -> None:
    """A server closes a stream where it notices that the user has gone."""

    async def ask() -> None:
        stream: Any = chain().astream({"q": "Count."}, config)
        await asyncio.create_task(anext(stream))
        await asyncio.create_task(stream.aclose())

    asyncio.run(ask())
    assert ended(client) == ("stopped", ["one …"])


def test_a_graph_whose_stream_is_left_is_stopped(client: threadline.Client, config: Any) -> None:
    """With `break` in the middle of the messages of a LangGraph stream."""

    async def node(state: MessagesState) -> Any:
        return {"messages": [await Model().ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("count", node)
    graph.add_edge(START, "count")
    app = graph.compile()

    async def ask() -> None:
        given: Any = {"messages": [("user", "Count.")]}
        async for _ in app.astream(given, config, stream_mode="messages"):
            break

    asyncio.run(ask())
    status, _ = ended(client)
    assert status == "stopped"


def test_a_stream_that_is_closed_keeps_its_words_while_the_model_goes_on(
    client: threadline.Client, config: Any
) -> None:
    """langchain-core reads a closed stream to its end, which may take long; readers come before."""

    def look(number: int) -> None:
        if number == len(WORDS) - 1:
            seen.append(ended(client))

    seen: list[Any] = []
    stream = chain(on_word=look).stream({"q": "Count."}, config)
    next(stream)
    stream.close()
    assert len(seen) == 1
    status, [answer] = seen[0]
    assert status == "stopped"
    assert answer.startswith("one ")
    assert answer.endswith("…")
    assert ended(client) == seen[0]


def test_a_stream_that_is_kept_and_never_read_on_is_under_way_until_the_end(
    client: threadline.Client, config: Any
) -> None:
    """Nobody can tell it from one that is slow; when the client closes it is abandoned."""
    stream = chain().stream({"q": "Count."}, config)
    next(stream)
    assert client.flush().pending == 1
    assert client.close().pending == 0
    [turn] = turns_of(client)
    assert str(turn.status) == "abandoned"
    stream.close()
    assert len(turns_of(client)) == 1


class Box:
    """Holds a stream, and itself, so that only the garbage collector can end both."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.itself = self


@contextlib.contextmanager
def collecting_all_the_time() -> Iterator[list[str]]:
    """Let nearly every allocation collect garbage; tell in which functions of ours it did."""
    inside: list[str] = []

    def look(phase: str, info: object) -> None:
        frame = sys._getframe(1)
        if phase == "start" and frame.f_globals["__name__"].startswith("threadline."):
            inside.append(frame.f_code.co_name)

    gc.collect()
    before = gc.get_threshold()
    gc.callbacks.append(look)
    gc.set_threshold(3, 2, 2)
    try:
        yield inside
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(look)


def test_streams_collected_inside_hooks_neither_block_nor_mix(
    client: threadline.Client, config: Any
) -> None:
    """A collection inside a hook closes other users' streams, whose hooks run inside of it."""
    handler = config["callbacks"]
    done = threading.Event()

    def talk() -> None:
        app = chain()
        for n in range(60):
            left = app.stream({"q": f"left {n}"}, _of(handler, f"left {n}"))
            next(left)
            Box(left)
            del left
            app.invoke({"q": f"asked {n}"}, _of(handler, f"asked {n}"))
        done.set()

    with collecting_all_the_time() as inside_our_code:
        talker = threading.Thread(target=talk, daemon=True)
        talker.start()
        assert done.wait(40), "a hook waits for itself"
        talker.join(20)
    assert len(inside_our_code) > 100
    gc.collect()
    report = client.flush(20)
    assert (report.stored, report.pending, report.dropped) == (120, 0, {})
    assert client.recorder.runs == {}
    for turn in turns_of(client):
        assert turn.messages[0].text == turn.thread_id
        whole = turn.thread_id.startswith("asked")
        assert str(turn.status) == ("ok" if whole else "stopped")
        assert [a.rstrip("…") for a in answers_of(turn)] == ["one two three four"]


def _of(handlers: Any, thread_id: str) -> Any:
    return {"callbacks": handlers, "metadata": {"thread_id": thread_id}}


def test_runs_that_never_end_leave_nothing_in_memory(
    client: threadline.Client, config: Any
) -> None:
    """A cancelled model call ends nowhere; once its turn is stored nothing is kept of it."""
    for _ in range(20):
        cut(lambda began: chain(hangs_at=0, began=began).ainvoke({"q": "Count."}, config))
    client.flush()
    assert client.recorder.runs == {}


def test_an_end_that_comes_after_its_turn_was_stored_adds_nothing(
    client: threadline.Client, config: Any
) -> None:
    """A call goes on in a thread of its own when its chain has failed."""
    asked, answered = threading.Event(), threading.Event()
    calls: list[threading.Thread] = []

    def wait(number: int) -> None:
        asked.set()
        answered.wait(20)

    def fail(_: Any, config: RunnableConfig) -> str:
        inner = RunnableLambda(lambda _: list(Model(on_word=wait).stream("Go on.")))
        calls.append(threading.Thread(target=inner.invoke, args=(1, config)))
        calls[0].start()
        asked.wait(20)
        msg = "enough"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="enough"):
        RunnableLambda(fail).invoke("Count.", config)
    client.flush()
    answered.set()
    calls[0].join(20)
    assert ended(client) == ("error", [])
    assert client.recorder.runs == {}
