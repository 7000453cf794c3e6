"""The connector: identity from its inputs, wherever it stands; its own output; YAML; closing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from haystack import Pipeline
from haystack.core.errors import PipelineRuntimeError
from haystack.dataclasses import ChatMessage
from tests.haystack.applications import RAG_INPUT, Boom, agent, ask, chat, chat_input, rag

import threadline
import threadline.haystack
from haystack_integrations.components.connectors.threadline import ThreadlineConnector
from threadline import Client
from threadline.capture.writer_thread import WriterThread
from threadline.client.defaults import serving_as_default
from threadline.errors import ArgumentError
from threadline.store.connections import FileDatabase
from threadline.store.reader import Reader

if TYPE_CHECKING:
    from pathlib import Path


def _connected(name: str = "threadline", **more: Any) -> Pipeline:
    pipeline = chat()
    pipeline.add_component(name, ThreadlineConnector(**more))
    return pipeline


@pytest.mark.parametrize("name", ["a_first_by_name", "zz_last_by_name"])
def test_identity_is_known_wherever_the_connector_stands(name: str, client: Client) -> None:
    """Flat inputs tell thread, user, turn, tags and metadata, whatever runs first."""
    whose = {
        "thread_id": "t-1",
        "user_id": "u-1",
        "turn_id": "order-17",
        "tags": ["beta"],
        "metadata": {"plan": "pro"},
    }
    result = _connected(name).run({**chat_input("Hello?"), name: whose})
    assert result[name] == {"name": "threadline", "turn_id": "order-17"}
    turn = client.reader().turn("order-17")
    assert turn is not None
    assert (turn.thread_id, turn.user_id, turn.tags) == ("t-1", "u-1", ("beta",))
    assert turn.metadata == {"plan": "pro"}


def test_one_dict_tells_the_same(client: Client) -> None:
    """`invocation_context` holds the same names; what it holds besides is metadata."""
    context = {"thread_id": "t-1", "user_id": "u-1", "plan": "pro"}
    _connected().run({**chat_input("Hello?"), "threadline": {"invocation_context": context}})
    [turn] = client.reader().turns()
    assert (turn.thread_id, turn.user_id, turn.metadata) == ("t-1", "u-1", {"plan": "pro"})


def test_flat_input_of_a_pipeline_reaches_the_connector(client: Client) -> None:
    """A pipeline may be given inputs without the names of components, as Hayhooks does."""
    _connected().run({"messages": [ChatMessage.from_user("Hello?")], "thread_id": "t-1"})
    [turn] = client.reader().turns()
    assert (turn.thread_id, turn.input, turn.output) == ("t-1", "Hello?", "Hello.")


def test_a_coroutine_is_told_apart_from_another(client: Client) -> None:
    """Runs of one pipeline in tasks of one loop keep their own identity."""
    pipeline = _connected()

    async def ask_all() -> None:
        runs = [
            pipeline.run_async({**chat_input(f"I am {n}."), "threadline": {"thread_id": f"t-{n}"}})
            for n in range(20)
        ]
        await asyncio.gather(*runs)

    asyncio.run(ask_all())
    turns = client.reader().turns(limit=100)
    assert {(t.thread_id, t.input) for t in turns} == {(f"t-{n}", f"I am {n}.") for n in range(20)}


def test_a_pipeline_survives_yaml(client: Client) -> None:
    """`dumps` and `loads` keep the connector and what it was made with."""
    threadline.haystack.detach()
    pipeline = Pipeline.loads(_connected(thread_id="t-1", user_id="u-1").dumps())
    pipeline.run(chat_input("Hello?"))
    [turn] = client.reader().turns()
    assert (turn.thread_id, turn.user_id) == ("t-1", "u-1")


def test_loading_alone_records_nothing(client: Client) -> None:
    """A pipeline that is loaded and not run changes nothing in the process."""
    threadline.haystack.detach()
    Pipeline.loads(_connected().dumps())
    chat().run(chat_input("Psst?"))
    assert not client.has_started


@pytest.mark.usefixtures("client")
def test_closing_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Pipeline.close()` stores what was recorded; here nobody else does."""
    monkeypatch.setattr(WriterThread, "wake", lambda _: None)
    monkeypatch.setattr(WriterThread, "stir", lambda _: None)
    path = tmp_path / "store.db"
    with Client(store=path, min_free_bytes=0) as other, serving_as_default(other):
        pipeline = _connected()
        pipeline.run(chat_input("Hello?"))
        pipeline.close()
        with Reader(FileDatabase(path), path) as store:
            assert [turn.output for turn in store.turns()] == ["Hello."]


def test_the_surrounding_turn_is_the_turn(client: Client) -> None:
    """Inside `threadline.turn(...)` the connector returns that turn's id."""
    with threadline.turn(thread_id="t-1", input="Hello?") as turn:
        result = _connected().run(chat_input("Rendered: Hello?"))
    assert result["threadline"]["turn_id"] == turn.id
    [recorded] = client.reader().turns()
    assert recorded.input == "Hello?"


def test_a_connector_names_the_conversation_of_no_other_run(client: Client) -> None:
    """What one run's connector said is not remembered for the next run."""
    _connected().run({**chat_input("Hello?"), "threadline": {"thread_id": "t-1"}})
    chat().run(chat_input("Anybody?"))
    newest, _ = client.reader().turns()
    assert newest.thread_id != "t-1"


def test_an_empty_id_is_refused_where_it_is_given() -> None:
    """A connector cannot be made with an id that names nothing."""
    with pytest.raises(ArgumentError, match="thread_id"):
        ThreadlineConnector(thread_id=" ")


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_switched_off_content_reaches_no_file(
    ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the journal nor the store ever holds a word of pipeline, agent, tool or document."""
    monkeypatch.setenv("HAYSTACK_CONTENT_TRACING_ENABLED", "false")
    monkeypatch.setattr(WriterThread, "wake", lambda _: None)
    pipeline = rag()
    pipeline.add_component("helper", agent())
    if ends == "badly":
        pipeline.add_component("boom", Boom())
        pipeline.connect("helper.messages", "boom.messages")
    data = {**RAG_INPUT, "helper": {"messages": [ChatMessage.from_user("1+2?")]}}
    with Client(store=tmp_path / "store.db", min_free_bytes=0) as other, serving_as_default(other):
        with contextlib.suppress(PipelineRuntimeError):
            pipeline.run(data)
        with contextlib.suppress(PipelineRuntimeError):
            ask(agent(), "1+2?")
        journaled = _bytes_below(tmp_path)
        statuses = {span.status for turn in other.reader().turns(kind=None) for span in turn.spans}
        stored = _bytes_below(tmp_path)
    words = [b"Jean", b"Paris", b"It is 3", b"1+2", b"Be brief", b"Help."]
    assert [word for word in words if word in journaled] == []
    assert [word for word in words if word in stored] == []
    assert b"mock-model" in journaled
    assert statuses == ({"ok"} if ends == "well" else {"ok", "error"})


def _bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_switched_off_content_is_not_recorded(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who told Haystack to trace no content finds no words in the store, only that it ran."""
    monkeypatch.setenv("HAYSTACK_CONTENT_TRACING_ENABLED", "false")
    _connected().run({**chat_input("my secret"), "threadline": {"thread_id": "t-1"}})
    [turn] = client.reader().turns(kind=None)
    assert turn.messages == ()
    [call] = turn.llm_calls
    assert (call.model, call.input_messages, call.output_messages) == ("mock-model", (), ())
    assert call.usage is not None
