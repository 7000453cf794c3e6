"""Calls that are nobody's child and whose task is cancelled: langchain-core does not tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.langchain.runs import LiveRun


class TaskWatch:
    """Waits for the end of the task in which a model, tool or retriever was called as a root.

    A chain ends with the `CancelledError` that leaves it; these have no hook for that.
    """

    __slots__ = ("_end", "_run", "_task")

    def __init__(self, task: asyncio.Task[Any], run: LiveRun, end: Callable[[], object]) -> None:
        self._task = task
        self._run = run
        self._end = end
        task.add_done_callback(self._ended)

    def stop(self) -> None:
        """The run has ended: wait no more, so that a task of many runs holds nothing of them."""
        self._task.remove_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        # a stream that was read in another task each time (`wait_for` makes them) may go on
        if task.cancelled() or not self._run.heard:
            self._end()


def watch_task(run: LiveRun, end: Callable[[], object]) -> None:
    """Let `end` be called when the current task is done and the run has not ended.

    Outside of tasks there is nothing to wait for: what is left there by an exception tells.
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        return
    if task is not None:
        run.watch = TaskWatch(task, run, end)
