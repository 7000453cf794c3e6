"""What could not be recorded, counted by reason and said once."""

from __future__ import annotations

import logging
from typing import Final

logger: Final = logging.getLogger("threadline")
"""Without a handler of the application's own, Python prints its warnings: they are rare, and each
says that something is lost."""


class Losses:
    """Counts what was dropped, by reason. Only adds; approximate under contention, never locked.

    The first loss of each reason is logged as a warning, once, without any content.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._said: dict[str, None] = {}

    def add(self, reason: str, count: int = 1, *, detail: str = "") -> None:
        """Count `count` things lost for `reason`; warn the first time."""
        self.counts[reason] = self.counts.get(reason, 0) + count
        self.warn_once(reason, detail)

    def warn_once(self, reason: str, detail: str = "") -> None:
        """Say something in the log, without content, the first time only."""
        if reason not in self._said:
            self._said[reason] = None
            logger.warning("threadline: %s%s", reason, f" ({detail})" if detail else "")

    @property
    def total(self) -> int:
        """How many things were lost in all."""
        return sum(self.counts.values())
