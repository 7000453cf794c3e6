"""The only place that asks what time it is, so that tests can own it."""

from __future__ import annotations

import time
from typing import Final, Protocol

now_ns: Final = time.time_ns
"""Nanoseconds since the Unix epoch: what a hook takes first thing."""


def give_way() -> None:
    """Let another thread have the interpreter: what the writer does between two turns."""
    time.sleep(0)


class Clock(Protocol):
    """Wall time for records, monotonic time for deadlines."""

    def now_ns(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...


class SystemClock:
    """The machine's own clocks."""

    now_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)
