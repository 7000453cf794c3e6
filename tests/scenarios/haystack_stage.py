"""What Haystack applications have in common here: generators, connector, ways to call."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from haystack import Pipeline
from haystack.components.agents import Agent
from haystack.tools import create_tool_from_function
from tests.scenarios.haystack_fakes import ScriptedCompletion, ScriptedGenerator
from tests.scenarios.langchain_fakes import Tape, hanging
from tests.scenarios.script import error_named

import threadline
from haystack_integrations.components.connectors.threadline import ThreadlineConnector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.scenarios.script import Ask, Scenario

    from threadline import Client


class Stage:
    """Where one scenario is played: its generators and tools, watched by the attached tracer."""

    def __init__(self, scenario: Scenario, way: str, client: Client) -> None:
        self.scenario = scenario
        self.options: Mapping[str, Any] = scenario.options
        self.way = way
        self.client = client
        self.tapes = {name: Tape(replies) for name, replies in scenario.models.items()}
        for function in scenario.tools:  # Haystack 3.0 cannot read postponed annotations
            function.__annotations__.update(get_type_hints(function))
        self.tools = [create_tool_from_function(function) for function in scenario.tools]

    def model(self, name: str = "model") -> ScriptedGenerator:
        """Return the chat generator of this name."""
        return ScriptedGenerator(self.tapes[name], name)

    def completion(self, name: str = "model") -> ScriptedCompletion:
        """Return the completion generator of this name."""
        return ScriptedCompletion(self.tapes[name])

    def pipeline(self, connections: tuple[tuple[str, str], ...] = (), **parts: Any) -> Pipeline:
        """Return a pipeline of these components, with a connector at its end."""
        pipeline = Pipeline()
        for name, part in parts.items():
            pipeline.add_component(name, part)
        if "threadline" not in parts:
            pipeline.add_component("threadline", ThreadlineConnector())
        for sender, receiver in connections:
            pipeline.connect(sender, receiver)
        return pipeline

    def call(self, app: Any, data: dict[str, Any], ask: Ask, *, named: bool = True) -> Any:
        """Call a pipeline or an agent in the scenario's way; return what came back."""
        given = {"thread_id": ask.thread, "user_id": ask.user}
        known = {key: value for key, value in given.items() if value is not None}
        with raising(ask):
            if isinstance(app, Agent):
                with self.scope(ask) if named else contextlib.nullcontext():
                    return WAYS[self.way](app, data)
            if known and named:
                data = {**data, "threadline": known}
            return WAYS[self.way](app, data)
        return None

    def scope(self, ask: Ask) -> contextlib.AbstractContextManager[Any]:
        """Return what names the conversation around an agent that runs alone."""
        if ask.thread is None:
            return contextlib.nullcontext()
        return threadline.conversation(ask.thread, user_id=ask.user, client=self.client)


@contextlib.contextmanager
def raising(ask: Ask) -> Iterator[None]:
    """Expect the exception that the ask names, whatever Haystack wraps around it."""
    if ask.raises is None:
        yield
        return
    wanted = error_named(ask.raises)
    with pytest.raises(BaseException) as caught:  # noqa: PT011 (its class is judged below, and those of its causes)
        yield
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, wanted):
        error = error.__cause__
    assert error is not None, caught.value


def _run(app: Any, data: dict[str, Any]) -> Any:
    return app.run(**data) if isinstance(app, Agent) else app.run(data)


def _run_async(app: Any, data: dict[str, Any]) -> Any:
    return asyncio.run(app.run_async(**data) if isinstance(app, Agent) else app.run_async(data))


def _stream(app: Any, data: dict[str, Any]) -> Any:
    """Call with a callback that is told every chunk."""

    def take(chunk: Any) -> None:
        assert chunk is not None

    if isinstance(app, Agent):
        return app.run(**data, streaming_callback=take)
    return app.run(_with_callback(app, data, take))


def _astream(app: Any, data: dict[str, Any]) -> Any:
    async def read() -> Any:
        chunks: list[Any] = []

        async def take(chunk: Any) -> None:
            chunks.append(chunk)

        if isinstance(app, Agent):
            return await app.run_async(**data, streaming_callback=take)
        handle = app.stream(data)
        chunks += [chunk async for chunk in handle]
        return handle.result

    return asyncio.run(read())


def _events(app: Any, data: dict[str, Any]) -> Any:
    """Read what each component gives, as it comes."""

    async def read() -> Any:
        if isinstance(app, Agent):
            return await app.run_async(**data)
        last: Any = None
        async for partial in app.run_async_generator(data):
            last = partial
        return last

    return asyncio.run(read())


def _aclose(app: Any, data: dict[str, Any]) -> Any:
    """Read one chunk of a stream and leave it."""

    async def read() -> Any:
        handle = app.stream(data)
        async for chunk in handle:
            await handle.aclose()
            return chunk
        return None

    return asyncio.run(read())


def _cancel(app: Any, data: dict[str, Any]) -> Any:
    """Cancel a call whose model never answers."""

    async def give_up() -> Any:
        began = asyncio.Event()
        hanging.set(began)
        call = app.run_async(**data) if isinstance(app, Agent) else app.run_async(data)
        task = asyncio.create_task(call)
        await began.wait()
        task.cancel()
        return await task

    return asyncio.run(give_up())


def _with_callback(app: Pipeline, data: dict[str, Any], callback: Any) -> dict[str, Any]:
    """Give the callback to every component that would stream."""
    heard = {
        name: {**data.get(name, {}), "streaming_callback": callback}
        for name, sockets in app.inputs().items()
        if "streaming_callback" in sockets
    }
    return {**data, **heard}


WAYS = {
    "invoke": _run,
    "ainvoke": _run_async,
    "stream": _stream,
    "astream": _astream,
    "events": _events,
    "aclose": _aclose,
    "cancel": _cancel,
}
