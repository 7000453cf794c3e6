"""What a streamed answer has said so far, and when the journal is to know of it.

Each chunk in the journal would cost more than the answer. So the whole of what was heard goes there
once in a while: what a process leaves that is killed while a model speaks.
"""

from __future__ import annotations

from typing import Final

CHUNKS_IN_A_ROW: Final = 16
"""After so many chunks somebody should ask what is worth telling."""

_PAUSE_NS: Final = 1_000_000_000
_GROWTH: Final = 9 / 8  # all that is told of an answer is at most nine times its length
# What a key, an address or a number may be made of: it is not told before all of it is there, or
# no rule would know it.
_OF_A_WORD: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/=@%:"
_OF_A_NUMBER: Final = "0123456789 ()-+."


class Heard(list[str]):
    """The chunks of one answer. Owned by the thread that hears them; others only join them."""

    __slots__ = ("_told", "_told_ns")

    def __init__(self) -> None:
        super().__init__()
        self._told = 0
        self._told_ns = 0

    def worth_telling(self, now_ns: int) -> str | None:
        """Return all that was said if it is much more than was told last, else None.

        Args:
            now_ns: The time, in nanoseconds.
        """
        if now_ns - self._told_ns < _PAUSE_NS:
            return None
        is_first, self._told_ns = not self._told_ns, now_ns
        if is_first:
            return None
        text = "".join(self).rstrip(_OF_A_WORD).rstrip(_OF_A_NUMBER)
        if len(text) <= self._told * _GROWTH:
            return None
        self._told = len(text)
        return text
