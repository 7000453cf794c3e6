"""Figures over time: what happened in each of some stretches of equal length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from threadline.model.span import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """What began in one stretch of time.

    `failed` turns ended with an error or were abandoned; `unfinished` ones were stopped, cancelled
    or interrupted, or run. Durations are those of turns that ended, in order.
    """

    start_ns: int
    turns: int = 0
    failed: int = 0
    unfinished: int = 0
    durations_ns: tuple[int, ...] = ()
    tokens: dict[str, Usage] = {}
    tool_calls: int = 0
    tool_failures: int = 0
    liked: int = 0
    disliked: int = 0

    def percentile_ns(self, part: float) -> int | None:
        """Return the duration that this part of the turns did not exceed; None without turns.

        Example:
            >>> Bucket(start_ns=0, durations_ns=(1, 2, 3, 40)).percentile_ns(0.5)
            2
        """
        return percentile(self.durations_ns, part)

    @property
    def input_tokens(self) -> int:
        """What went into all models."""
        return sum(usage.input_tokens or 0 for usage in self.tokens.values())

    @property
    def output_tokens(self) -> int:
        """What came out of all models."""
        return sum(usage.output_tokens or 0 for usage in self.tokens.values())


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Stretches of equal length, one behind the other, the oldest first."""

    length_ns: int
    buckets: tuple[Bucket, ...] = ()


def percentile(ordered: Sequence[int], part: float) -> int | None:
    """Return the smallest value that this part of some ordered values does not exceed."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
