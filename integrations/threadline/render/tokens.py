"""How many tokens turns took, summed over their model calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadline.model import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from threadline.model import Turn


def tokens_of(turns: Iterable[Turn]) -> Usage | None:
    """Add up what the model calls of `turns` took; None where none of them told.

    Example:
        >>> tokens_of(()) is None
        True
    """
    told = [call.usage for turn in turns for call in turn.llm_calls if call.usage is not None]
    if not told:
        return None
    return Usage(
        input_tokens=_sum(usage.input_tokens for usage in told),
        output_tokens=_sum(usage.output_tokens for usage in told),
        cache_read_tokens=_sum(usage.cache_read_tokens for usage in told),
        cache_write_tokens=_sum(usage.cache_write_tokens for usage in told),
        reasoning_tokens=_sum(usage.reasoning_tokens for usage in told),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
