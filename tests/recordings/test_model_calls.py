"""What each recorded model call was told, said, counted and cost in time is on its span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.recordings.playing import Player
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.sittings import ALONE
from tests.recordings.streams import NAMES, read_stream

import threadline
from threadline.langchain import ThreadlineCallbackHandler
from threadline.model import Event, ReasoningPart, TextPart, ToolCallPart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from threadline.model import Span

_NAMES = [name for name in NAMES if any(e["ev"] == "chat_model_start" for e in read_stream(name))]
_BLOCKS = [name for name in NAMES if name.startswith("blocks_")] + ["model_stream_events_v3"]


@pytest.mark.parametrize("name", _NAMES)
def test_a_model_call_keeps_what_was_told_of_it(name: str, tmp_path: Path) -> None:
    """Model, provider, parameters, tokens, finish reason, answer and first chunk, by run."""
    spans, rebuilding = _spans_of(name, tmp_path)
    runs: dict[str, dict[str, Any]] = {}
    for event in read_stream(name):
        runs.setdefault(str(rebuilding.id_of(event["run"])), {})[event["ev"]] = event
    called = {run: events for run, events in runs.items() if "chat_model_start" in events}
    assert set(spans) == set(called)
    for run, events in called.items():
        _check_start(spans[run], events["chat_model_start"])
        assert (spans[run].first_chunk_ns is not None) == ("llm_new_token" in events)
        if "llm_end" in events:
            _check_end(spans[run], events["llm_end"])


@pytest.mark.parametrize("name", _BLOCKS)
def test_every_kind_of_part_is_kept_once(name: str, tmp_path: Path) -> None:
    """What the user sent and the model said, in either form of content and however it came."""
    spans, _ = _spans_of(name, tmp_path)
    [call] = spans.values()
    assert [type(part).__name__ for part in call.input_messages[0].parts] == [
        "TextPart",
        "BlobPart",
        "BlobPart",
        "UriPart",
        "BlobPart",
    ]
    thought, words, asked = call.output_messages[0].parts
    assert isinstance(thought, ReasoningPart)
    assert isinstance(words, TextPart)
    assert isinstance(asked, ToolCallPart)
    assert (thought.content, words.content) == ("think...", "Paris")
    assert (asked.id, asked.name, asked.arguments) == ("c1", "add", {"a": 1, "b": 2})


def test_an_event_of_the_applications_own_belongs_to_its_span(tmp_path: Path) -> None:
    """`dispatch_custom_event` inside a run."""
    path = tmp_path / "store.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        _play("custom_event", client)
    with threadline.open(path) as store:
        [turn] = store.turns(kind=None)
        [event] = [event for span in turn.spans for event in span.events]
    assert isinstance(event, Event)
    assert (event.name, event.metadata) == ("my_ev", {"k": 1})


def _spans_of(name: str, tmp_path: Path) -> tuple[Mapping[str, Span], Rebuilding]:
    path = tmp_path / "store.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        rebuilding = _play(name, client)
    with threadline.open(path) as store:
        turns = store.turns(kind=None)
        return {
            call.run_id or turn.id: call for turn in turns for call in turn.llm_calls
        }, rebuilding


def _play(name: str, client: threadline.Client) -> Rebuilding:
    sitting = ALONE.get(name)
    rebuilding = Rebuilding(name)
    around = sitting.around if sitting is not None else None
    player = Player([ThreadlineCallbackHandler(client)], rebuilding, around=around)
    player.expect(read_stream(name))
    for event in read_stream(name):
        player.play(event)
    return rebuilding


def _check_start(span: Span, event: Mapping[str, Any]) -> None:
    assert span.provider == event["metadata"]["ls_provider"]
    assert span.model == event["metadata"]["ls_model_name"]
    told = event["kw"]["invocation_params"]
    assert span.parameters["temperature"] == told["temperature"]
    assert len(span.tools) == len(told.get("tools", ()))


def _check_end(span: Span, event: Mapping[str, Any]) -> None:
    [[choice]] = event["generations"]
    message = choice["message"]
    counted = message["usage_metadata"]
    assert span.usage is not None
    assert span.usage.input_tokens == counted["input_tokens"]
    assert span.usage.output_tokens == counted["output_tokens"]
    details = counted.get("input_token_details", {}), counted.get("output_token_details", {})
    assert span.usage.cache_read_tokens == details[0].get("cache_read")
    assert span.usage.reasoning_tokens == details[1].get("reasoning")
    reasons = message["response_metadata"], choice.get("generation_info") or {}
    assert span.finish_reason in {one.get("finish_reason") for one in reasons} - {None}
    [said] = span.output_messages
    content = message["content"]
    assert isinstance(content, list) or said.text == content
    assert [call.id for call in said.tool_calls] == [c["id"] for c in message.get("tool_calls", ())]
