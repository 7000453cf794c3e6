"""Answers as they were meant to look: markdown, of which nothing can act or load.

Raw HTML is shown as text, only web and mail addresses become links, and pictures that live
elsewhere become links too: opening a conversation asks nobody for anything.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING, Any, Final, cast

from threadline.render.page.markup import Markup, element, escaped, joined
from threadline.render.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

WHOLE: Final = 60_000
"""Longer texts are shown as they are: laying them out could take seconds."""

_DEEPEST: Final = 60
_HEADROOM: Final = 4
_SCHEMES: Final = ("http://", "https://", "mailto:")
_DEEPEST_HEADING: Final = 6
_SHIFT: Final = 3  # a page's own headings stand above those of an answer


def from_markdown(text: str) -> Markup:
    """Lay a recorded text out; as plain text where markdown-it-py is missing or it is too long."""
    if len(text) > WHOLE or not _is_installed():
        return plain_text(text)
    try:
        parser = _parser()
        tokens = parser.parse(printable(text))
        if any(token.level >= _DEEPEST - _HEADROOM for token in tokens):
            return plain_text(text)  # what is deeper the parser leaves out
        return element("div", Markup(_written(parser, tokens)), class_="md", dir="auto")
    except (RecursionError, ValueError, IndexError):  # what no parser should do, shown as it came
        return plain_text(text)


def plain_text(text: str) -> Markup:
    """Return a text as it was written, with its line breaks."""
    return element("div", text, class_="plain", dir="auto")


@functools.cache
def _is_installed() -> bool:
    return importlib.util.find_spec("markdown_it") is not None


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _is_harmless
    return parser


def _is_harmless(url: str) -> bool:
    return url.strip().lower().startswith(_SCHEMES)


def _written(parser: MarkdownIt, tokens: Sequence[Token]) -> str:
    for token in tokens:
        token.attrs = {"start": n} if (n := token.attrs.get("start")) else {}
        token.content = printable(token.content)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(_DEEPEST_HEADING, int(token.tag[1:]) + _SHIFT)}"
        if token.type == "fence":  # its words about itself could name a class
            token.info = ""
        if token.children is not None:
            token.children = [_tamed(child) for child in token.children]
    written = cast("Any", parser.renderer).render(tokens, parser.options, {})
    return str(written)


def _tamed(token: Token) -> Token:
    """Keep of an inline token what cannot act: a link's address, a picture's words.

    Its words are made printable once more: an entity can name what the text itself may not hold.
    """
    token.content = printable(token.content)
    if token.type == "link_open":
        address = printable(str(token.attrs.get("href", "")))
        token.attrs = {
            "href": address,
            "title": address,
            "rel": "noopener noreferrer nofollow",
            "target": "_blank",
        }
    elif token.type == "image":
        return _picture_link(token)
    else:
        token.attrs = {}
    return token


def _picture_link(token: Token) -> Token:
    from markdown_it.token import Token as NewToken

    address = str(token.attrs.get("src", ""))
    words = joined([f"picture: {token.content}" if token.content else "picture"])
    link = element("a", words, href=address, title=address, rel="noopener noreferrer nofollow")
    return NewToken("html_inline", "", 0, content=link if _is_harmless(address) else escaped(words))
