"""How fast a sender goes: batches, backoff with full jitter, when a circuit opens."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """The numbers that a sender goes by.

    Args:
        first_wait_s: The longest wait after the first failure; each further one doubles it.
        longest_wait_s: What it never exceeds, unless a destination asks for more.
        longest_told_s: How long a destination may ask to be left alone.
        send_timeout_s: After how long a try is given up.
        open_after: After how many failures in a row the circuit counts as open.
        planned_rows: How much of the outbox is looked at in one go.
        occupied_wait_s: When to look again while another process sends.
        jitter: Gives a number from 0 to 1.
    """

    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    longest_told_s: float = 3600.0
    send_timeout_s: float = 10.0
    open_after: int = 5
    planned_rows: int = 5_000
    occupied_wait_s: float = 2.0
    jitter: Callable[[], float] = random.random

    def wait_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row: anything up to the limit."""
        limit = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(failures - 1, 30))
        return limit * self.jitter()
