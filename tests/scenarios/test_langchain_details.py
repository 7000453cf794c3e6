"""What spans and turns of LangChain tell beside the transcript."""

from __future__ import annotations

import asyncio
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from tests.scenarios import langchain_agents, langchain_chains
from tests.scenarios.langchain_stage import STREAMING, Stage
from tests.scenarios.scenarios import SCENARIOS
from tests.scenarios.script import Ask, Scenario, replies

import threadline
import threadline.langchain
from threadline import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.model import Turn

_ASK = Ask("Hello?", user="u-1")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = Client(store=tmp_path / "store.db", min_free_bytes=0)
    yield client
    client.close()


def _stage(client: Client, *said: str, way: str = "invoke", **more: Any) -> Stage:
    scenario = Scenario(
        name="", fact="", shape="", asks=(_ASK,), models=replies(*said), chats=(), **more
    )
    return Stage(scenario, way, client)


def _last(client: Client) -> Turn:
    turn = client.reader().last()
    assert turn is not None
    return turn


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream", "events"])
def test_a_stream_tells_when_its_first_chunk_came(client: Client, way: str) -> None:
    """Only streamed calls have a time to first chunk, within their duration."""
    stage = _stage(client, "one two three", way=way)
    stage.call(stage.model(), "Count.", _ASK, stage.config(_ASK))
    [span] = _last(client).llm_calls
    first = span.time_to_first_chunk_ns
    assert (first is not None) == (way in STREAMING)
    assert first is None or 0 < first <= (span.duration_ns or 0)


def test_an_llm_span_tells_its_prompt_and_its_model(client: Client) -> None:
    """Name, version and variables of the prompt; model, provider, finish reason."""
    scenario = next(s for s in SCENARIOS if s.name == "templated rag prompt")
    langchain_chains.rag(Stage(scenario, "invoke", client))
    [span] = _last(client).llm_calls
    assert span.prompt is not None
    assert (span.prompt.name, span.prompt.version) == ("answer", "3")
    context = "Tea is a drink.\nTea is hot."
    assert span.prompt.variables == {"context": context, "question": "What is tea?"}
    assert [m.text for m in span.input_messages] == [f"Answer from {context}: What is tea?"]
    assert (span.model, span.provider, span.finish_reason) == ("model", "scriptedmodel", "stop")


def test_a_retriever_span_tells_query_and_documents(client: Client) -> None:
    """Documents stand with id, score and metadata on the span, and at the turn."""
    scenario = next(s for s in SCENARIOS if s.name == "templated rag prompt")
    langchain_chains.rag(Stage(scenario, "invoke", client))
    [retrieval] = _last(client).retrievals
    assert retrieval.query == "What is tea?"
    found = [(d.id, d.score, d.metadata["source"]) for d in retrieval.documents]
    assert found == [("d1", 0.9, "book"), ("d2", 0.4, "book")]


def test_an_agents_spans_tell_which_tools_were_offered(client: Client) -> None:
    """Tool definitions are on the llm span; an observation names its call's message."""
    scenario = next(s for s in SCENARIOS if s.name == "parallel tools")
    langchain_agents.agent(Stage(scenario, "invoke", client))
    first = client.reader().turns(thread_id="t-1")[-1]
    assert [t["function"]["name"] for t in first.llm_calls[0].tools] == ["add", "weather"]
    assert {o.message_id for o in first.tool_observations} == {first.messages[1].id}
    assert all(o.duration_ns is not None for o in first.tool_observations)


def test_a_turn_has_the_callers_id_name_tags_and_metadata(client: Client) -> None:
    """What the application says of a call belongs to the turn; a framework's noise does not."""
    stage = _stage(client, "Hi.")
    turn_id = uuid.uuid4()
    config = threadline.langchain.config(
        thread_id="t-1",
        user_id="u-1",
        turn_id=turn_id,
        tags=["beta"],
        metadata={"plan": "pro", "ls_noise": 1},
        name="greeting",
        client=client,
    )
    app = ChatPromptTemplate.from_template("{question}") | stage.model() | StrOutputParser()
    app.invoke({"question": "Hello?"}, config)
    turn = _last(client)
    assert (turn.id, turn.name, turn.user_id) == (str(turn_id), "greeting", "u-1")
    assert (turn.tags, turn.metadata) == (("beta",), {"plan": "pro"})


def test_a_scope_gives_its_tags_and_metadata_to_the_conversation(client: Client) -> None:
    """What is said of a conversation is not said of its turns."""
    stage = _stage(client, "Hi.")
    scope = threadline.conversation("t-1", tags=["beta"], metadata={"plan": "pro"}, client=client)
    with scope:
        stage.model().invoke("Hello?", {"callbacks": [stage.handler]})
    conversation = scope.conversation
    assert conversation is not None
    assert (conversation.tags, conversation.metadata) == (("beta",), {"plan": "pro"})
    assert [turn.id for turn in conversation.turns] == scope.turn_ids
    assert (conversation.turns[0].tags, conversation.turns[0].metadata) == ((), {})


def test_a_stream_that_nobody_reads_on_is_abandoned_at_the_end(client: Client) -> None:
    """A turn under way is seen as such; when its process closes it is abandoned."""
    stage = _stage(client, "one two three")
    stream = stage.model().stream("Count.", stage.config(_ASK))
    next(stream)
    client.close()
    assert str(_last(client).status) == "abandoned"
    stream.close()


def test_a_second_root_under_a_known_id_continues_the_first(client: Client) -> None:
    """Ask and resume under one run id are two turns, never a repeat."""
    stage = _stage(client, "Hi.", "Hi again.")
    run_id = uuid.uuid4()
    for text in ("Hello?", "Again?"):
        config = stage.config(_ASK, run_id=run_id)
        stage.model().invoke(text, config)
        client.flush()
    second, first = client.reader().turns()
    assert first.id == str(run_id) == second.continues
    assert second.id != first.id
    assert second.input == "Again?"


def test_many_threads_share_one_handler(client: Client) -> None:
    """Each thread's turns are in its own conversation, in the order they were asked."""
    stages = [_stage(client, "1", "2", "3") for _ in range(8)]
    handler = stages[0].handler

    def talk(n: int) -> None:
        for text in "abc":
            config: Any = {"callbacks": [handler], "metadata": {"thread_id": f"t-{n}"}}
            stages[n].model().invoke(text, config)

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = client.reader()
    for n in range(8):
        conversation = reader.conversation(f"t-{n}")
        assert conversation is not None
        assert [m.text for m in conversation.messages] == ["a", "1", "b", "2", "c", "3"]


def test_many_tasks_share_one_handler(client: Client) -> None:
    """So it is with tasks of one loop, and conversations named around them."""
    stages = [_stage(client, "1", "2") for _ in range(16)]
    handler = stages[0].handler

    async def talk(n: int) -> None:
        with threadline.conversation(f"t-{n}", client=client):
            for text in "ab":
                await stages[n].model().ainvoke(text, {"callbacks": [handler]})

    async def talk_all() -> None:
        await asyncio.gather(*(talk(n) for n in range(16)))

    asyncio.run(talk_all())
    reader = client.reader()
    for n in range(16):
        conversation = reader.conversation(f"t-{n}")
        assert conversation is not None
        assert [m.text for m in conversation.messages] == ["a", "1", "b", "2"]
