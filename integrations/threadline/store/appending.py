"""One `write` to a file by which a hook keeps the interpreter.

`os.write` lets other threads run Python meanwhile, and has to wait for them before it returns: up
to the switch interval of 5 ms for an append of 2 µs. That was a third of the time inside hooks, and
all of an event loop's lag (docs/decisions/0005).
"""

from __future__ import annotations

import errno
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
        import ctypes  # noqa: PLC0415 (2 ms that an import of threadline need not take)

        write = ctypes.PyDLL(None, use_errno=True).write
    except (ImportError, OSError, AttributeError):
        return os.write
    write.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
    write.restype = ctypes.c_ssize_t
    errno_of_last = ctypes.get_errno

    def append(fd: int, data: bytes) -> int:
        length = len(data)
        if length > _LARGE:  # copying it takes long enough for others to run
            return os.write(fd, data)
        written: int = write(fd, data, length)
        if written < 0:
            number = errno_of_last()
            if number == errno.EINTR:
                return os.write(fd, data)
            raise OSError(number, os.strerror(number))
        return written

    return append
