"""Chains and streams with a real model: the record is compared with what went over the wire."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import openai
import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_openai import ChatOpenAI
    from tests.live.record import Record
    from tests.live.wire import Wire

    from threadline.model import Turn

pytestmark = pytest.mark.live

_PROMPT = ChatPromptTemplate.from_messages(
    [("system", "You know cities. Be brief."), ("human", "About {city}: {question}")]
)
_ASKED = {"city": "Paris", "question": "What is it known for?"}


def _said(turn: Turn) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in turn.messages]


def test_a_chain_is_what_was_asked_and_what_came_back(
    ask_for: Callable[..., ChatOpenAI], record: Record
):
    chain = _PROMPT | ask_for() | StrOutputParser()
    answer = chain.invoke(_ASKED, record.config("plain"))
    [turn] = record.turns("plain")
    assert turn.status == "ok"
    assert _said(turn) == [("user", "What is it known for?"), ("assistant", answer)]
    [call] = turn.llm_calls
    assert [m.role for m in call.input_messages] == ["system", "user"]
    assert call.input_messages[1].text == "About Paris: What is it known for?"
    assert call.prompt is not None
    assert call.prompt.variables == _ASKED


def test_a_stream_is_one_answer_with_the_time_of_its_first_chunk(
    ask_for: Callable[..., ChatOpenAI], record: Record
):
    chain = _PROMPT | ask_for() | StrOutputParser()
    chunks = list(chain.stream(_ASKED, record.config("stream")))
    [turn] = record.turns("stream")
    assert len(chunks) > 3
    assert _said(turn) == [("user", "What is it known for?"), ("assistant", "".join(chunks))]


def test_an_async_stream_is_recorded_as_a_sync_one(
    ask_for: Callable[..., ChatOpenAI], record: Record
):
    chain = _PROMPT | ask_for() | StrOutputParser()

    async def read() -> list[str]:
        return [chunk async for chunk in chain.astream(_ASKED, record.config("astream"))]

    chunks = asyncio.run(read())
    [turn] = record.turns("astream")
    assert turn.status == "ok"
    assert _said(turn) == [("user", "What is it known for?"), ("assistant", "".join(chunks))]


def test_a_stream_left_early_keeps_what_was_read(
    ask_for: Callable[..., ChatOpenAI], record: Record
):
    chain = ask_for(max_completion_tokens=60) | StrOutputParser()
    stream = chain.stream("Count to one hundred.", record.config("early"))
    read = [next(stream) for _ in range(5)]
    stream.close()
    [turn] = record.conversation("early").turns
    assert turn.status == "stopped"
    asked, answered = turn.messages
    assert (asked.role, asked.text) == ("user", "Count to one hundred.")
    assert answered.partial
    assert answered.text  # LangChain's own account of a chain may lack the last chunk
    assert "".join(read).startswith(answered.text)


def test_structured_output_is_the_answer_as_json(
    ask_for: Callable[..., ChatOpenAI], record: Record, wire: Wire
):
    schema = {
        "title": "Place",
        "description": "A place.",
        "type": "object",
        "properties": {
            "city": {"type": "string", "enum": ["Lyon", "Nice"]},
            "stars": {"type": "integer", "enum": [1, 2, 3]},
        },
        "required": ["city", "stars"],
        "additionalProperties": False,
    }
    model = ask_for(max_completion_tokens=100)
    found = model.with_structured_output(schema, method="json_schema").invoke(
        "Where shall I go?", record.config("structured")
    )
    [turn] = record.turns("structured")
    [exchange] = wire.exchanges
    assert exchange.request["response_format"]["type"] == "json_schema"
    [asked, answered] = turn.messages
    assert asked.text == "Where shall I go?"
    assert json.loads(answered.text) == found == json.loads(exchange.text)


def test_a_batch_keeps_its_users_apart(ask_for: Callable[..., ChatOpenAI], record: Record):
    chain = _PROMPT | ask_for() | StrOutputParser()
    cities = ["Lyon", "Nice", "Rome", "Bern"]
    asked = [{"city": city, "question": f"What is in {city}?"} for city in cities]
    answers = chain.batch(asked, [record.config(city) for city in cities])
    turns = record.turns(*cities)
    assert [_said(turn) for turn in turns] == [
        [("user", f"What is in {city}?"), ("assistant", answer)]
        for city, answer in zip(cities, answers, strict=True)
    ]


def test_what_the_server_refuses_is_an_error_with_its_words(
    ask_for: Callable[..., ChatOpenAI], record: Record, wire: Wire
):
    with pytest.raises(openai.BadRequestError):
        ask_for().invoke("too long " * 5000, record.config("refused"))
    [turn] = record.conversation("refused").turns
    assert [e.status for e in wire.exchanges] == [400]
    assert turn.status == "error"
    assert turn.error is not None
    assert "context" in turn.error.message
    assert _said(turn) == [("user", "too long " * 5000)]
