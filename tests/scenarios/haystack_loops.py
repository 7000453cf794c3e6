"""Pipelines of Haystack that go round, and models that answer in a schema."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from haystack import component
from haystack.components.joiners import BranchJoiner
from haystack.core.errors import PipelineMaxComponentRuns
from haystack.dataclasses import ChatMessage
from tests.scenarios.haystack_pipelines import prompt_of

if TYPE_CHECKING:
    from haystack.tools import Tool
    from tests.scenarios.haystack_stage import Stage

_ROUND = (
    ("begin.value", "llm.messages"),
    ("begin.value", "next.heard"),
    ("llm.replies", "next.replies"),
    ("next.messages", "begin.value"),
)


@component
class Execute:
    """Executes what a model asks for, and ends the loop with its answer."""

    def __init__(self, tools: list[Tool]) -> None:
        self.tools = {tool.name: tool for tool in tools}

    @component.output_types(messages=list[ChatMessage], answer=str)
    def run(self, heard: list[ChatMessage], replies: list[ChatMessage]) -> dict[str, Any]:
        if not replies[0].tool_calls:
            return {"answer": replies[0].text}
        results = [
            ChatMessage.from_tool(str(self.tools[asked.tool_name].invoke(**asked.arguments)), asked)
            for asked in replies[0].tool_calls
        ]
        return {"messages": [*heard, *replies, *results]}


def tool_loop(stage: Stage) -> None:
    """A loop of the application's own that calls model and tools until there is an answer."""
    begin: Any = BranchJoiner(list[ChatMessage])
    parts = {"begin": begin, "llm": stage.model(), "next": Execute(stage.tools)}
    app = stage.pipeline(_ROUND, **parts)
    for ask in stage.scenario.asks:
        stage.call(app, {"begin": {"value": [ChatMessage.from_user(ask.text)]}}, ask)


@component
class GoOn:
    """Sends back whatever a model said."""

    @component.output_types(messages=list[ChatMessage], answer=str)
    def run(self, heard: list[ChatMessage], replies: list[ChatMessage]) -> dict[str, Any]:
        return {"messages": [*heard, *replies]}


def endless_loop(stage: Stage) -> None:
    """A loop that goes on and on until Haystack has enough of it."""
    begin: Any = BranchJoiner(list[ChatMessage])
    app = stage.pipeline(_ROUND, begin=begin, llm=stage.model(), next=GoOn())
    app._max_runs_per_component = 3
    for ask in stage.scenario.asks:
        with contextlib.suppress(PipelineMaxComponentRuns):
            stage.call(app, {"begin": {"value": [ChatMessage.from_user(ask.text)]}}, ask)


@component
class Parse:
    """Reads the schema that a model filled in by calling it, and may pass on the message too."""

    def __init__(self, *, with_raw: bool) -> None:
        self.with_raw = with_raw

    @component.output_types(structured_output=dict[str, Any], raw=ChatMessage)
    def run(self, replies: list[ChatMessage]) -> dict[str, Any]:
        raw = {"raw": replies[0]} if self.with_raw else {}
        return {"structured_output": replies[0].tool_calls[0].arguments, **raw}


def structured_output(stage: Stage) -> None:
    """A model that answers in a schema, by calling a tool named after it."""
    parts = {"prompt": prompt_of(stage), "llm": stage.model(), "parse": Parse(with_raw=False)}
    ways = (("prompt.prompt", "llm.messages"), ("llm.replies", "parse.replies"))
    app = stage.pipeline(ways, **parts)
    for ask in stage.scenario.asks:
        stage.call(app, {"prompt": {"question": ask.text}}, ask)


def raw_and_parsed(stage: Stage) -> None:
    """A model in a schema, whose own message is returned beside what was parsed of it."""
    parse = Parse(with_raw=True)
    app = stage.pipeline((("llm.replies", "parse.replies"),), llm=stage.model(), parse=parse)
    for ask in stage.scenario.asks:
        stage.call(app, {"llm": {"messages": [ChatMessage.from_user(ask.text)]}}, ask)


SHAPES: dict[str, Any] = {
    "tool loop": tool_loop,
    "endless graph": endless_loop,
    "structured output": structured_output,
    "raw and parsed": raw_and_parsed,
}
