"""Ways to say in LangChain what belongs together, and what does not belong at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

import threadline
import threadline.langchain
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from langchain_core.runnables import Runnable
    from tests.scenarios.langchain_stage import Stage


def three_models(stage: Stage) -> None:
    """Three models in one turn: a plan, a draft, a text. The caller may say what it is about."""
    names = ("planner", "drafter", "writer")
    for ask in stage.scenario.asks:
        given = ask.text if stage.options["told"] else None
        with threadline.turn(thread_id=ask.thread, input=given, client=stage.client) as turn:
            text = ask.text
            for name in names:
                text = stage.call(_chain(stage, name), {"question": text}, ask, _only(stage))
            if stage.options["told"]:
                turn.output = f"Here you are: {text}"


def own_code(stage: Stage) -> None:
    """A turn of code without any framework."""
    for ask in stage.scenario.asks:
        with threadline.turn(thread_id=ask.thread, input=ask.text, client=stage.client) as turn:
            turn.tool("look_up", {"word": "tea"}, result="a drink")
            turn.output = "A drink."


def side_call(stage: Stage) -> None:
    """A chat whose conversation gets a title from a second call, and a third that is private."""
    for ask in stage.scenario.asks:
        chain = _chain(stage, "model")
        stage.call(chain, {"question": ask.text}, ask, stage.config(ask))
        for name, mark in (("titles", "trace"), ("secrets", "off")):
            config = stage.config(ask)
            config.get("metadata", {})["threadline"] = mark
            stage.call(_chain(stage, name), {"question": ask.text}, ask, config)


def side_call_inside(stage: Stage) -> None:
    """A chain that asks a second model for a title on the way."""
    titles = _chain(stage, "titles").with_config(metadata={"threadline": "trace"})

    def note(given: dict[str, str]) -> dict[str, str]:
        titles.invoke(given)
        return given

    app = note | _chain(stage, "model")
    for ask in stage.scenario.asks:
        stage.call(app, {"question": ask.text}, ask, stage.config(ask))


def conversation_scope(stage: Stage) -> None:
    """The application names the conversation around the call, not in it."""
    for ask in stage.scenario.asks:
        scope = threadline.conversation(str(ask.thread), user_id=ask.user, client=stage.client)
        with scope:
            stage.call(_chain(stage, "model"), {"question": ask.text}, ask, _only(stage))
        assert len(scope.turn_ids) == 1


def ready_config(stage: Stage) -> None:
    """A config that names the conversation, made by us."""
    for ask in stage.scenario.asks:
        config = threadline.langchain.config(
            thread_id=ask.thread, user_id=ask.user, client=stage.client
        )
        stage.call(_chain(stage, "model"), {"question": ask.text}, ask, config)


def default_thread(stage: Stage) -> None:
    """A handler that was told the conversation when it was made."""
    handler = ThreadlineCallbackHandler(stage.client, thread_id=stage.scenario.asks[0].thread)
    for ask in stage.scenario.asks:
        config: Any = {"callbacks": [handler]}
        stage.call(_chain(stage, "model"), {"question": ask.text}, ask, config)


def handler_twice(stage: Stage) -> None:
    """The same handler, given to the chain, to the call, and twice in its list."""
    for ask in stage.scenario.asks:
        app = _chain(stage, "model").with_config(callbacks=[stage.handler])
        config = stage.config(ask)
        config["callbacks"] = [stage.handler, stage.handler]
        stage.call(app, {"question": ask.text}, ask, config)


def two_handlers(stage: Stage) -> None:
    """Two handlers of one client."""
    for ask in stage.scenario.asks:
        config = stage.config(ask)
        config["callbacks"] = [stage.handler, ThreadlineCallbackHandler(stage.client)]
        stage.call(_chain(stage, "model"), {"question": ask.text}, ask, config)


def attached(stage: Stage) -> None:
    """The process records everything; one call brings a handler of its own besides."""
    client = threadline.configure(store=stage.client.settings.store, min_free_bytes=0)
    threadline.attach("langchain")
    try:
        for n, ask in enumerate(stage.scenario.asks):
            config = stage.config(ask)
            config["callbacks"] = [ThreadlineCallbackHandler()] if n else []
            stage.call(_chain(stage, "model"), {"question": ask.text}, ask, config)
    finally:
        threadline.detach()
    stage.model("secrets").invoke([HumanMessage("Is anybody there?")])
    client.close()


def paused(stage: Stage) -> None:
    """Nothing is recorded while paused."""
    for n, ask in enumerate(stage.scenario.asks):
        if n % 2:
            with threadline.paused():
                stage.call(_chain(stage, "secrets"), {"question": ask.text}, ask, stage.config(ask))
        else:
            stage.call(_chain(stage, "model"), {"question": ask.text}, ask, stage.config(ask))


def _chain(stage: Stage, name: str) -> Runnable[Any, Any]:
    return ChatPromptTemplate.from_template("{question}") | stage.model(name) | StrOutputParser()


def _only(stage: Stage) -> Any:
    return {"callbacks": [stage.handler]}


SHAPES: dict[str, Any] = {
    "three models": three_models,
    "own code": own_code,
    "side call": side_call,
    "side call inside": side_call_inside,
    "conversation scope": conversation_scope,
    "ready config": ready_config,
    "default thread": default_thread,
    "handler twice": handler_twice,
    "two handlers": two_handlers,
    "attached": attached,
    "paused": paused,
}
