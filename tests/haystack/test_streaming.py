"""Streamed answers of generators in pipelines: heard where Haystack lets a tracer hear them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from haystack.core.errors import PipelineRuntimeError
from tests.haystack.applications import chat, chat_input

from threadline.haystack.runs import LiveRun

if TYPE_CHECKING:
    from threadline import Client

_ANSWER = "Hello there Ada."


def _taking() -> tuple[list[str], Any]:
    """A callback of the application's own, and what it is told. (Haystack copies bound methods.)"""
    chunks: list[str] = []

    async def take(chunk: Any) -> None:
        chunks.append(chunk.content)

    return chunks, take


def _data(callback: Any) -> dict[str, Any]:
    data = chat_input("Hello?")
    data["llm"]["streaming_callback"] = callback
    return data


def test_the_first_chunk_of_a_stream_is_timed(client: Client) -> None:
    """`Pipeline.stream` and a callback of an asynchronous run tell when it came."""
    pipeline = chat(_ANSWER)
    chunks, take = _taking()

    async def read() -> list[str]:
        await pipeline.run_async(_data(take))
        return [chunk.content async for chunk in pipeline.stream(chat_input("Hello?"))]

    streamed = asyncio.run(read())
    assert "".join(streamed) == "".join(chunks) == _ANSWER
    calls = [turn.llm_calls[0] for turn in client.reader().turns()]
    assert [call.first_chunk_ns is not None for call in calls] == [True, True]
    assert all(call.started_ns <= call.first_chunk_ns <= call.ended_ns for call in calls)


def test_inputs_that_are_used_again_hold_the_applications_callback(client: Client) -> None:
    """However often one dict is run, each chunk is told once, and the dict is as it was."""
    pipeline = chat(_ANSWER)
    chunks, take = _taking()
    data = _data(take)
    for _ in range(3):
        asyncio.run(pipeline.run_async(data))
        assert data["llm"]["streaming_callback"] is take
    assert "".join(chunks) == _ANSWER * 3
    assert len(client.reader().turns()) == 3


def test_a_callback_that_fails_is_the_applications_affair(client: Client) -> None:
    """What it raises reaches the caller, who finds what was heard until then."""

    async def fail(chunk: Any) -> None:
        raise ConnectionError

    data = _data(fail)
    with pytest.raises(PipelineRuntimeError) as raised:
        asyncio.run(chat(_ANSWER).run_async(data))
    assert isinstance(raised.value.__cause__, ConnectionError)
    assert data["llm"]["streaming_callback"] is fail
    [turn] = client.reader().turns()
    assert str(turn.status) == "error"
    assert _ANSWER.startswith(turn.messages[-1].text)
    assert turn.messages[-1].partial


def test_a_fault_in_listening_changes_no_stream(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails while a chunk is heard, the application gets it."""
    chunks, take = _taking()
    monkeypatch.setattr(LiveRun, "heard", property(lambda _: 1 / 0, lambda *_: None))
    asyncio.run(chat(_ANSWER).run_async(_data(take)))
    assert "".join(chunks) == _ANSWER
    assert client.flush().dropped != {}
