"""Waiting between two looks at something, as long as somebody reads what is written."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import sys
import threading
from typing import Final

_GONE: Final = getattr(select, "POLLERR", 0) | getattr(select, "POLLHUP", 0)


class Pause:
    """Waits; ends early, by a `BrokenPipeError`, when the reader of standard output goes away."""

    def __init__(self) -> None:
        self._never = threading.Event()
        self._poll = select.poll() if hasattr(select, "poll") and _is_pipe() else None
        if self._poll is not None:
            self._poll.register(sys.stdout.fileno(), 0)

    def wait(self, seconds: float) -> None:
        """Wait so long.

        Raises:
            BrokenPipeError: if nobody reads any more.
        """
        if self._poll is None:
            self._never.wait(seconds)
        elif any(event & _GONE for _, event in self._poll.poll(seconds * 1000)):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _is_pipe() -> bool:
    """Tell whether output goes into a pipe; terminals and files have nobody who could go away."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return False
