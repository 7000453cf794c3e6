"""The handlers that are compared with none: two that keep nothing, one that waits, and ours."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.base import BaseTracer

from threadline import Client
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOOKS = tuple(name for name in dir(BaseCallbackHandler) if name.startswith("on_"))


def _nothing(self: object, *args: object, **kwargs: object) -> None:
    del self, args, kwargs


NoOperation: type[BaseCallbackHandler] = type(
    "NoOperation", (BaseCallbackHandler,), {"run_inline": True} | dict.fromkeys(HOOKS, _nothing)
)
"""Every hook overridden, doing nothing: what the framework itself charges for a handler."""


class TracerAlone(BaseTracer):
    """What every recorder pays that is built on langchain-core's own tracer, and keeps nothing."""

    def _persist_run(self, run: Any) -> None:
        del run


def committing(store: Path) -> BaseCallbackHandler:
    """Return a handler whose every hook waits until SQLite has its event: what no hook should do.

    Args:
        store: The database, which several processes may write.
    """
    database = sqlite3.connect(store, timeout=60.0, check_same_thread=False)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA synchronous = normal")
    database.execute("CREATE TABLE IF NOT EXISTS events (run TEXT, what TEXT)")

    def commit(_: object, *args: Any, **kwargs: Any) -> None:
        with database:
            row = (str(kwargs.get("run_id")), repr(args))
            database.execute("INSERT INTO events VALUES (?, ?)", row)

    hooks = {"run_inline": True, "raise_error": True} | dict.fromkeys(HOOKS, commit)
    kind: type[BaseCallbackHandler] = type("Committing", (BaseCallbackHandler,), hooks)
    return kind()


class Variant:
    """One way to run the same work: with these callbacks, and with this to do at the end."""

    def __init__(
        self, name: str, handler: BaseCallbackHandler | None, client: Client | None = None
    ) -> None:
        self.name = name
        self.handler = handler
        self.client = client
        self.flushes_each_turn = False

    @property
    def callbacks(self) -> list[BaseCallbackHandler]:
        return [] if self.handler is None else [self.handler]

    def turn_is_over(self) -> None:
        if self.flushes_each_turn:
            self.flush()

    def flush(self) -> None:
        if self.client is not None:
            report = self.client.flush(30.0)
            assert report.complete, report

    def close(self) -> None:
        if self.client is not None:
            report = self.client.close(30.0)
            assert report.complete, report


def variants(folder: Path, *, with_flush: bool = False) -> list[Variant]:
    """No handler, two that keep nothing, ours on a store on disk; perhaps ours flushed by turn."""
    made = [
        Variant("none", None),
        Variant("no-op", NoOperation()),
        Variant("tracer", TracerAlone()),
        ours(folder / "ours.db", "ours"),
    ]
    if with_flush:
        eager = ours(folder / "eager.db", "ours, flushed")
        eager.flushes_each_turn = True
        made.append(eager)
    return made


def ours(store: Path, name: str) -> Variant:
    client = Client(store=store, min_free_bytes=0)
    return Variant(name, ThreadlineCallbackHandler(client), client)


class TimedHooks:
    """Wraps every hook of a handler and sums how long they take, on all threads.

    Wall time includes waiting for other threads; CPU time is the hooks' own.
    """

    def __init__(self, handler: BaseCallbackHandler) -> None:
        self._spent: list[tuple[int, int]] = []
        for name in HOOKS:
            setattr(handler, name, self._timed(getattr(handler, name)))

    def take_ns(self) -> tuple[int, int]:
        """Return the wall and CPU nanoseconds since this was last asked."""
        spent, self._spent[:] = list(self._spent), []
        return sum(wall for wall, _ in spent), sum(cpu for _, cpu in spent)

    def _timed(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        spent, wall, cpu = self._spent, time.perf_counter_ns, time.thread_time_ns

        def timed(*args: Any, **kwargs: Any) -> Any:
            began, begun = cpu(), wall()
            try:
                return hook(*args, **kwargs)
            finally:
                spent.append((wall() - begun, cpu() - began))

        return timed
