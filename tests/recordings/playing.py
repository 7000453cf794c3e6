"""Calls the hooks of recorded streams: in the recorded order, on threads as recorded."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManager
from langchain_core.runnables.config import var_child_runnable_config
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.streams import read_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.recordings.streams import Event, Sitting

    from threadline.langchain import ThreadlineCallbackHandler

_ENDS = frozenset({"chain_end", "chain_error", "llm_end", "llm_error", "tool_end", "tool_error"})


class Player:
    """Plays hooks of one sitting into handlers, one after the other as LangChain calls them.

    `told` is what each model call was given by the hooks that were played, by run id.
    """

    def __init__(
        self,
        handlers: Sequence[ThreadlineCallbackHandler],
        rebuilding: Rebuilding,
        *,
        around: Mapping[str, str] | None = None,
        configurable: Mapping[str, Any] | None = None,
    ) -> None:
        self.told: dict[str, list[Any]] = {}
        self._handlers = handlers
        self._rebuilding = rebuilding
        self._around = around or {}
        self._configurable = configurable
        self._interrupts: list[Event] = []

    def expect(self, events: Sequence[Event]) -> None:
        """Look through a stream for what its shortened lines cannot tell."""
        self._interrupts = [one for event in events for one in event.get("interrupts", ())]

    def play(self, event: Event) -> None:
        """Call one hook, on this thread."""
        given, named = self._positional(event), self._keywords(event)
        with self._surroundings(event):
            for handler in self._handlers:
                # only handlers that langgraph knows get its own two hooks
                hook: Callable[..., None] | None = getattr(handler, _hook_of(event), None)
                if hook is not None:
                    hook(*given, **named)

    def _positional(self, event: Event) -> tuple[Any, ...]:
        rebuilding, kind = self._rebuilding, event["ev"]
        if kind.endswith("_error"):
            return (rebuilding.error(event, self._interrupts),)
        if kind == "chat_model_start":
            prompts = rebuilding.prompt(event["messages"])
            self.told.setdefault(str(rebuilding.id_of(event["run"])), prompts[0])
            return event["serialized"], prompts
        makers: Mapping[str, Callable[[], tuple[Any, ...]]] = {
            "chain_start": lambda: (event.get("serialized"), rebuilding.value(event["inputs"])),
            "chain_end": lambda: (rebuilding.value(event["outputs"]),),
            "llm_new_token": lambda: (rebuilding.value(event["token"]),),
            "llm_end": lambda: (rebuilding.answer(event),),
            "stream_event": lambda: (event["event"],),
            "tool_start": lambda: (event["serialized"], event["input_str"]),
            "tool_end": lambda: (rebuilding.value(event["output"]),),
            "retriever_start": lambda: (event.get("serialized"), rebuilding.value(event["query"])),
            "retriever_end": lambda: (rebuilding.documents(event["documents"]),),
            "custom_event": lambda: (event["cname"], event["data"]),
            "graph_interrupt": lambda: (self._graph_event(event),),
            "graph_resume": lambda: (self._graph_event(event),),
        }
        return makers[kind]()

    def _keywords(self, event: Event) -> dict[str, Any]:
        if event["ev"].startswith("graph_"):
            return {}
        rebuilding = self._rebuilding
        given: dict[str, Any] = dict(event.get("kw") or {})
        if "inputs" in given and event["ev"] in _ENDS:
            given["inputs"] = rebuilding.value(given["inputs"])
        if "response" in event:
            given["response"] = rebuilding.answer(event["response"])
        if "name" in event:
            given["name"] = event["name"]
        if event["ev"].endswith("_start"):
            given["metadata"] = rebuilding.metadata(event.get("metadata"))
        if event["ev"] != "custom_event":
            parent = event["parent"]
            given["parent_run_id"] = None if parent is None else rebuilding.id_of(parent)
        return {**given, "run_id": rebuilding.id_of(event["run"]), "tags": event.get("tags")}

    def _graph_event(self, event: Event) -> Any:
        from langgraph.callbacks import GraphInterruptEvent, GraphResumeEvent

        told: dict[str, Any] = {
            "run_id": self._rebuilding.id_of(event["run"]),
            "status": event["status"],
            "checkpoint_id": str(self._rebuilding.id_of(f"checkpoint of {event['run']}")),
            "checkpoint_ns": tuple(event["checkpoint_ns"]),
        }
        if event["ev"] == "graph_resume":
            return GraphResumeEvent(**told)
        interrupts = tuple(self._rebuilding.interrupt(one) for one in event["interrupts"])
        return GraphInterruptEvent(**told, interrupts=interrupts)

    @contextlib.contextmanager
    def _surroundings(self, event: Event) -> Iterator[None]:
        """Set langchain-core's context variable as it was set around the hook."""
        around = self._around.get(event["run"])
        beneath = self._configurable is not None and event.get("parent") is not None
        if around is None and not beneath:
            yield
            return
        parent = self._rebuilding.id_of(around or event["parent"])
        config: Any = {"callbacks": CallbackManager([], parent_run_id=parent)}
        config["configurable"] = dict(self._configurable or {})
        token = var_child_runnable_config.set(config)
        try:
            yield
        finally:
            var_child_runnable_config.reset(token)


def play_sitting(sitting: Sitting, *handlers: ThreadlineCallbackHandler) -> None:
    """Play the streams of a sitting one after another, as they were recorded."""
    rebuilding = Rebuilding(sitting.streams[0], sitting.same_as)
    player = Player(handlers, rebuilding, around=sitting.around, configurable=sitting.configurable)
    for name in sitting.streams:
        events = read_stream(name)
        rebuilding.stream = name
        player.expect(events)
        if any(event.get("loop") for event in events):
            asyncio.run(_play_in_a_loop(events, player))
        else:
            _play_on_threads(events, player)


async def _play_in_a_loop(events: Sequence[Event], player: Player) -> None:
    """Play within one task, as the application's own coroutine does."""
    _play_on_threads(events, player)


def _play_on_threads(events: Sequence[Event], player: Player) -> None:
    """Play each hook on its thread; the next one waits for it, so that the order is kept."""
    with contextlib.ExitStack() as stack:
        pools: dict[str, ThreadPoolExecutor] = {}
        for event in events:
            thread = event["thread"]
            if thread == "main":
                player.play(event)
                continue
            if thread not in pools:
                pools[thread] = stack.enter_context(ThreadPoolExecutor(1))
            pools[thread].submit(player.play, event).result()


def play_siblings_at_once(events: Sequence[Event], player: Player) -> None:
    """Play what pool threads called between two hooks of the main thread all at once.

    What ran beneath one child of the root keeps its order, as it did; the children race.
    """
    tops: dict[str, str] = {}
    for main, some in itertools.groupby(events, lambda event: event["thread"] == "main"):
        if main:
            for event in some:
                player.play(event)
            continue
        beneath: dict[str, list[Event]] = {}
        for event in some:
            top = tops.setdefault(event["run"], tops.get(event["parent"], event["run"]))
            beneath.setdefault(top, []).append(event)
        barrier = threading.Barrier(len(beneath))
        with ThreadPoolExecutor(len(beneath)) as pool:
            racing = [pool.submit(_race, barrier, one, player) for one in beneath.values()]
            for one in racing:
                one.result()


def _race(barrier: threading.Barrier, events: Sequence[Event], player: Player) -> None:
    barrier.wait()
    for event in events:
        player.play(event)


def _hook_of(event: Event) -> str:
    kind = event["ev"]
    return f"on_{kind.removeprefix('graph_')}" if kind.startswith("graph_") else f"on_{kind}"
