"""Ways to say in Haystack what belongs together, and what does not belong at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haystack import component
from haystack.dataclasses import ChatMessage
from tests.scenarios.haystack_pipelines import one_chain
from tests.scenarios.langchain_scopes import own_code

import threadline
import threadline.haystack
from haystack_integrations.components.connectors.threadline import ThreadlineConnector

if TYPE_CHECKING:
    from haystack import Pipeline
    from tests.scenarios.haystack_stage import Stage
    from tests.scenarios.script import Ask


def three_models(stage: Stage) -> None:
    """Three models in one turn: a plan, a draft, a text. The caller may say what it is about."""
    for ask in stage.scenario.asks:
        given = ask.text if stage.options["told"] else None
        with threadline.turn(thread_id=ask.thread, input=given, client=stage.client) as turn:
            text = ask.text
            for name in ("planner", "drafter", "writer"):
                data = {"prompt": {"question": text}}
                result = stage.call(one_chain(stage, name), data, ask, named=False)
                text = result["llm"]["replies"][0].text
            if stage.options["told"]:
                turn.output = f"Here you are: {text}"


def side_call(stage: Stage) -> None:
    """A chat whose conversation gets a title from a second call, and a third that is private."""
    for ask in stage.scenario.asks:
        _call(stage, one_chain(stage), ask)
        for name, mark in (("titles", "trace"), ("secrets", "off")):
            whose = {"thread_id": ask.thread, "metadata": {"threadline": mark}}
            data = {"prompt": {"question": ask.text}, "threadline": whose}
            stage.call(one_chain(stage, name), data, ask, named=False)


def _call(stage: Stage, app: Pipeline, ask: Ask, *, named: bool = True) -> Any:
    return stage.call(app, {"prompt": {"question": ask.text}}, ask, named=named)


@component
class Note:
    """Asks a second model for a title on the way."""

    def __init__(self, stage: Stage) -> None:
        self.app = one_chain(stage, "titles")

    @component.output_types(question=str)
    def run(self, question: str) -> dict[str, Any]:
        mark = {"invocation_context": {"threadline": "trace"}}
        self.app.run({"prompt": {"question": question}, "threadline": mark})
        return {"question": question}


def side_call_inside(stage: Stage) -> None:
    """A pipeline that asks a second model for a title on the way."""
    app = one_chain(stage, note=Note(stage))
    app.connect("note.question", "prompt.question")
    for ask in stage.scenario.asks:
        stage.call(app, {"note": {"question": ask.text}}, ask)


def conversation_scope(stage: Stage) -> None:
    """The application names the conversation around the call, not in it."""
    for ask in stage.scenario.asks:
        scope = threadline.conversation(str(ask.thread), user_id=ask.user, client=stage.client)
        with scope:
            _call(stage, one_chain(stage), ask, named=False)
        assert len(scope.turn_ids) == 1


def invocation_context(stage: Stage) -> None:
    """One dict names the conversation."""
    for ask in stage.scenario.asks:
        whose = {"invocation_context": {"thread_id": ask.thread, "user_id": ask.user}}
        data = {"prompt": {"question": ask.text}, "threadline": whose}
        stage.call(one_chain(stage), data, ask, named=False)


def default_thread(stage: Stage) -> None:
    """A connector that was told the conversation when it was made."""
    for ask in stage.scenario.asks:
        connector = ThreadlineConnector(thread_id=ask.thread)
        app = one_chain(stage, threadline=connector)
        _call(stage, app, ask, named=False)


def two_connectors(stage: Stage) -> None:
    """Two connectors in one pipeline."""
    for ask in stage.scenario.asks:
        _call(stage, one_chain(stage, another=ThreadlineConnector("another")), ask)


def attached(stage: Stage) -> None:
    """The process records everything until it is told not to."""
    threadline.attach("haystack")
    for ask in stage.scenario.asks:
        _call(stage, one_chain(stage), ask)
    threadline.haystack.detach()
    generator = stage.model("secrets")
    app = stage.pipeline(llm=generator, threadline=_Nothing())
    app.run({"llm": {"messages": [ChatMessage.from_user("Is anybody there?")]}})


@component
class _Nothing:
    """Stands where a connector would."""

    @component.output_types(nothing=str)
    def run(self, nothing: str = "") -> dict[str, Any]:
        return {"nothing": nothing}


def paused(stage: Stage) -> None:
    """Nothing is recorded while paused."""
    for n, ask in enumerate(stage.scenario.asks):
        if n % 2:
            with threadline.paused():
                _call(stage, one_chain(stage, "secrets"), ask)
        else:
            _call(stage, one_chain(stage), ask)


SHAPES: dict[str, Any] = {
    "three models": three_models,
    "own code": own_code,
    "side call": side_call,
    "side call inside": side_call_inside,
    "conversation scope": conversation_scope,
    "ready config": invocation_context,
    "default thread": default_thread,
    "handler twice": two_connectors,
    "two handlers": two_connectors,
    "attached": attached,
    "paused": paused,
}
