"""Searched words against texts: how both are taken apart, and where they meet.

The same rules as those of the index (FTS5's unicode61 without diacritics), so that what is not
indexed yet is found by the same words. The beginning of a word is enough from three letters on.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from threadline.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(r"[^\W_]+")
_SHORT: Final = 3
_BEFORE: Final = 60
_SNIPPET: Final = 200


class Word(NamedTuple):
    """One searched word: its tokens ("e-mail" has two), and whether the last may go on."""

    tokens: tuple[str, ...]
    is_prefix: bool

    @property
    def needle(self) -> str:
        """What a text that has this word holds, once it is `folded`."""
        return f" {' '.join(self.tokens)}{'' if self.is_prefix else ' '}"


class Query(NamedTuple):
    """What is searched for: each of the words, and each of the marks that are no words."""

    words: tuple[Word, ...]
    marks: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Query:
        """Take a searched text apart; nothing in it has a special meaning.

        Raises:
            ArgumentError: if there is nothing in it.

        Example:
            >>> Query.parse('refund AND "e-mail')
            ... # doctest: +ELLIPSIS
            Query(words=(Word(tokens=('refund',), is_prefix=True), Word(tokens=('and',), ...
        """
        pieces = [
            (piece, tuple(fold(token) for token in _TOKEN.findall(piece)))
            for piece in unicodedata.normalize("NFC", text).split()
        ]
        if not pieces:
            raise ArgumentError(argument="text", value=text, allowed="at least one word")
        words = tuple(Word(tokens, _may_go_on(tokens[-1])) for _, tokens in pieces if tokens)
        return cls(words, tuple(piece for piece, tokens in pieces if not tokens))

    def missing_in(self, text: str) -> frozenset[Word | str]:
        """Return the words and marks that `text` does not have."""
        marks = {mark for mark in self.marks if mark not in text}
        if text.isascii():
            lowered = text.lower()
            absent = {w for w in self.words if any(token not in lowered for token in w.tokens)}
            if len(absent) == len(self.words):
                return frozenset(absent | marks)
        tokens = folded(text)
        return frozenset({word for word in self.words if word.needle not in tokens} | marks)

    def places_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the words stand in a text, so that they can be marked there.

        Example:
            >>> list(Query.parse("refund").places_in("A refund. Refunds?"))
            [(2, 8), (10, 17)]
        """
        whole = {token for word in self.words for token in word.tokens}
        starts = tuple(word.tokens[-1] for word in self.words if word.is_prefix)
        for found in _TOKEN.finditer(text):
            token = fold(found[0])
            if token in whole or (starts and token.startswith(starts)):
                yield found.span()

    @property
    def all(self) -> frozenset[Word | str]:
        """All words and marks."""
        return frozenset({*self.words, *self.marks})


def fold(token: str) -> str:
    """Return a token without case and diacritics.

    Example:
        >>> fold("Écoute")
        'ecoute'
    """
    if token.isascii():
        return token.lower()
    apart = unicodedata.normalize("NFD", token.lower())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", bare)


def folded(text: str) -> str:
    """Return the tokens of `text` with a blank around each.

    Example:
        >>> folded("My e-mail: Ada_L")
        ' my e mail ada l '
    """
    if text.isascii():
        return f" {' '.join(_TOKEN.findall(text.lower()))} "
    whole = unicodedata.normalize("NFC", text)
    return f" {' '.join(map(fold, _TOKEN.findall(whole)))} "


def snippet(text: str, query: Query) -> str:
    """Return the part of `text` around the first match, on one line.

    Example:
        >>> snippet("no such thing " * 20 + "as a refund", Query.parse("refund"))[-12:]
        ' as a refund'
    """
    whole = unicodedata.normalize("NFC", text)
    start = max(0, _first_match(whole, query) - _BEFORE)
    stop = min(len(whole), start + _SNIPPET)
    start = max(0, min(start, stop - _SNIPPET))
    start = start and _next_blank(whole, start)
    cut = " ".join(whole[start:stop].split())
    return f"{'…' if start else ''}{cut}{'…' if stop < len(whole) else ''}"


def flat_text(value: Any) -> str:
    """Return the words of any JSON-like value.

    Example:
        >>> flat_text({"city": "Paris", "days": [1, 2]})
        'city: Paris, days: 1, 2'
    """
    return value if isinstance(value, str) else ", ".join(_pieces(value))


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in cast("dict[Any, Any]", value).items():
            yield f"{key}: {flat_text(item)}"
    elif isinstance(value, list | tuple):
        yield from map(flat_text, cast("list[Any]", value))
    elif value is not None:
        yield str(value)


def _may_go_on(token: str) -> bool:
    return len(token) >= _SHORT or not token.isascii()


def _first_match(text: str, query: Query) -> int:
    places = [text.find(mark) for mark in query.marks]
    starts = {word.tokens[0]: word for word in query.words}
    for found in _TOKEN.finditer(text):
        token = fold(found[0])
        if any(
            token.startswith(start) if word.is_prefix or len(word.tokens) > 1 else token == start
            for start, word in starts.items()
        ):
            places.append(found.start())
            break
    return min((place for place in places if place >= 0), default=0)


def _next_blank(text: str, start: int) -> int:
    """Begin with a whole word, if one begins soon."""
    blank = text.find(" ", start, start + _BEFORE // 2)
    return start if blank < 0 else blank + 1
