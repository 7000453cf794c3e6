"""What LangChain applications have in common here: models, handler, config, ways to call."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.tools import StructuredTool
from tests.scenarios.langchain_fakes import ScriptedCompletion, ScriptedModel, Tape, hanging
from tests.scenarios.script import error_named

from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.runnables import Runnable, RunnableConfig
    from langchain_core.tools import BaseTool
    from tests.scenarios.script import Ask, Scenario

    from threadline import Client


class Stage:
    """Where one scenario is played: its models and tools, and the one handler that watches."""

    def __init__(self, scenario: Scenario, way: str, client: Client) -> None:
        self.scenario = scenario
        self.options: Mapping[str, Any] = scenario.options
        self.way = way
        self.client = client
        self.handler = ThreadlineCallbackHandler(client)
        self.handler.raise_error = True
        self.tapes = {name: Tape(replies) for name, replies in scenario.models.items()}
        self.tools: list[BaseTool] = [StructuredTool.from_function(f) for f in scenario.tools]

    def model(self, name: str = "model") -> ScriptedModel:
        """Return the chat model of this name."""
        return ScriptedModel(model_name=name, tape=self.tapes[name])

    def completion(self, name: str = "model") -> ScriptedCompletion:
        """Return the completion model of this name."""
        return ScriptedCompletion(model_name=name, tape=self.tapes[name])

    def config(self, ask: Ask, **more: Any) -> RunnableConfig:
        """Return a config that names the conversation in the metadata."""
        metadata = {"thread_id": ask.thread, "user_id": ask.user}
        known = {key: value for key, value in metadata.items() if value is not None}
        return {"callbacks": [self.handler], "metadata": known, **more}

    def graph_config(self, ask: Ask, **more: Any) -> RunnableConfig:
        """Return a config that names the conversation where LangGraph looks for it."""
        config = self.config(ask, configurable={"thread_id": ask.thread}, **more)
        config.get("metadata", {}).pop("thread_id", None)
        return config

    def call(self, app: Runnable[Any, Any], given: Any, ask: Ask, config: RunnableConfig) -> Any:
        """Call an application in the scenario's way; return what came back."""
        with raising(ask):
            return WAYS[self.way](app, given, config)
        return None


def raising(ask: Ask) -> contextlib.AbstractContextManager[Any]:
    """Expect the exception that the ask names."""
    if ask.raises is None:
        return contextlib.nullcontext()
    return pytest.raises(error_named(ask.raises))


def _invoke(app: Any, given: Any, config: Any) -> Any:
    return app.invoke(given, config)


def _ainvoke(app: Any, given: Any, config: Any) -> Any:
    return asyncio.run(app.ainvoke(given, config))


def _stream(app: Any, given: Any, config: Any) -> Any:
    return _whole(list(app.stream(given, config)))


def _astream(app: Any, given: Any, config: Any) -> Any:
    async def read() -> list[Any]:
        return _whole([chunk async for chunk in app.astream(given, config)])

    return asyncio.run(read())


def _whole(chunks: list[Any]) -> Any:
    texts = all(isinstance(chunk, str) for chunk in chunks)
    return "".join(chunks) if texts else chunks


def _events(app: Any, given: Any, config: Any) -> Any:
    async def read() -> list[Any]:
        return [event async for event in app.astream_events(given, config, version="v2")]

    return asyncio.run(read())


def _close(app: Any, given: Any, config: Any) -> Any:
    """Read one chunk of a stream and leave it."""
    stream = app.stream(given, config)
    first = next(stream)
    stream.close()
    return first


def _aclose(app: Any, given: Any, config: Any) -> Any:
    async def read() -> Any:
        stream = app.astream(given, config)
        first = await anext(stream)
        await stream.aclose()
        return first

    return asyncio.run(read())


def _cancel(app: Any, given: Any, config: Any) -> Any:
    """Cancel a call whose model never answers."""

    async def give_up() -> Any:
        began = asyncio.Event()
        hanging.set(began)
        task = asyncio.create_task(app.ainvoke(given, config))
        await began.wait()
        task.cancel()
        return await task

    return asyncio.run(give_up())


WAYS = {
    "invoke": _invoke,
    "ainvoke": _ainvoke,
    "stream": _stream,
    "astream": _astream,
    "events": _events,
    "close": _close,
    "aclose": _aclose,
    "cancel": _cancel,
}
STREAMING = frozenset({"stream", "astream", "events", "close", "aclose"})
