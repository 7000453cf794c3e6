"""What was recorded, and what must be true of it whatever the model says."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.live.wire import Words, same_json

import threadline
from threadline.langchain import ThreadlineCallbackHandler
from threadline.model import ToolCallResponsePart

if TYPE_CHECKING:
    from pathlib import Path

    from langchain_core.runnables import RunnableConfig
    from tests.live.wire import Exchange, Wire

    from threadline.model import Conversation, Message, Span, Turn


class Record:
    """A client that records into a file, and the wire that its models spoke over."""

    def __init__(self, client: threadline.Client, path: Path, wire: Wire) -> None:
        self.client = client
        self.path = path
        self._wire = wire
        self._handler = ThreadlineCallbackHandler(client)

    def config(self, thread_id: str, **more: Any) -> RunnableConfig:
        """Return a config, written as the README says."""
        return {"callbacks": [self._handler], "metadata": {"thread_id": thread_id}, **more}

    def conversation(self, thread_id: str) -> Conversation:
        """Return a conversation as it is on the disk, once it is told to be there."""
        assert self.client.flush().complete
        with threadline.open(self.path) as store:
            found = store.conversation(thread_id)
        assert found is not None
        return found

    def turns(self, *thread_ids: str) -> list[Turn]:
        """Return all turns of these conversations, compared with all that went over the wire."""
        conversations = [self.conversation(thread_id) for thread_id in thread_ids]
        turns = [turn for found in conversations for turn in found.turns]
        left = list(self._wire.exchanges)
        for call in (call for turn in turns for call in turn.llm_calls):
            told = [_words_of(message) for message in call.input_messages]
            exchange = next((e for e in left if e.messages == told), None)
            assert exchange is not None, f"the model was never told {told}"
            left.remove(exchange)
            _check_call(call, exchange)
        assert not left, "something went over the wire that was not recorded"
        stored = sum(_check_stored_once(found) for found in conversations)
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            [(rows,)] = database.execute("SELECT count(*) FROM message")
        assert rows == stored, "messages are stored that nothing refers to"
        return turns


def _words_of(message: Message) -> Words:
    calls = tuple((call.id, call.name, same_json(call.arguments)) for call in message.tool_calls)
    answers = [part.id for part in message.parts if isinstance(part, ToolCallResponsePart)]
    return Words(message.role, message.text, calls, answers[0] if answers else None)


def _check_call(call: Span, exchange: Exchange) -> None:
    """What the record says of a model call is what the server said."""
    usage = exchange.usage
    assert call.usage is not None
    assert call.usage.input_tokens == usage["prompt_tokens"]
    assert call.usage.output_tokens == usage["completion_tokens"]
    assert call.usage.cache_read_tokens == usage["prompt_tokens_details"]["cached_tokens"]
    assert call.model == exchange.model
    assert call.finish_reason == exchange.finish_reason
    assert call.status == "ok"
    [said] = call.output_messages
    asked = [{"name": call.name, "arguments": call.arguments} for call in said.tool_calls]
    assert asked == [json.loads(exchange.text)] if asked else said.text == exchange.text
    assert call.duration_ns is not None
    assert (call.first_chunk_ns is not None) is exchange.is_stream
    if exchange.is_stream:
        assert 0 < (call.time_to_first_chunk_ns or 0) < call.duration_ns


def _check_stored_once(conversation: Conversation) -> int:
    """Each message that anything refers to is one, however often; returns how many there are."""
    seen: dict[str, Message] = {}
    of_calls = [
        message
        for turn in conversation.turns
        for call in turn.llm_calls
        for message in (*call.input_messages, *call.output_messages)
    ]
    for message in (*conversation.messages, *of_calls):
        seen[message.id] = message
    bodies: dict[Words, list[str]] = defaultdict(list)
    for ident, message in seen.items():
        bodies[_words_of(message)].append(ident)
    said = [_words_of(message) for message in conversation.messages]
    for words, idents in bodies.items():
        assert len(idents) == max(1, said.count(words)), f"{words} is stored {len(idents)} times"
    return len(seen)
