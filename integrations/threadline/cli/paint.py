"""The one place that turns text into coloured output; nothing else makes rich objects of text.

Text is never read as markup, and it passes `printable` here once more, so that a place that
forgot to do so cannot let recorded text reach the terminal as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from threadline.render.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.render.entries import Tone

Piece = tuple[str, str]
"""Text and the name of its style."""

STYLES: Final = {
    "plain": "",
    "strong": "bold",
    "dim": "dim",
    "user": "bold cyan",
    "assistant": "bold green",
    "system": "bold dim",
    "tool": "magenta",
    "other": "bold",
    "quiet": "dim",
    "good": "green",
    "warn": "yellow",
    "bad": "red",
    "found": "bold yellow",
}


def painted(pieces: Iterable[Piece], *, marked: Sequence[str] = ()) -> Text:
    """Make one line of output; `marked` words in it are made to stand out."""
    line = Text(end="")
    for text, style in pieces:
        line.append(printable(text), style=STYLES[style])
    if marked:
        line.highlight_words(marked, style=STYLES["found"], case_sensitive=False)
    return line


def tone_sign(tone: Tone) -> str:
    """Return the sign that says the same as the colour of `tone`, for those who see none."""
    return {"good": "✓", "bad": "✗", "warn": "!", "quiet": "·"}[tone]
