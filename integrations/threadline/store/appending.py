"""One `write` to a file by which a hook keeps the interpreter.

`os.write` lets other threads run Python meanwhile, and has to wait for them before it returns: up
to the switch interval of 5 ms for an append of 2 µs. That was a third of the time inside hooks, and
all of an event loop's lag (docs/decisions/0005).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Final

Append = Callable[[int, bytes], int]
"""Writes bytes to a file descriptor and returns how many were taken, as `os.write` does."""

_LARGE: Final = 1 << 16


@functools.cache
def appender() -> Append:
    """Return what appends: the C library's `write` where it can be had, else `os.write`."""
    try:
        import ctypes

        write = ctypes.PyDLL(None).write  # no types declared: that halves what ctypes adds
    except (ImportError, OSError, AttributeError):
        return os.write

    def append(fd: int, data: bytes) -> int:
        length = len(data)
        if length > _LARGE:  # copying it takes long enough for others to run
            return os.write(fd, data)
        written: int = write(fd, data, length)
        return written if written >= 0 else os.write(fd, data)  # which tells what is wrong

    return append
