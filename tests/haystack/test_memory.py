"""Pipelines that remember, by Haystack's own store of chat messages, and agents fed by callers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from haystack import Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.joiners import ListJoiner
from haystack.dataclasses import ChatMessage
from haystack_experimental.chat_message_stores.in_memory import InMemoryChatMessageStore
from haystack_experimental.components.retrievers import ChatMessageRetriever
from haystack_experimental.components.writers import ChatMessageWriter
from tests.haystack.applications import agent

from haystack_integrations.components.connectors.threadline import ThreadlineConnector

if TYPE_CHECKING:
    from threadline import Client

_ASKED = ["I am Ada.", "More.", "Who am I?", "More.", "Bye."]
_ANSWERS = ["Hello.", "One.", "Ada.", "Two.", "See you."]


def _remembering(last_k: int | None, *, with_connector: bool) -> Pipeline:
    """A chat with memory, wired as Haystack's documentation does."""
    store = InMemoryChatMessageStore()
    pipeline = Pipeline()
    template = [ChatMessage.from_system("Be kind."), ChatMessage.from_user("{{ query }}")]
    prompt = ChatPromptBuilder(template, required_variables="*")
    parts: dict[str, Any] = {
        "prompt": prompt,
        "memory": ChatMessageRetriever(store, last_k=last_k),
        "llm": MockChatGenerator(_ANSWERS),
        "both": ListJoiner(list[ChatMessage]),
        "writer": ChatMessageWriter(store),
    }
    if with_connector:
        parts["threadline"] = ThreadlineConnector()
    for name, part in parts.items():
        pipeline.add_component(name, part)
    pipeline.connect("prompt.prompt", "memory.current_messages")
    pipeline.connect("memory.messages", "llm.messages")
    pipeline.connect("prompt.prompt", "both.values")
    pipeline.connect("llm.replies", "both.values")
    pipeline.connect("both.values", "writer.messages")
    return pipeline


def _input(text: str, thread_id: str) -> dict[str, Any]:
    whose = {"chat_history_id": thread_id}
    return {"prompt": {"query": text}, "memory": dict(whose), "writer": dict(whose)}


@pytest.mark.parametrize("last_k", [None, 10, 3, 2], ids=["all", "10", "3", "2"])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_memory_says_each_thing_once(last_k: int | None, way: str, client: Client) -> None:
    """However many turns it brings back, five turns are five questions and answers."""
    thread_id = f"{way} {last_k}"  # all stores of a process are one
    pipeline = _remembering(last_k, with_connector=False)
    for text in _ASKED:
        data = _input(text, thread_id)
        asyncio.run(pipeline.run_async(data)) if way == "async" else pipeline.run(data)
    conversation = client.reader().conversation(thread_id)
    assert conversation is not None
    said = [[(m.role, m.text) for m in turn.messages] for turn in conversation.turns]
    pairs = zip(_ASKED, _ANSWERS, strict=True)
    expected = [[("user", asked), ("assistant", answer)] for asked, answer in pairs]
    assert [[line for line in turn if line[0] != "system"] for turn in said] == expected
    assert conversation.prelude == ()
    heard = [len(turn.llm_calls[0].input_messages) for turn in conversation.turns]
    turns_back = len(_ASKED) if last_k is None else last_k
    assert heard == [2 + 2 * min(turns_back, n) for n in range(len(_ASKED))]


def test_histories_of_two_users_do_not_mix(client: Client) -> None:
    """One pipeline with one store; the id of the history names the conversation."""
    pipeline = _remembering(None, with_connector=True)
    for n in range(3):
        for thread_id in ("two-1", "two-2"):
            pipeline.run(_input(f"{thread_id} {n}", thread_id))
    for thread_id in ("two-1", "two-2"):
        turns = client.reader().conversation(thread_id).turns
        assert [turn.input for turn in turns] == [f"{thread_id} {n}" for n in range(3)]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_an_agent_that_is_fed_what_it_returned_says_nothing_twice(way: str, client: Client) -> None:
    """The second turn's input is the first one's output and a question, instructions and all."""
    pipeline = Pipeline()
    pipeline.add_component("helper", agent())
    pipeline.add_component("threadline", ThreadlineConnector())
    history: list[ChatMessage] = []
    for text in ("1+2?", "Sure?"):
        given = {"messages": [*history, ChatMessage.from_user(text)]}
        data = {"helper": given, "threadline": {"thread_id": "t-1"}}
        run = asyncio.run(pipeline.run_async(data)) if way == "async" else pipeline.run(data)
        history = run["helper"]["messages"]
    conversation = client.reader().conversation("t-1")
    assert conversation is not None
    first, second = ["1+2?", "So.", "3", "It is 3."], ["Sure?", "So.", "3", "It is 3."]
    said = [[message.text for message in turn.messages] for turn in conversation.turns]
    assert said == [first, second]
    calls = [[one.call_id for one in turn.tool_observations] for turn in conversation.turns]
    assert calls == [["call-1"], ["call-1"]]
    heard = [message.text for message in conversation.turns[1].llm_calls[0].input_messages]
    assert heard == ["Help.", "Help.", *first, "Sure?"]  # Haystack prepends it again
