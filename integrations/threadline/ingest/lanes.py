"""Does several things at once, on threads that nobody has to wait for at exit."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def at_once(tasks: Sequence[Callable[[int], None]], most: int) -> None:
    """Do tasks, several at a time, and come back when all are done.

    Each is told in which lane it is done: no two tasks are in one lane at a time. Where no thread
    can be started, the caller's own does them all, one after the other.

    Args:
        tasks: What is to be done, begun in this order.
        most: How many lanes there are, the caller's own among them.

    Raises:
        BaseException: what a task raised; those that had not begun by then are left out.

    Example:
        >>> done = []
        >>> at_once([lambda _: done.append("a"), lambda _: done.append("b")], 1)
        >>> done
        ['a', 'b']
    """
    left = deque(tasks)
    failed: list[BaseException] = []

    def work(lane: int) -> None:
        try:
            while (task := _next(left)) is not None:
                task(lane)
        except BaseException as error:  # noqa: BLE001 (raised again, where it can be heard)
            left.clear()
            failed.append(error)

    threads = [
        threading.Thread(target=work, args=(lane,), name=f"threadline-lane-{lane}", daemon=True)
        for lane in range(1, min(most, len(tasks)))
    ]
    with contextlib.suppress(RuntimeError):  # the interpreter is shutting down
        for thread in threads:
            thread.start()
    work(0)
    for thread in threads:
        if thread.ident is not None:
            thread.join()
    if failed:
        raise failed[0]


def _next(left: deque[Callable[[int], None]]) -> Callable[[int], None] | None:
    try:
        return left.popleft()
    except IndexError:
        return None
