"""The part of a long text that is shown at once, and how much it leaves out."""

from __future__ import annotations

from typing import Final, NamedTuple

from threadline.render.printable import printable

TEXT_CHARACTERS: Final = 4000
TEXT_LINES: Final = 60
RESULT_CHARACTERS: Final = 300
RESULT_LINES: Final = 4


class Excerpt(NamedTuple):
    """The start of a text, printable, and the number of characters after it."""

    text: str
    left_out: int = 0


def excerpt(text: str, *, characters: int | None, lines: int | None = None) -> Excerpt:
    """Take the start of a recorded text, whole lines and words where it can.

    Args:
        text: Text as it was recorded.
        characters: The most characters to take; None takes all.
        lines: The most lines to take; None takes all.

    Example:
        >>> excerpt("Paris is lovely in spring", characters=12)
        Excerpt(text='Paris is', left_out=17)
    """
    whole = text.strip("\r\n").rstrip()
    end = len(whole) if characters is None else _word_end(whole, characters)
    if lines is not None:
        end = min(end, _line_end(whole, lines))
    return Excerpt(printable(whole[:end]), len(whole) - end)


def _word_end(text: str, limit: int) -> int:
    if len(text) <= limit:
        return len(text)
    gap = max(text.rfind(" ", limit // 2, limit + 1), text.rfind("\n", limit // 2, limit + 1))
    return gap if gap > 0 else limit


def _line_end(text: str, limit: int) -> int:
    end = -1
    for _ in range(limit):
        end = text.find("\n", end + 1)
        if end < 0:
            return len(text)
    return end
