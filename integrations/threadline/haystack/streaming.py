"""Listening to a streamed answer: a callback beside the application's own."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

from threadline.capture.guard import never_raises

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.haystack.runs import LiveRun

_MOST_CHUNKS: Final = 512


def listening(callback: Any, on_first: Callable[[], None], run: LiveRun) -> Any:
    """Return a callback of the same kind that also lets us hear each chunk.

    Args:
        callback: The application's own; it is called first, and what it raises is its own affair.
        on_first: Called when the first chunk arrives.
        run: The model call that speaks.
    """

    @never_raises
    def hear(chunk: Any) -> None:
        if run.ended:
            return
        if not run.heard:
            on_first()
        run.heard.append(str(getattr(chunk, "content", "") or ""))
        if len(run.heard) > _MOST_CHUNKS:
            run.heard[:] = ["".join(run.heard)]

    if inspect.iscoroutinefunction(callback):

        @functools.wraps(callback)
        async def beside_async(chunk: Any) -> Any:
            hear(chunk)
            return await callback(chunk)

        return beside_async

    @functools.wraps(callback, updated=())
    def beside(chunk: Any) -> Any:
        hear(chunk)
        return callback(chunk)

    return beside
