"""Histories that callers of Haystack hold or keep: branches, overlaps, examples, late listeners."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

from haystack import component
from haystack.components.builders import ChatPromptBuilder
from haystack.dataclasses import ChatMessage
from tests.scenarios.haystack_fakes import Keep, Kept, Remember
from tests.scenarios.haystack_pipelines import memory_input, one_memory

import threadline.haystack

if TYPE_CHECKING:
    from haystack import Pipeline
    from tests.scenarios.haystack_stage import Stage
    from tests.scenarios.script import Ask


def _held(stage: Stage, app: Pipeline) -> list[list[ChatMessage]]:
    """Ask everything; return the history behind each question, and the last one."""
    histories: list[list[ChatMessage]] = [[]]
    for ask in stage.scenario.asks:
        asked = [*histories[-1], ChatMessage.from_user(ask.text)]
        result = stage.call(app, {"llm": {"messages": asked}}, ask)
        histories.append([*asked, *result["llm"]["replies"]])
    return histories


def answered_again(stage: Stage) -> None:
    """The caller sends what it had sent before."""
    _asked_anew(stage, stage.scenario.asks[-1].text)


def edited_question(stage: Stage) -> None:
    """The caller sends the history with another last question."""
    _asked_anew(stage, "Zwei?")


def _asked_anew(stage: Stage, text: str) -> None:
    app = stage.pipeline(llm=stage.model())
    asked = [*_held(stage, app)[-2], ChatMessage.from_user(text)]
    stage.call(app, {"llm": {"messages": asked}}, stage.scenario.asks[-1])


@component
class Meet:
    """Waits until both are there."""

    def __init__(self) -> None:
        self.both = Barrier(2, timeout=30)

    @component.output_types(messages=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
        self.both.wait()
        return {"messages": messages}


def two_at_once(stage: Stage) -> None:
    """Two calls with one history, the second of which begins before the first has ended."""
    one, two = stage.scenario.asks
    first = [ChatMessage.from_user(one.text)]
    result = stage.call(stage.pipeline(llm=stage.model()), {"llm": {"messages": first}}, one)
    asked = [*first, *result["llm"]["replies"], ChatMessage.from_user(two.text)]
    both = stage.pipeline((("meet.messages", "llm.messages"),), meet=Meet(), llm=stage.model())

    def again(_: int) -> None:
        stage.call(both, {"meet": {"messages": list(asked)}}, two)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(again, range(2)))


@component
class Picky:
    """Fails for what it does not like."""

    @component.output_types(messages=list[ChatMessage])
    def run(self, messages: list[ChatMessage]) -> dict[str, Any]:
        if messages[-1].text == "Broken?":
            msg = "broken"
            raise ValueError(msg)
        return {"messages": messages}


def without_what_failed(stage: Stage) -> None:
    """A question fails before any model; the caller forgets it and asks another one."""
    one, two = stage.scenario.asks
    parts = {"picky": Picky(), "llm": stage.model()}
    app = stage.pipeline((("picky.messages", "llm.messages"),), **parts)
    first = [ChatMessage.from_user(one.text)]
    result = stage.call(app, {"picky": {"messages": first}}, one)
    history = [*first, *result["llm"]["replies"]]
    broken = type(one)("Broken?", one.thread, raises="ValueError")
    stage.call(app, {"picky": {"messages": [*history, _user(broken)]}}, broken)
    stage.call(app, {"picky": {"messages": [*history, _user(two)]}}, two)


def examples_each_time(stage: Stage) -> None:
    """The same examples and one question, again and again in one conversation."""
    app = stage.pipeline(llm=stage.model())
    for ask in stage.scenario.asks:
        examples = [ChatMessage.from_user("Zero?"), ChatMessage.from_assistant("0.")]
        stage.call(app, {"llm": {"messages": [*examples, _user(ask)]}}, ask)


def joined_late(stage: Stage) -> None:
    """A pipeline that remembers, which nobody watched at first."""
    kept: Kept = {}
    unwatched = stage.options["unwatched"]
    threadline.haystack.detach()
    for ask in stage.scenario.asks[:unwatched]:
        one_memory(stage, kept, is_watched=False).run(memory_input(ask))
    for ask in stage.scenario.asks[unwatched:]:
        stage.call(one_memory(stage, kept), memory_input(ask), ask)


@component
class Sessions:
    """Answers many sessions, whose histories are kept by their ids."""

    def __init__(self, app: Pipeline, asks: tuple[Ask, ...]) -> None:
        self.app = app
        self.asks = asks

    @component.output_types(count=int)
    def run(self, start: int) -> dict[str, Any]:
        for ask in self.asks[start:]:
            mine = {"chat_history_id": ask.thread}
            self.app.run({"prompt": {"input": ask.text}, "remember": mine, "keep": mine})
        return {"count": len(self.asks)}


def job_over_many_sessions(stage: Stage) -> None:
    """One pipeline that runs another for each of many kept histories."""
    kept: Kept = {}
    template = [ChatMessage.from_user("Q: {{ input }}")]
    app = stage.pipeline(
        (
            ("prompt.prompt", "remember.current_messages"),
            ("remember.messages", "llm.messages"),
            ("llm.replies", "keep.replies"),
        ),
        prompt=ChatPromptBuilder(template, required_variables="*"),
        remember=Remember(kept),
        llm=stage.model(),
        keep=Keep(kept),
    )
    job = stage.pipeline(job=Sessions(app, stage.scenario.asks))
    job.run({"job": {"start": 0}})


def _user(ask: Ask) -> ChatMessage:
    return ChatMessage.from_user(ask.text)


SHAPES: dict[str, Any] = {
    "held history that is answered again": answered_again,
    "held history with an edited question": edited_question,
    "held history in two at once": two_at_once,
    "held history without what failed": without_what_failed,
    "examples before each question": examples_each_time,
    "joined late": joined_late,
    "job over many sessions": job_over_many_sessions,
}
