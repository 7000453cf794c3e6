"""What waits, for coroutines: each on a thread of its own, so that the event loop goes on.

Not on the loop's own threads: an application may have filled those, and a flush must not wait
longer than it was told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from threadline.client.notes import rate
from threadline.client.shortcuts import close, flush

if TYPE_CHECKING:
    from collections.abc import Callable

    from threadline.client.client import FlushReport
    from threadline.client.notes import RatingArguments

T = TypeVar("T")


async def aflush(timeout: float = 5.0) -> FlushReport:  # noqa: ASYNC109 (as `flush` has it)
    """Do what `threadline.flush` does, while the event loop goes on."""
    return await _aside(functools.partial(flush, timeout))


async def aclose(timeout: float | None = None) -> FlushReport:  # noqa: ASYNC109 (as `close`)
    """Do what `threadline.close` does, while the event loop goes on."""
    return await _aside(functools.partial(close, timeout))


async def arate(value: float | str, **about: Unpack[RatingArguments]) -> str:
    """Do what `threadline.rate` does, without touching the disk on the event loop's thread.

    Returns:
        The id of the rating.

    Raises:
        ArgumentError: if nothing is named that it is about, or a thumb is not -1, 0 or 1.
    """
    return await _aside(functools.partial(rate, value, **about))


async def _aside(work: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[Any], None], value: Any) -> None:
        if not done.done():  # nobody waits any more where it was cancelled
            settle(value)

    def run() -> None:
        try:
            outcome: tuple[Callable[[Any], None], Any] = done.set_result, work()
        except Exception as error:  # noqa: BLE001 (raised again where it is awaited)
            outcome = done.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(tell, *outcome)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="threadline-aside", daemon=True).start()
    return await done
