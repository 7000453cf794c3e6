"""Design 5: whose call it is, said in every way, with the call made in every way."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from tests.faults.application import Lines

import threadline
import threadline.langchain
from threadline.errors import ArgumentError
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from threadline.model import Turn


class Parrot(BaseChatModel):
    """Says again what it was told, in words."""

    @property
    def _llm_type(self) -> str:
        return "parrot"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(messages[-1].text))])

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for word in messages[-1].text.split(" "):
            yield ChatGenerationChunk(message=AIMessageChunk(word + " "))


CHAIN = ChatPromptTemplate.from_template("{q}") | Parrot() | StrOutputParser()
GIVEN = {"q": "one two three"}


# -- ways of calling: each gets a function that makes the config, to be called where the call is ---


def invoke(config: Any) -> None:
    CHAIN.invoke(GIVEN, config())


def stream(config: Any) -> None:
    list(CHAIN.stream(GIVEN, config()))


def batch(config: Any) -> None:
    CHAIN.batch([GIVEN], config())


def batch_of_a_model(config: Any) -> None:
    Parrot().batch(["one two three"], config())


def stream_served_by_a_web_framework(config: Any) -> None:
    """Each step of a sync generator runs on some thread, in a new copy of the request's context."""

    def body() -> Iterator[str]:
        yield from CHAIN.stream(GIVEN, config())

    steps = body()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        while pool.submit(contextvars.copy_context().run, next, steps, None).result(20) is not None:
            pass


def stream_left_by_its_consumer(config: Any) -> None:
    chunks = CHAIN.stream(GIVEN, config())
    next(chunks)
    del chunks


def in_a_pool_of_threads(config: Any) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, CHAIN.invoke, GIVEN, config()).result(20)


def ainvoke(config: Any) -> None:
    asyncio.run(CHAIN.ainvoke(GIVEN, config()))


def abatch(config: Any) -> None:
    asyncio.run(CHAIN.abatch([GIVEN], config()))


def astream(config: Any) -> None:
    asyncio.run(_read(lambda: CHAIN.astream(GIVEN, config())))


def astream_left_early(config: Any) -> None:
    asyncio.run(_read(lambda: CHAIN.astream(GIVEN, config()), most=1))


def astream_events(config: Any) -> None:
    asyncio.run(_read(lambda: CHAIN.astream_events(GIVEN, config(), version="v2")))


def stream_events(config: Any) -> None:
    for _ in Parrot().stream_events("one two three", config(), version="v3"):
        pass


def in_a_task(config: Any) -> None:
    async def call() -> None:
        await asyncio.create_task(CHAIN.ainvoke(GIVEN, config()))

    asyncio.run(call())


def in_a_task_that_outlives_the_request(config: Any) -> None:
    """The task is made inside the scope, and begins only when that has been left."""

    async def call() -> None:
        tasks.append(asyncio.create_task(CHAIN.ainvoke(GIVEN, config())))

    async def serve() -> None:
        await call()
        await tasks[0]

    tasks: list[asyncio.Task[str]] = []
    asyncio.run(serve())


def with_a_limit(config: Any) -> None:
    async def call() -> None:
        await asyncio.wait_for(CHAIN.ainvoke(GIVEN, config()), 20)

    asyncio.run(call())


def with_a_limit_for_each_chunk(config: Any) -> None:
    async def call() -> None:
        chunks = CHAIN.astream(GIVEN, config())
        try:
            while True:
                await asyncio.wait_for(anext(chunks), 20)
        except StopAsyncIteration:
            return

    asyncio.run(call())


def in_to_thread(config: Any) -> None:
    async def call() -> None:
        await asyncio.to_thread(CHAIN.invoke, GIVEN, config())

    asyncio.run(call())


async def _read(make: Callable[[], AsyncIterator[Any]], most: int = 1000) -> None:
    count = 0
    async for _ in make():
        count += 1
        if count == most:
            break


CALLS = (
    invoke,
    stream,
    batch,
    batch_of_a_model,
    stream_served_by_a_web_framework,
    stream_left_by_its_consumer,
    in_a_pool_of_threads,
    ainvoke,
    abatch,
    astream,
    astream_left_early,
    astream_events,
    stream_events,
    in_a_task,
    in_a_task_that_outlives_the_request,
    with_a_limit,
    with_a_limit_for_each_chunk,
    in_to_thread,
)


# -- ways of saying whose call it is ---------------------------------------------------------------


def by_metadata(client: threadline.Client, call: Any) -> None:
    handler = ThreadlineCallbackHandler(client)
    call(lambda: {"callbacks": [handler], "metadata": {"thread_id": "t", "user_id": "u"}})


def by_other_names(client: threadline.Client, call: Any) -> None:
    handler = ThreadlineCallbackHandler(client)
    call(lambda: {"callbacks": [handler], "metadata": {"session_id": "t", "user_id": "u"}})


def by_config(client: threadline.Client, call: Any) -> None:
    call(lambda: threadline.langchain.config(thread_id="t", user_id="u", client=client))


def by_scope(client: threadline.Client, call: Any) -> None:
    handler = ThreadlineCallbackHandler(client)
    with threadline.conversation("t", user_id="u", client=client):
        call(lambda: {"callbacks": [handler]})


def by_turn(client: threadline.Client, call: Any) -> None:
    handler = ThreadlineCallbackHandler(client)
    with threadline.turn(thread_id="t", user_id="u", client=client):
        call(lambda: {"callbacks": [handler]})


def by_default(client: threadline.Client, call: Any) -> None:
    handler = ThreadlineCallbackHandler(client, thread_id="t", user_id="u")
    call(lambda: {"callbacks": [handler]})


SAYINGS = (by_metadata, by_other_names, by_config, by_scope, by_turn, by_default)


@pytest.fixture
def client() -> Iterator[threadline.Client]:
    with threadline.Client(store="memory") as client:
        yield client


def turns_of(client: threadline.Client) -> list[Turn]:
    report = client.flush(20)
    assert (report.pending, report.dropped) == (0, {})
    with client.reader() as reader:
        return list(reader.turns(limit=100))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@pytest.mark.parametrize("say", SAYINGS, ids=lambda say: say.__name__)
def test_whose_call_it_is(client: threadline.Client, say: Any, call: Any) -> None:
    """One turn, in the conversation that was named, of the user that was named."""
    say(client, call)
    [turn] = turns_of(client)
    with client.reader() as reader:
        chat = reader.conversation("t")
    assert chat is not None
    assert (turn.thread_id, turn.user_id, chat.id_source) == ("t", "u", "application")
    left = call in {stream_left_by_its_consumer, astream_left_early}
    is_scope = say is by_turn  # which ends well, whatever became of its calls
    assert str(turn.status) == ("stopped" if left and not is_scope else "ok")
    assert turn.messages[0].text == "one two three"


# -- where a scope cannot reach --------------------------------------------------------------------


def test_a_scope_inside_a_generator_that_is_served_step_by_step(client: threadline.Client) -> None:
    """It holds for the step that enters it; a config holds for all. Leaving it raises nothing."""
    handler = ThreadlineCallbackHandler(client)

    def body() -> Iterator[str]:
        with threadline.conversation("scope", client=client):
            yield CHAIN.invoke({"q": "first"}, {"callbacks": [handler]})
            yield CHAIN.invoke({"q": "second"}, {"callbacks": [handler]})
            config = threadline.langchain.config(thread_id="config", client=client)
            yield CHAIN.invoke({"q": "third"}, config)

    steps = body()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            pool.submit(contextvars.copy_context().run, next, steps, None).result(20)
    where = {turn.messages[0].text: turn.thread_id for turn in turns_of(client)}
    assert (where["first"], where["third"]) == ("scope", "config")
    assert where["second"].startswith("generated-")


def test_a_thread_that_carries_no_context_is_told_by_config(client: threadline.Client) -> None:
    """A plain thread knows neither scope nor callbacks; a config brings both."""
    config = threadline.langchain.config(thread_id="t", client=client)
    with threadline.conversation("another", client=client):
        thread = threading.Thread(target=CHAIN.invoke, args=(GIVEN, config))
        thread.start()
        thread.join(20)
    assert [turn.thread_id for turn in turns_of(client)] == ["t"]


@pytest.mark.parametrize("given", ["", "   "], ids=["empty", "blank"])
def test_an_empty_id_is_said_once_and_names_nothing(client: threadline.Client, given: str) -> None:
    """An application that loses its ids is told; each call is a conversation of its own."""
    config: Any = {
        "callbacks": [ThreadlineCallbackHandler(client)],
        "metadata": {"thread_id": given},
    }
    with Lines() as log:
        CHAIN.invoke({"q": "first"}, config)
        CHAIN.invoke({"q": "second"}, config)
        first, second = turns_of(client)
    assert first.thread_id != second.thread_id
    assert first.thread_id.startswith("generated-")
    log.check("thread_id")


def test_an_empty_id_leaves_the_word_to_the_next_way(client: threadline.Client) -> None:
    """The surrounding scope still counts."""
    config: Any = {"callbacks": [ThreadlineCallbackHandler(client)], "metadata": {"thread_id": ""}}
    with threadline.conversation("t", client=client):
        CHAIN.invoke(GIVEN, config)
    assert [turn.thread_id for turn in turns_of(client)] == ["t"]


def test_a_number_or_uuid_names_the_conversation_when_reading_too(tmp_path: Path) -> None:
    """What a call gives as a number is stored as its digits, and found by either."""
    ident = uuid.UUID(int=7)
    with threadline.Client(store=tmp_path / "s.db", min_free_bytes=0) as client:
        for given in (42, ident):
            config = {
                "callbacks": [ThreadlineCallbackHandler(client)],
                "metadata": {"thread_id": given},
            }
            RunnableLambda(str).invoke("hello", config)
        reader = client.reader()
        for given in (42, "42", ident, str(ident)):
            assert reader.conversation(given).thread_id == str(given)
        with pytest.raises(ArgumentError, match="a text"):
            reader.conversation(4.2)
