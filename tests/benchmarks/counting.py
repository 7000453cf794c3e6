"""Counts what Python calls, and what it asks of C, while a hook runs."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Counting:
    """Counts calls, encodings and writes inside the functions that it was given."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def counted(self, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Return `hook` so that it counts itself under `name`, and all that it calls."""

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.counts[name] += 1
            before = sys.getprofile()
            sys.setprofile(self._count)
            try:
                return hook(*args, **kwargs)
            finally:
                sys.setprofile(before)

        return counted

    def per_run(self, runs: int) -> Counter[str]:
        """Return what was counted for each of so many runs, rounded up."""
        return Counter({name: -(-count // runs) for name, count in self.counts.items()})

    def _count(self, frame: Any, event: str, called: Any) -> None:
        if event == "call":
            self.counts["calls"] += 1
        elif event == "c_call":
            self.counts["calls"] += 1
            owner = type(getattr(called, "__self__", None)).__module__
            if called.__name__ == "encode" and owner.startswith("msgspec"):
                self.counts["encodes"] += 1
            elif called.__name__ in {"write", "writev"}:
                self.counts["writes"] += 1
