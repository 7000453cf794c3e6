"""How wide text is on a screen, and how it is cut, padded and wrapped there."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ELLIPSIS: Final = "…"
TAB_CELLS: Final = 4

_WORDS: Final = re.compile(r"\s+|\S+")


def cells(text: str) -> int:
    """Return how many columns `text` takes: wide characters two, combining marks none.

    Example:
        >>> cells("日本"), cells("e\N{COMBINING ACUTE ACCENT}"), cells("Paris")
        (4, 1, 5)
    """
    return len(text) if text.isascii() else sum(map(_cell, text))


def cut(text: str, *, width: int) -> str:
    """Return `text` if it fits into `width` columns, else its start and an ellipsis.

    Example:
        >>> cut("Paris is lovely", width=8)
        'Paris i…'
    """
    if width <= 0:
        return ""
    if cells(text) <= width:
        return text
    return text[: _fitting(text, width - 1)].rstrip("\u200c\u200d ") + ELLIPSIS


def padded(text: str, *, width: int, right: bool = False) -> str:
    """Return `text` with spaces up to `width` columns, to its left if `right`."""
    space = " " * max(0, width - cells(text))
    return space + text if right else text + space


def wrapped(text: str, *, width: int) -> list[str]:
    r"""Break `text` into lines of at most `width` columns, between words where it can.

    The indentation of a line is kept for what is broken off it, so that code stays readable.

    Example:
        >>> wrapped("Paris is lovely\n  in spring", width=9)
        ['Paris is', 'lovely', '  in', '  spring']
    """
    lines: list[str] = []
    for line in text.expandtabs(TAB_CELLS).split("\n"):
        lines.extend(_wrapped_line(line.rstrip(), max(2, width)))
    return lines


def _wrapped_line(line: str, width: int) -> Iterator[str]:
    if cells(line) <= width:
        yield line
        return
    words = line.lstrip()
    indent = " " * min(len(line) - len(words), width // 2, width - 2)  # a wide character fits
    room = width - len(indent)
    current, used = "", 0
    for word in _pieces(words, room):
        size = cells(word)
        if used + size > room:
            if current.strip():
                yield (indent + current).rstrip()
            current, used = "", 0
            word = word.lstrip()  # noqa: PLW2901 (a line does not begin with the gap before it)
            size = cells(word)
        current, used = current + word, used + size
    if current.strip():
        yield (indent + current).rstrip()


def _pieces(line: str, width: int) -> Iterator[str]:
    for match in _WORDS.finditer(line):
        word = match[0]
        while cells(word) > width:
            end = max(1, _fitting(word, width))
            yield word[:end]
            word = word[end:]
        yield word


def _fitting(text: str, width: int) -> int:
    used = 0
    for index, character in enumerate(text):
        used += _cell(character)
        if used > width:
            return index
    return len(text)


def _cell(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
